"""The Q-network of pictures. It knows neither environments nor replay."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from agents.heads import body_initializer
from agents.value_network import ValueNetwork, scaled
from configs import Config
from configs.game_list import games

# Mnih et al., "Human-level control through deep reinforcement learning", 2015, methods,
# "Model architecture": filters, kernel size, stride.
NATURE_CONVOLUTIONS = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
NATURE_DENSE_UNITS = 512


class PixelConv2D(tf.keras.layers.Conv2D):
    """A convolution over bytes, which it sees less a gray, and divided by 255.

    A background that is far from 0 is in every sum, and all filters are pushed up or down by it
    alike: on Pong the first updates left no filter alive that was ever above 0. Where it is 0 they
    see what stands before it.

    The kernel is divided in place of the pictures: two passes over every pixel less. And bfloat16,
    whose significand has 8 bits, holds every byte and every difference of bytes exactly, but not a
    255th part of them.

    float16 ends at 65,504, and sums over bytes in the kernel's gradient would not: there the
    pictures are divided by 256, which is exact, and the kernel by the rest.

    Args:
      *args, **kwargs: as Conv2D has them.
      background: the gray that is 0 to it, from 0 to 255.
    """

    def __init__(self, *args: Any, background: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._background = background

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, by which TF-Agents makes a copy."""
        return {**super().get_config(), "background": self._background}

    @property
    def _pixel_divisor(self) -> int:
        return 256 if self.compute_dtype == "float16" else 1

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return activations [B, height, width, filters] of bytes [B, height, width, channels]."""
        pixels = tf.cast(inputs, self.compute_dtype)
        if self._background:
            pixels -= self._background
        return super().call(pixels / self._pixel_divisor if self._pixel_divisor > 1 else pixels)

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolve with a 255th of the kernel, divided in float32: a rounded 1 / 255 is 1 / 254."""
        divisor = 255 / self._pixel_divisor
        kernel = tf.cast(tf.cast(kernel, tf.float32) / divisor, kernel.dtype)
        return super().convolution_op(inputs, kernel)


class NatureQNetwork(ValueNetwork):
    """The layers of Nature DQN, and the head of all networks.

    Args:
      input_tensor_spec: uint8 [84, 84, 4].
      action_spec: int [], from 0.
      config: `agent`, `dueling`, `noisy`, `network_width` and `layer_norm` shape it; with
        `subtract_background`, the background of its `game` is 0 to it;
        `precision`, "float32", "bfloat16" or "float16", is that of all layers before the last and
        of their weights.
      name: of the network; the noise of networks of other names is other noise.
    """

    def __init__(
        self,
        input_tensor_spec: tf.TensorSpec,
        action_spec: Any,
        config: Config,
        name: str = "QNetwork",
    ) -> None:
        dtype = tf.keras.mixed_precision.Policy(config.precision)
        (filters, kernel_size, strides), *others = [
            (scaled(filters, config), *sizes) for filters, *sizes in NATURE_CONVOLUTIONS
        ]
        super().__init__(
            input_tensor_spec,
            action_spec,
            config,
            name,
            scaled(NATURE_DENSE_UNITS, config),
            dtype,
            preprocessing_layers=PixelConv2D(
                filters,
                kernel_size,
                strides,
                activation="relu",
                background=_background(config),
                kernel_initializer=body_initializer(),
                dtype=dtype,
            ),
            conv_layer_params=others,
            fc_layer_params=None,
        )


def _background(config: Config) -> int:
    return games()[config.game].background if config.subtract_background else 0
