"""Dead units, counted in a network of which some were killed by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from agents.nature_network import NatureQNetwork
from configs import Config
from training.dead_units import dead_shares


class _Policy(tf.Module):
    """Only a network that looks."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def action(self, time_step: ts.TimeStep) -> Any:
        return self.network(time_step.observation)


def _ring(seed: int) -> Any:
    pictures = np.random.default_rng(seed).integers(0, 256, (64, 84, 84, 4), np.uint8)
    rows: list[np.ndarray] = []

    def stacks(row: np.ndarray, game: np.ndarray) -> np.ndarray:
        rows.append(row)
        assert game.max() == 1
        return pictures

    return SimpleNamespace(oldest_row=100, rows_added=1_100, num_envs=2, stacks=stacks, rows=rows)


def test_killed_units_are_counted() -> None:
    tf.keras.utils.set_random_seed(1)
    action_spec = tf.TensorSpec([], tf.int64)
    action_spec.minimum, action_spec.maximum = 0, 3
    config = Config(precision="float32", network_width=1.0, layer_norm=False)
    network = NatureQNetwork(tf.TensorSpec([84, 84, 4], tf.uint8), action_spec, config)
    network.create_variables()
    policy, ring = _Policy(network), _ring(seed=1)
    layers = [f"ReLU layer {number} of 4" for number in (1, 2, 3, 4)]
    before = dead_shares(policy, ring)
    assert list(before) == layers
    assert before[layers[0]] < 0.2
    biases = [weight for weight in network.trainable_weights if len(weight.shape) == 1]
    biases[0].assign([-1e6] * 8 + [1e6] * 24)  # 8 of the 32 filters of the first convolution
    biases[3].assign([-1e20] * 512)  # the dense layer, whose ReLU is a layer of its own
    after = dead_shares(policy, ring)
    assert after[layers[0]] == pytest.approx(8 / 32)
    assert after[layers[3]] == 1
    assert (ring.rows[0][0], ring.rows[0][-1]) == (100, 1_099)


def test_the_network_is_left_as_it_was() -> None:
    relu, plain = tf.keras.layers.Dense(3, activation="relu"), tf.keras.layers.Dense(2)
    network = tf.keras.Sequential([tf.keras.layers.Flatten(), relu, plain])
    policy = _Policy(lambda observation: network(tf.cast(observation, tf.float32)))
    policy.layers = network
    assert list(dead_shares(policy, _ring(seed=1))) == ["ReLU layer 1 of 1"]
    assert "call" not in vars(relu)
    assert relu(tf.constant([[1.0] * 28_224])).shape == (1, 3)
