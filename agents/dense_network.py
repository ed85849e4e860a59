"""The Q-network of flat observations."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from agents.value_network import ValueNetwork, scaled
from configs import Config

DENSE_UNITS = 128


class DenseQNetwork(ValueNetwork):
    """A dense layer for flat observations, and the head of all networks. All is float32.

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
        units = scaled(DENSE_UNITS, config)
        super().__init__(
            input_tensor_spec,
            action_spec,
            config,
            name,
            units,
            tf.keras.mixed_precision.Policy("float32"),
            fc_layer_params=(units,),
        )
