"""Two states and two actions, where every number can be worked by hand; and batches of pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.networks import sequential
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

import agents
from agents import dqn
from agents.n_step import n_step_transition
from configs import Config

OBSERVATION = tensor_spec.TensorSpec([2], tf.float32, "observation")
PICTURE = tensor_spec.BoundedTensorSpec([84, 84, 4], tf.uint8, 0, 255, "observation")
ACTION = tensor_spec.BoundedTensorSpec([], tf.int64, 0, 1, "action")

# Q(s) = s K. Online: Q([1, 0]) = [1, 2], Q([0, 1]) = [4, 3]. Target: [10, 20] and [30, 40].
ONLINE = [[1.0, 2.0], [4.0, 3.0]]
TARGET = [[10.0, 20.0], [30.0, 40.0]]
S1, S2 = [1.0, 0.0], [0.0, 1.0]


class CountingDense(tf.keras.layers.Dense):
    """Counts how often it stands in a graph."""

    calls = 0

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        self.calls += 1
        return super().call(inputs)


def network(kernel: list[list[float]]) -> tuple[sequential.Sequential, CountingDense]:
    layer = CountingDense(
        2, use_bias=False, kernel_initializer=tf.constant_initializer(np.array(kernel))
    )
    return sequential.Sequential([layer], input_spec=OBSERVATION), layer


# DQN with the network of Mnih et al. and a target that is a copy, whatever the preset has.
CLASSIC = Config(
    agent="dqn",
    network_width=1.0,
    layer_norm=False,
    target_update_tau=1.0,
    target_update_period=500,
    act_with_target=False,
    learning_rate=1e-4,
    epsilon_final=0.01,
    precision="float32",
)


def agent_of(
    kind: type[dqn.DqnAgent] = dqn.DqnAgent, **settings: Any
) -> tuple[dqn.DqnAgent, CountingDense, CountingDense]:
    defaults = {"double": False, "n_step": 1, "discount": 0.5, "reward_clip": 0.0}
    config = CLASSIC.replace(**{**defaults, **settings})
    (online, online_layer), (target, target_layer) = network(ONLINE), network(TARGET)
    agent = kind(
        ts.time_step_spec(OBSERVATION),
        ACTION,
        online,
        target,
        tf.keras.optimizers.legacy.SGD(0.1),
        config,
        tf.Variable(0, dtype=tf.int64),
    )
    online_layer.calls = target_layer.calls = 0
    return agent, online_layer, target_layer


def nature_agent(**settings: Any) -> dqn.DqnAgent:
    """Return an agent with the network of pictures."""
    tf.keras.utils.set_random_seed(1)
    return agents.build(ts.time_step_spec(PICTURE), ACTION, CLASSIC.replace(**settings))


def transition(
    reward: float, discount: float = 1.0, *, gamma: float = 0.5, clip: float = 0.0
) -> trajectory.Transition:
    """From S1 by action 0 to S2."""
    return n_step_transition(
        tf.constant([S1]),
        tf.constant([0], tf.int64),
        tf.constant([[reward]]),
        tf.constant([[discount]]),
        tf.constant([[True]]),
        tf.constant([S2]),
        discount=gamma,
        reward_clip=clip,
    )


def batch_of(size: int, n_step: int) -> trajectory.Transition:
    """Black pictures and rewards of 1."""
    pictures, ones = tf.zeros([size, 84, 84, 4], tf.uint8), tf.ones([size, n_step])
    actions = tf.zeros([size], tf.int64)
    return n_step_transition(
        pictures, actions, ones, ones, ones > 0, pictures, discount=0.99, reward_clip=1.0
    )
