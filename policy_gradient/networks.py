"""One network that is actor and critic: a policy and a value upon the same layers."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp
from tf_agents.networks import network

from agents.nature_network import NATURE_CONVOLUTIONS, NATURE_DENSE_UNITS, PixelConv2D
from configs.policy_gradient import PolicyGradientConfig

_PICTURE_RANK = 3
# Orthogonal weights and their gains, as in OpenAI's Baselines, whose A2C is the usual measure.
_BODY_GAIN, _POLICY_GAIN, _VALUE_GAIN = 2.0**0.5, 0.01, 1.0


class ActorCriticNetwork(network.Network):
    """The layers of Nature DQN for pictures, dense layers for flat observations; and two heads.

    Mnih et al., "Asynchronous Methods for Deep Reinforcement Learning", 2016, section 4: policy and
    value share all layers but the last.

    As a network of TF-Agents it returns the policy, a Categorical distribution.

    Args:
      observation_spec: uint8 [84, 84, 4], or float32 [n].
      action_spec: int [], from 0.
      config: `dense_layers` and `dense_units` shape networks for flat observations.
    """

    def __init__(
        self,
        observation_spec: tf.TensorSpec,
        action_spec: Any,
        config: PolicyGradientConfig,
    ) -> None:
        super().__init__(observation_spec, state_spec=(), name="ActorCritic")
        is_picture = observation_spec.shape.rank == _PICTURE_RANK
        self._body = _picture_layers() if is_picture else _dense_layers(config)
        self._policy_head = _dense(int(action_spec.maximum) + 1, _POLICY_GAIN)
        self._value_head = _dense(1, _VALUE_GAIN)
        self._action_dtype = action_spec.dtype
        self.logits_and_values(tf.zeros([1, *observation_spec.shape], observation_spec.dtype))

    def logits_and_values(self, observation: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return logits, float32 [B, A], and values, float32 [B], of observations [B, ...]."""
        seen = observation
        for layer in self._body:
            seen = layer(seen)
        return self._policy_head(seen), tf.squeeze(self._value_head(seen), axis=-1)

    def call(
        self,
        observation: tf.Tensor,
        step_type: Any = (),
        network_state: Any = (),
        training: bool = False,
    ) -> tuple[tfp.distributions.Categorical, Any]:
        """Return the policy for observations [B, ...]."""
        del step_type, training
        logits, _ = self.logits_and_values(observation)
        return tfp.distributions.Categorical(logits, dtype=self._action_dtype), network_state


def _picture_layers() -> list[tf.keras.layers.Layer]:
    kinds = [PixelConv2D] + [tf.keras.layers.Conv2D] * (len(NATURE_CONVOLUTIONS) - 1)
    convolutions = [
        kind(filters, size, strides, activation="relu", kernel_initializer=_orthogonal(_BODY_GAIN))
        for kind, (filters, size, strides) in zip(kinds, NATURE_CONVOLUTIONS, strict=True)
    ]
    dense = _dense(NATURE_DENSE_UNITS, _BODY_GAIN, "relu")
    return [*convolutions, tf.keras.layers.Flatten(), dense]


def _dense_layers(config: PolicyGradientConfig) -> list[tf.keras.layers.Layer]:
    return [_dense(config.dense_units, _BODY_GAIN, "tanh") for _ in range(config.dense_layers)]


def _dense(units: int, gain: float, activation: str | None = None) -> tf.keras.layers.Dense:
    return tf.keras.layers.Dense(units, activation, kernel_initializer=_orthogonal(gain))


def _orthogonal(gain: float) -> tf.keras.initializers.Initializer:
    return tf.keras.initializers.Orthogonal(gain)
