"""The Q-network of flat observations."""

from __future__ import annotations

import zlib
from typing import Any

import tensorflow as tf
from tf_agents.networks import q_network

from agents.heads import ValueHead
from agents.values import value_form
from configs import Config

DENSE_UNITS = 128


class DenseQNetwork(q_network.QNetwork):
    """TF-Agents' QNetwork with a dense layer for flat observations, and the head of all networks.

    Its calls are NatureQNetwork's, for float32 [B, n] in place of pictures. All is float32.

    Args:
      input_tensor_spec: float32 [n].
      action_spec: int [], from 0.
      config: `agent`, `dueling`, `noisy`, `network_width` and `layer_norm` shape it.
      name: of the network; the noise of networks of other names is other noise.
    """

    def __init__(
        self,
        input_tensor_spec: tf.TensorSpec,
        action_spec: Any,
        config: Config,
        name: str = "QNetwork",
    ) -> None:
        units = max(1, round(DENSE_UNITS * config.network_width))
        super().__init__(input_tensor_spec, action_spec, fc_layer_params=(units,), name=name)
        self._form = value_form(config)
        self._q_value_layer = ValueHead(
            int(action_spec.maximum) + 1,
            self._form.size,
            units,
            dueling=config.dueling,
            noisy=config.noisy,
            layer_norm=config.layer_norm,
            body_dtype="float32",
            seed=zlib.crc32(f"{name} {config.seed}".encode()),
        )

    def call(
        self,
        observation: tf.Tensor,
        step_type: tf.Tensor | None = None,
        network_state: Any = (),
        training: bool = False,
    ) -> tuple[tf.Tensor, Any]:
        """Return Q-values, float32 [B, A], of float32 [B, n], and the state handed in.

        Args:
          observation: flat.
          step_type: not looked at.
          network_state: none.
          training: with noise, where the network is noisy.
        """
        outputs, network_state = super().call(observation, step_type, network_state, training)
        return self._form.mean(outputs), network_state

    def outputs(self, observation: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return what the network says of each action, float32 [B, A, N]; see its ValueForm."""
        return super().call(observation, training=training)[0]
