"""The Q-networks. They know neither environments nor replay."""

from __future__ import annotations

import zlib
from typing import Any

import tensorflow as tf
from tf_agents.networks import network, q_network

from agents.heads import ValueHead, body_initializer
from agents.optimizers import scale_gradient
from agents.values import value_form
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


class NatureQNetwork(q_network.QNetwork):
    """TF-Agents' QNetwork with the layers of Nature DQN and a head of ours, float32 at its end.

    Called as a network, it returns Q-values, float32 [B, A], whatever it says of each action;
    `outputs` returns that.

    Args:
      input_tensor_spec: uint8 [84, 84, 4].
      action_spec: int [], from 0.
      config: `agent`, `dueling`, `noisy`, `network_width` and `layer_norm` shape it;
        `precision`, "float32", "bfloat16" or "float16", is that of all layers before the last and
        of their weights; in float16 gradients are LOSS_SCALE times as great, see WeightUpdate.
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
            (_scaled(filters, config), *sizes) for filters, *sizes in NATURE_CONVOLUTIONS
        ]
        super().__init__(
            input_tensor_spec,
            action_spec,
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
            dtype=dtype,
            name=name,
        )
        self._form = value_form(config)
        self._scales_gradient = config.precision == "float16"
        self._q_value_layer = ValueHead(
            int(action_spec.maximum) + 1,
            self._form.size,
            _scaled(NATURE_DENSE_UNITS, config),
            dueling=config.dueling,
            noisy=config.noisy,
            layer_norm=config.layer_norm,
            body_dtype=dtype,
            seed=zlib.crc32(f"{name} {config.seed}".encode()),
        )

    def call(
        self,
        observation: tf.Tensor,
        step_type: tf.Tensor | None = None,
        network_state: Any = (),
        training: bool = False,
    ) -> tuple[tf.Tensor, Any]:
        """Return Q-values, float32 [B, A], of uint8 [B, 84, 84, 4], and the state handed in.

        Args:
          observation: the stacks.
          step_type: not looked at.
          network_state: none.
          training: with noise, where the network is noisy.
        """
        del step_type
        return self._form.mean(self.outputs(observation, training)), network_state

    def outputs(self, observation: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return what the network says of each action, float32 [B, A, N]; see its ValueForm."""
        outputs = super().call(observation, training=training)[0]
        return scale_gradient(outputs) if self._scales_gradient else outputs


class NoisyView(network.Network):
    """A network as it is while it learns: with noise; for the policy that collects.

    Args:
      noisy: the network.
    """

    def __init__(self, noisy: NatureQNetwork) -> None:
        super().__init__(noisy.input_tensor_spec, (), "NoisyView")
        self._noisy = noisy

    def call(
        self,
        observation: tf.Tensor,
        step_type: tf.Tensor | None = None,
        network_state: Any = (),
        training: bool = False,
    ) -> tuple[tf.Tensor, Any]:
        """Return Q-values, float32 [B, A], with new noise at each call."""
        del training
        return self._noisy(observation, step_type, network_state, training=True)


def _scaled(units: int, config: Config) -> int:
    return max(1, round(units * config.network_width))
