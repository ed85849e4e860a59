"""What an agent makes of a batch: that of its training step, and nothing changes by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

import agents
from agents.dqn import DqnAgent
from agents.insight import insight, weight_names
from agents.n_step import n_step_transition
from agents.optimizers import LOSS_SCALE
from configs import Config

_PICTURES = tf.TensorSpec([84, 84, 4], tf.uint8)
_NUMBERS = tf.TensorSpec([3], tf.float32)
_BATCH, _ACTIONS = 4, 3
_NOISY: dict[str, Any] = {"agent": "c51", "dueling": True, "noisy": True, "layer_norm": True}
_CASES: list[tuple[tf.TensorSpec, dict[str, Any]]] = [
    (_PICTURES, {"agent": "dqn", "precision": "float32"}),
    (_PICTURES, {"agent": "qr_dqn", "precision": "bfloat16"}),
    (_PICTURES, {"agent": "dqn", "precision": "float16"}),
    (_PICTURES, {"precision": "float32", **_NOISY}),
    (_NUMBERS, {"agent": "dqn", "munchausen": True, "double": False, "n_step": 1}),
    (_NUMBERS, {"overlap": True, **_NOISY}),
]


def _agent(observation: tf.TensorSpec, settings: dict[str, Any]) -> DqnAgent:
    tf.keras.utils.set_random_seed(1)
    config = Config(**{"precision": "float32", "network_width": 0.1, "atoms": 5, **settings})
    action = tensor_spec.BoundedTensorSpec([], tf.int64, 0, _ACTIONS - 1)
    agent: DqnAgent = agents.build(ts.time_step_spec(observation), action, config)
    return agent


def _transition(observation: tf.TensorSpec, seed: int) -> Any:
    generator = np.random.default_rng(seed)
    shape = (2, _BATCH, *observation.shape)
    first, then = tf.constant(generator.integers(0, 256, shape), observation.dtype)
    return n_step_transition(
        first,
        tf.constant(generator.integers(0, _ACTIONS, _BATCH), tf.int64),
        tf.constant(generator.normal(size=(_BATCH, 1)), tf.float32),
        tf.constant([[1.0], [1.0], [0.0], [1.0]]),
        tf.fill([_BATCH, 1], True),
        then,
        discount=0.9,
        reward_clip=0.0,
    )


class _Recorder:
    """An optimizer that notes the gradients and changes nothing."""

    def apply_gradients(self, grads_and_vars: Any) -> None:
        self.gradients = [tf.cast(gradient, tf.float32).numpy() for gradient, _ in grads_and_vars]


@pytest.mark.parametrize(("observation", "settings"), _CASES)
def test_it_is_what_the_next_training_step_sees_and_changes_nothing(
    observation: tf.TensorSpec, settings: dict[str, Any]
) -> None:
    agent, transition = _agent(observation, settings), _transition(observation, seed=1)
    importance = tf.constant([1.0, 0.5, 0.25, 1.0])
    variables = _variables(tf.train.Checkpoint(agent=agent))
    assert len(variables) > 15
    before = [variable.numpy() for variable in variables]
    seen = insight(agent, transition, importance)
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value, err_msg=variable.name)
    without_noise = agent.online_network(transition.time_step.observation)[0]
    np.testing.assert_array_equal(seen.q_values, without_noise)
    assert seen.q_values.shape == (_BATCH, _ACTIONS)

    recorder: Any = _Recorder()
    agent._optimizer = recorder
    info = agent.train(transition, weights=importance)  # with the same noise, where there is any
    np.testing.assert_allclose(seen.td_errors, info.extra.td_error, rtol=1e-5, atol=1e-6)
    scale = LOSS_SCALE if settings.get("precision") == "float16" else 1
    for gradient, expected in zip(seen.gradients.values(), recorder.gradients, strict=True):
        np.testing.assert_allclose(gradient * scale, expected, rtol=1e-3, atol=1e-5 * scale)
    assert all(gradient.any() for gradient in seen.gradients.values())


def _variables(root: tf.train.Checkpoint) -> list[tf.Variable]:
    """Return all that a checkpoint of `root` would hold."""
    found: list[Any] = [root]
    seen = {id(root)}
    for item in found:
        for child in item._trackable_children().values():
            if id(child) not in seen:
                seen.add(id(child))
                found.append(child)
    return [each for each in found if isinstance(each, tf.Variable)]


def test_weights_are_named_by_the_places_of_their_layers() -> None:
    _agent(_PICTURES, {"agent": "dqn"})  # after which Keras numbers on
    network = _agent(_PICTURES, {"agent": "dqn"}).online_network
    assert weight_names(network.trainable_weights) == [
        *("1_pixel_conv2d/kernel", "1_pixel_conv2d/bias", "2_conv2d/kernel", "2_conv2d/bias"),
        *("3_conv2d/kernel", "3_conv2d/bias"),
        *("4_layer_normalization/gamma", "4_layer_normalization/beta"),
        *("5_dense/kernel", "5_dense/bias"),
        *("6_layer_normalization/gamma", "6_layer_normalization/beta"),
        *("7_dense/kernel", "7_dense/bias"),
    ]
