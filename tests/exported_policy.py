"""A tiny policy with random weights, exported as training exports one."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.networks import q_network
from tf_agents.policies import greedy_policy, policy_saver, q_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from configs import Config
from training.parts import q_values_of

CONFIG = Config(max_agent_steps_per_game=150)
"""Breakout in the fast pipeline, with games that are over soon."""

ITERATION = 1_234


def q_values(observation: np.ndarray) -> np.ndarray:
    """The Q-values of the exported policy, computed by the network it was made from."""
    return _network()(tf.constant(observation))[0].numpy()


@functools.cache
def _network() -> q_network.QNetwork:
    network = q_network.QNetwork(
        tensor_spec.TensorSpec((84, 84, 4), tf.uint8),
        tensor_spec.BoundedTensorSpec((), tf.int64, 0, 3),
        preprocessing_layers=tf.keras.layers.Rescaling(1 / 255),
        conv_layer_params=[(4, 8, 8)],
        fc_layer_params=[16],
    )
    network.create_variables()
    generator = np.random.default_rng(7)
    network.set_weights(
        [generator.normal(0, 0.3, np.shape(w)).astype(np.float32) for w in network.get_weights()]
    )
    return network


@functools.cache
def _export(folder: Path) -> Path:
    time_step_spec = ts.time_step_spec(tensor_spec.TensorSpec((84, 84, 4), tf.uint8))
    action_spec = tensor_spec.BoundedTensorSpec((), tf.int64, 0, 3)
    q_values_policy = q_policy.QPolicy(time_step_spec, action_spec, _network())
    policy = greedy_policy.GreedyPolicy(q_values_policy)
    saver = policy_saver.PolicySaver(policy, batch_size=None)
    saver.save(str(_old(folder)))
    saver.register_function("q_values", q_values_of(q_values_policy), time_step_spec.observation)
    saver.save(str(folder))
    card: dict[str, Any] = {
        "format": 1,
        "config": CONFIG.to_dict(),
        "iteration": ITERATION,
        "score": 3.5,
        "versions": {"tensorflow": tf.__version__},
    }
    for written in (folder, _old(folder)):
        (written / "config.json").write_text(json.dumps(card))
    return folder


def _old(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}_old")


@pytest.fixture(scope="session")
def exported_policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the export, made once; copy it before you break it."""
    return _export(tmp_path_factory.getbasetemp() / "exported_policy")


@pytest.fixture(scope="session")
def old_exported_policy(exported_policy: Path) -> Path:
    """The same policy as exported by the first versions, without its Q-values."""
    return _old(exported_policy)
