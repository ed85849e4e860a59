"""The Q-networks. They know neither environments nor replay."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tf_agents.networks import q_network

# Mnih et al., "Human-level control through deep reinforcement learning", 2015, methods,
# "Model architecture": filters, kernel size, stride.
NATURE_CONVOLUTIONS = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
NATURE_DENSE_UNITS = 512


class PixelConv2D(tf.keras.layers.Conv2D):
    """A convolution over bytes, which it sees divided by 255.

    The kernel is divided in place of the pictures: two passes over every pixel less. And bfloat16,
    whose significand has 8 bits, holds every byte exactly, but not its 255th part.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return activations [B, height, width, filters] of bytes [B, height, width, channels]."""
        return super().call(tf.cast(inputs, self.compute_dtype))

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolve with a 255th of the kernel, divided in float32: a rounded 1 / 255 is 1 / 254."""
        kernel = tf.cast(tf.cast(kernel, tf.float32) / 255, kernel.dtype)
        return super().convolution_op(inputs, kernel)


class DuelingHead(tf.keras.layers.Layer):
    """Adds a state's value and its actions' advantages, less their mean.

    Wang et al., "Dueling Network Architectures for Deep Reinforcement Learning", 2016, equation 9;
    each stream has a dense layer of its own, as in section 4.2.

    Args:
      num_actions: A.
      units: width of the dense layer of each stream.
      body_dtype: dtype policy of these layers; values and advantages are float32.
    """

    def __init__(self, num_actions: int, units: int, body_dtype: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._value_body = _dense_body(units, body_dtype)
        self._advantage_body = _dense_body(units, body_dtype)
        self._value = _linear(1)
        self._advantage = _linear(num_actions)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return Q-values, float32 [B, A], of `inputs`, [B, features]."""
        value = self._value(self._value_body(inputs))  # [B, 1]
        advantage = self._advantage(self._advantage_body(inputs))  # [B, A]
        return value + advantage - tf.reduce_mean(advantage, axis=-1, keepdims=True)


class NatureQNetwork(q_network.QNetwork):
    """TF-Agents' QNetwork with the layers of Nature DQN and a float32 head.

    Args:
      input_tensor_spec: uint8 [84, 84, 4].
      action_spec: int [], from 0.
      dueling: whether the head is a DuelingHead.
      precision: "float32" or "bfloat16", of all layers before the head and of their weights.
      name: of the network.
    """

    def __init__(
        self,
        input_tensor_spec: tf.TensorSpec,
        action_spec: Any,
        dueling: bool = False,
        precision: str = "float32",
        name: str = "QNetwork",
    ) -> None:
        dtype = tf.keras.mixed_precision.Policy(precision)
        filters, kernel_size, strides = NATURE_CONVOLUTIONS[0]
        super().__init__(
            input_tensor_spec,
            action_spec,
            preprocessing_layers=PixelConv2D(
                filters,
                kernel_size,
                strides,
                activation="relu",
                kernel_initializer=_body_initializer(),
                dtype=dtype,
            ),
            conv_layer_params=NATURE_CONVOLUTIONS[1:],
            fc_layer_params=None if dueling else (NATURE_DENSE_UNITS,),
            dtype=dtype,
            name=name,
        )
        # QNetwork's own head would have the precision of the body.
        num_actions = int(action_spec.maximum) + 1
        self._q_value_layer = (
            DuelingHead(num_actions, NATURE_DENSE_UNITS, dtype) if dueling else _linear(num_actions)
        )


def _body_initializer() -> tf.keras.initializers.Initializer:
    # That of TF-Agents' EncodingNetwork.
    return tf.keras.initializers.VarianceScaling(2.0, "fan_in", "truncated_normal")


def _dense_body(units: int, dtype: Any) -> tf.keras.layers.Dense:
    return tf.keras.layers.Dense(units, "relu", kernel_initializer=_body_initializer(), dtype=dtype)


def _linear(units: int) -> tf.keras.layers.Dense:
    # Small first Q-values, as in TF-Agents' QNetwork, but around 0 and not around -0.2.
    initializer = tf.keras.initializers.RandomUniform(-0.03, 0.03)
    return tf.keras.layers.Dense(units, kernel_initializer=initializer, dtype="float32")
