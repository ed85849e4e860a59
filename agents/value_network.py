"""What all Q-networks have in common: TF-Agents' QNetwork with another end."""

from __future__ import annotations

import zlib
from typing import Any

import tensorflow as tf
from tf_agents.networks import network, q_network

from agents import value_form
from agents.heads import ValueHead
from agents.optimizers import scale_gradient
from configs import Config


class ValueNetwork(q_network.QNetwork):
    """TF-Agents' QNetwork, whose last layer is a head of ours, float32 at its end.

    Called as a network, it returns Q-values, float32 [B, A], whatever it says of each action;
    `outputs` returns that.

    Args:
      input_tensor_spec: of an observation.
      action_spec: int [], from 0.
      config: `agent`, `dueling`, `noisy` and `layer_norm` shape the head.
      name: of the network; the noise of networks of other names is other noise.
      units: of the head's dense layers.
      dtype: dtype policy of all layers but the last; of float16 gradients are LOSS_SCALE times as
        great, see WeightUpdate.
      **body: the layers before the head, as QNetwork has them.
    """

    def __init__(
        self,
        input_tensor_spec: tf.TensorSpec,
        action_spec: Any,
        config: Config,
        name: str,
        units: int,
        dtype: tf.keras.mixed_precision.Policy,
        **body: Any,
    ) -> None:
        super().__init__(input_tensor_spec, action_spec, dtype=dtype, name=name, **body)
        self._form = value_form(config)
        self._scales_gradient = dtype.compute_dtype == "float16"
        self._q_value_layer = ValueHead(
            int(action_spec.maximum) + 1,
            self._form.size,
            units,
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
        """Return Q-values, float32 [B, A], of observations [B, ...], and the state handed in.

        Args:
          observation: as `input_tensor_spec` says, in batches.
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

    def __init__(self, noisy: ValueNetwork) -> None:
        super().__init__(noisy.input_tensor_spec, (), "NoisyView")
        self._noisy = noisy

    def call(self, observation: tf.Tensor, *args: Any, **kwargs: Any) -> tuple[tf.Tensor, Any]:
        """Return Q-values, float32 [B, A], with new noise at each call."""
        del args, kwargs  # a policy says that it does not train
        return self._noisy(observation, training=True)


def scaled(units: int, config: Config) -> int:
    """Return so many units, or filters, times `config.network_width`; at least one."""
    return max(1, round(units * config.network_width))
