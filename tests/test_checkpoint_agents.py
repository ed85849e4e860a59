"""A checkpoint of an agent, its replay and its games: everything that decides how it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from configs import Config
from replay.arrays import Window
from training import parts
from training.checkpoint import Checkpoints
from training.parts import Parts
from training.run_folder import RunFolder


def _config(seed: int, **changes: Any) -> Config:
    plain = Config(
        num_envs=2, n_step=2, batch_size=4, replay_capacity=200, precision="float32", seed=seed
    )
    return plain.replace(**changes)


def _variables(built: Parts) -> dict[str, list[Any]]:
    """Return all that decides how training goes on, besides the replay."""
    agent = built.agent
    optimizer = agent._optimizer
    slots = optimizer._optimizer.variables
    return {
        "weights": list(agent.policy.variables()),
        "target": list(agent._target_q_network.variables),
        "optimizer": list(slots() if callable(slots) else slots),
        "counters": [
            agent.train_step_counter,
            built.variables["agent_steps"],
            built.variables["agent_steps_due"],
        ],
        "exploration": [agent._generator.state],
        "collecting": [*agent._collect_network.variables, agent._collect_epsilon],
        "masters": list(optimizer._masters),
        "skipped": [] if optimizer._skipped is None else [optimizer._skipped],
    }


def _values(built: Parts) -> dict[str, list[np.ndarray]]:
    return {
        name: [variable.numpy() for variable in variables]
        for name, variables in _variables(built).items()
    }


# Weights and biases of three convolutions and two dense layers, and of two normalizations; of two
# dense layers and a normalization more in dueling's streams.
@pytest.mark.parametrize(
    ("changes", "weights"),
    [
        ({"optimizer": "rmsprop", "overlap": False}, 14),
        ({"optimizer": "rmsprop_nature", "dueling": True}, 20),
        ({"optimizer": "rmsprop", "precision": "bfloat16"}, 14),
        ({"optimizer": "rmsprop", "precision": "float16"}, 14),
    ],
)
def test_every_variable_of_an_agent_comes_back(
    tmp_path: Path, changes: dict[str, Any], weights: int
) -> None:
    built = parts.build(_config(1, **changes))
    generator = np.random.default_rng(5)
    for variables in _variables(built).values():
        for variable in variables:
            noise = generator.integers(1, 100, variable.shape)
            variable.assign(tf.cast(noise, variable.dtype))
    Checkpoints(RunFolder(tmp_path), built).save(3, {})
    restored = parts.build(_config(2, **changes))
    Checkpoints(RunFolder(tmp_path), restored).restore(lambda _: None)
    expected, actual = _values(built), _values(restored)
    assert len(actual["weights"]) == len(actual["target"]) == weights
    assert len(actual["optimizer"]) == 1 + 2 * weights  # steps; mean square and mean gradient
    for name, arrays in expected.items():
        for one, two in zip(arrays, actual[name], strict=True):
            np.testing.assert_array_equal(one, two, err_msg=name)


def test_training_goes_on_with_what_it_had(tmp_path: Path) -> None:
    # Life is short here: LAST rows are among those that come back.
    config = _config(
        1,
        max_agent_steps_per_game=30,
        update_period=4,
        epsilon_final=0.01,
        epsilon_decay_iterations=100,
        overlap=False,
    )
    built = parts.build(config)
    built.collect_at_random(60)
    built.iterate(5)
    Checkpoints(RunFolder(tmp_path), built).save(5, {})
    restored = parts.build(config.replace(seed=2))
    assert len(_values(built)["optimizer"]) == 1 + 2 * 14  # of Adam
    assert not np.array_equal(_values(built)["weights"][0], _values(restored)["weights"][0])
    Checkpoints(RunFolder(tmp_path), restored).restore(lambda _: None)

    for name, arrays in _values(built).items():
        for one, two in zip(arrays, _values(restored)[name], strict=True):
            np.testing.assert_array_equal(one, two, err_msg=name)
    # 60 at random and 5 iterations of 4
    assert restored.agent_steps() == built.agent_steps() >= 80
    assert int(restored.variables["agent_steps_due"]) == 80
    assert int(restored.agent.train_step_counter) == 5
    # 1 - (1 - 0.01) * 5 / 100
    assert float(restored.agent.epsilon) == pytest.approx(0.9505)

    ring, loaded = built.replay.ring, restored.replay.ring
    assert loaded.rows_added == ring.rows_added
    for one, two in zip(
        ring.rows(0, ring.rows_added), loaded.rows(0, ring.rows_added), strict=True
    ):
        np.testing.assert_array_equal(one, two)
    assert 2 in loaded.rows(0, ring.rows_added).step_type
    for one, two in zip(ring.sample(64, 2), loaded.sample(64, 2), strict=True):
        np.testing.assert_array_equal(one, two)
    draws = [each.agent._generator.uniform([9]).numpy() for each in (built, restored)]
    np.testing.assert_array_equal(*draws)


def test_a_batch_that_waits_is_drawn_again(tmp_path: Path) -> None:
    config = _config(1, overlap=True)
    built = parts.build(config)
    built.collect_at_random(60)
    built.iterate(5)
    Checkpoints(RunFolder(tmp_path), built).save(5, {})
    restored = parts.build(config.replace(seed=2))
    Checkpoints(RunFolder(tmp_path), restored).restore(lambda _: None)
    waits = built.iterations.batch_ahead
    again = restored.replay.ring.sample(config.batch_size, config.n_step)
    assert isinstance(waits, Window)
    for one, two in zip(waits, again, strict=True):
        np.testing.assert_array_equal(one, two)
    later = restored.replay.ring.sample(config.batch_size, config.n_step)
    assert not np.array_equal(waits.observation, later.observation)


def test_a_policy_that_lags_comes_back_as_it_was(tmp_path: Path) -> None:
    config = _config(1, overlap=True, policy_lag_iterations=3)
    built = parts.build(config)
    built.collect_at_random(60)
    built.iterate(3)
    refreshed = [variable.numpy() for variable in built.agent._acting_network.variables]
    built.iterate(1)
    Checkpoints(RunFolder(tmp_path), built).save(4, {})
    restored = parts.build(config.replace(seed=2))
    Checkpoints(RunFolder(tmp_path), restored).restore(lambda _: None)
    for name, arrays in _values(built).items():
        for one, two in zip(arrays, _values(restored)[name], strict=True):
            np.testing.assert_array_equal(one, two, err_msg=name)
    for each in (built, restored):
        networks = each.agent._collect_network.variables, each.agent._acting_network.variables
        collects, learns = ([variable.numpy() for variable in all_] for all_ in networks)
        assert all(map(np.array_equal, collects, refreshed))  # of iteration 3
        assert not all(map(np.array_equal, collects, learns))
        each.iterate(2)  # both are refreshed at iteration 6
        assert all(map(np.array_equal, *([v.numpy() for v in all_] for all_ in networks)))
