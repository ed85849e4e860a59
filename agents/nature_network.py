"""The Q-network of pictures. It knows neither environments nor replay."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from agents.heads import body_initializer
from agents.value_network import ValueNetwork, scaled
from configs import Config

# Mnih et al., "Human-level control through deep reinforcement learning", 2015, methods,
# "Model architecture": filters, kernel size, stride.
NATURE_CONVOLUTIONS = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
NATURE_DENSE_UNITS = 512


class PixelConv2D(tf.keras.layers.Conv2D):
    """A convolution over bytes, which it sees divided by 255.

    The kernel is divided in place of the pictures: two passes over every pixel less. And bfloat16,
    whose significand has 8 bits, holds every byte exactly, but not its 255th part.

    float16 ends at 65,504, and sums over bytes in the kernel's gradient would not: there the
    pictures are divided by 256, which is exact, and the kernel by the rest.
    """

    @property
    def _pixel_divisor(self) -> int:
        return 256 if self.compute_dtype == "float16" else 1

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return activations [B, height, width, filters] of bytes [B, height, width, channels]."""
        pixels = tf.cast(inputs, self.compute_dtype)
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
      config: `agent`, `dueling`, `noisy`, `network_width` and `layer_norm` shape it;
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
                kernel_initializer=body_initializer(),
                dtype=dtype,
            ),
            conv_layer_params=others,
            fc_layer_params=None,
        )
