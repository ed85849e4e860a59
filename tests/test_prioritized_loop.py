"""Prioritized replay in the loop: in which order, and the same after a resume."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from test_iterations import _Agent, _Game
from tf_agents.agents import tf_agent
from tf_agents.environments import tf_py_environment
from tf_agents.trajectories import trajectory

from configs import Config
from console.errors import UserError
from replay.prioritized import PrioritizedReplay
from training import parts
from training.checkpoint import Checkpoints
from training.iterations import Iterations
from training.run_folder import RunFolder
from training.time_spent import TimedEnvironment, TimeSpent

_BATCH = 8


class _Extra(NamedTuple):
    td_error: tf.Tensor
    q_value: tf.Tensor
    priority: tf.Tensor


class _Learner(_Agent):
    """Writes down what it learns; its priorities hang on that and on its version."""

    def __init__(self, env: tf_py_environment.TFPyEnvironment, lags: bool) -> None:
        super().__init__(env, lags)
        self.learned: list[tuple[list[int], list[float]]] = []

    def train(self, transition: trajectory.Transition, weights: Any) -> tf_agent.LossInfo:
        frames = tf.reduce_max(transition.time_step.observation, axis=[1, 2, 3])
        priority = tf.numpy_function(self._note, [frames, weights, self.version], tf.float32)
        priority = tf.ensure_shape(priority, [_BATCH])
        with tf.control_dependencies([priority]):
            self.version.assign_add(1)
        return tf_agent.LossInfo(priority[0], _Extra(priority, priority, priority))

    def _note(self, frames: np.ndarray, weights: np.ndarray, version: np.ndarray) -> np.ndarray:
        self.learned.append((frames.tolist(), weights.tolist()))
        return ((frames.astype(np.int64) * 7 + version * 3) % 11).astype(np.float32)


class _BeginAnew:
    """Games of which nothing is kept."""

    def state(self) -> dict[str, np.ndarray]:
        return {}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        assert state == {}


class _Run:
    """A game, a learner and a small replay; three random steps are played."""

    def __init__(self, overlap: bool, seed: int = 1) -> None:
        self.game = _Game()
        self.env = tf_py_environment.TFPyEnvironment(TimedEnvironment(self.game, TimeSpent()))
        self.agent = _Learner(self.env, lags=overlap)
        config = self.config = Config(
            num_envs=1, update_period=1, n_step=1, batch_size=_BATCH, overlap=overlap,
            reward_clip=0.0, prioritized=True,
        )  # fmt: skip
        self.replay = PrioritizedReplay(
            self.agent.collect_data_spec,
            12,  # the steps of a batch that waits may be overwritten
            1,
            seed=seed,
            n_step=1,
            exponent=0.5,
            weight_initial=0.4,
            weight_batches=20,
        )
        self.iterations = Iterations(config, self.env, self.agent, self.replay, TimeSpent())
        self.variables = {"version": self.agent.version, **self.iterations.variables_to_keep}
        self.iterations.collect_at_random(3)

    def begin_games_anew(self) -> None:
        self.game.actions.clear()
        self.env.reset()

    def checkpoints(self, folder: Path) -> Checkpoints:
        any_parts: Any = SimpleNamespace(
            env=_BeginAnew(), config=self.config, replay=self.replay, variables=self.variables
        )
        return Checkpoints(RunFolder(folder), any_parts)


@pytest.mark.parametrize(
    ("overlap", "order"),
    [
        (False, "draw 0, change 0, draw 1, change 1, draw 2, change 2"),
        # Priorities change behind the draw that goes on beside the learning.
        (True, "draw 0, draw 1, change 0, draw 2, change 1, draw 3, change 2"),
    ],
)
def test_order_of_draws_and_changes(
    overlap: bool, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _Run(overlap)
    ring, tape = run.replay.ring, list[str]()
    batches: list[tuple[list[int], list[float]]] = []
    draw, change = ring._draw_by_priority, ring.update_priorities

    def noted_draw(batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        time.sleep(0.1)  # nothing that must wait for this draw comes before it by luck
        ids, weights = draw(batch_size)
        tape.append(f"draw {len(batches)}")
        batches.append((ids.tolist(), weights.tolist()))
        return ids, weights

    def noted_change(ids: np.ndarray, priorities: np.ndarray) -> None:
        tape.append(f"change {[known for known, _ in batches].index(ids.tolist())}")
        change(ids, priorities)

    monkeypatch.setattr(ring, "_draw_by_priority", noted_draw)
    monkeypatch.setattr(ring, "update_priorities", noted_change)
    run.iterations.run(2)
    run.iterations.run(1)
    assert ", ".join(tape) == order
    # The frame that begins a window has its row's number here. What was drawn is learned.
    assert run.agent.learned == batches[:3]
    assert len({tuple(ids) for ids, _ in batches}) == len(batches)


@pytest.mark.parametrize("overlap", [False, True])
def test_twice_as_long_is_stopping_and_going_on(tmp_path: Path, overlap: bool) -> None:
    """The games in play alone begin anew at a resume, so they do in the run that is not stopped."""
    run, resumed = _Run(overlap), _Run(overlap, seed=2)
    run.iterations.run(15)  # more rows than the replay has room for
    run.checkpoints(tmp_path).save(15, {})
    run.begin_games_anew()
    resumed.begin_games_anew()
    resumed.checkpoints(tmp_path).restore(pytest.fail)
    resumed.agent.refresh_collect_policy()
    for each in (run, resumed):
        each.agent.learned.clear()
        each.iterations.run(15)
    assert len(run.agent.learned) == 15
    assert run.agent.learned == resumed.agent.learned
    assert run.game.actions == resumed.game.actions
    one, other = (each.replay.ring.priority_state() for each in (run, resumed))
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)
    assert len(set(one["values"].tolist())) > 5


def test_torn_priorities_are_noticed(tmp_path: Path) -> None:
    run = _Run(overlap=True)
    run.checkpoints(tmp_path).save(15, {})
    file = tmp_path / "checkpoints" / "000000015" / "priorities.npz"
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    file.write_bytes(content)
    said = list[str]()
    with pytest.raises(UserError, match="none of 1 is whole"):
        run.checkpoints(tmp_path).restore(said.append)
    assert "priorities.npz does not match its checksum" in said[0]


@pytest.mark.parametrize("agent", ["dqn", "c51", "qr_dqn"])
def test_every_agent_gives_priorities_for_several_games(agent: str) -> None:
    config = Config(
        agent=agent, num_envs=2, n_step=2, batch_size=4, replay_capacity=100, network_width=0.1,
        precision="float32", prioritized=True, priority_exponent=1.0, priority_weight_iterations=5,
    )  # fmt: skip
    built = parts.build(config)
    built.collect_at_random(60)
    assert isinstance(built.replay, PrioritizedReplay)
    before = built.replay.ring.priority_state()["values"]
    assert set(before) == {0.0, 1.0}
    losses = built.iterate(5)
    assert np.isfinite(losses["loss"])
    after = built.replay.ring.priority_state()["values"]
    assert len(set(after)) > 5
    assert built.replay.ring.weight_exponent == 1.0
