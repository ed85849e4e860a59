"""The order of playing, drawing and learning, read from a tape."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.environments import py_environment, tf_py_environment
from tf_agents.policies import tf_policy
from tf_agents.specs import array_spec
from tf_agents.trajectories import policy_step, trajectory
from tf_agents.trajectories import time_step as ts

from configs import Config
from replay.arrays import Window
from replay.frame_ring import FrameRing
from replay.uniform import UniformReplay
from training.iterations import Iterations
from training.time_spent import TimedEnvironment, TimeSpent


class _Game(py_environment.PyEnvironment):
    """An endless game that writes down the actions, which are the versions of the policy."""

    def __init__(self) -> None:
        super().__init__(handle_auto_reset=False)
        self.actions: list[int] = []

    def observation_spec(self) -> array_spec.BoundedArraySpec:
        return array_spec.BoundedArraySpec((1, 1, 4), np.uint8, 0, 255)

    def action_spec(self) -> array_spec.BoundedArraySpec:
        return array_spec.BoundedArraySpec((), np.int64, 0, 99)

    def _reset(self) -> ts.TimeStep:
        return ts.restart(np.zeros((1, 1, 4), np.uint8))

    def _step(self, action: np.ndarray) -> ts.TimeStep:
        self.actions.append(int(action))
        return ts.transition(np.full((1, 1, 4), len(self.actions), np.uint8), reward=0.0)


class _Extra(NamedTuple):
    td_error: tf.Tensor
    q_value: tf.Tensor
    priority: tf.Tensor


class _VersionPolicy(tf_policy.TFPolicy):
    def __init__(self, env: tf_py_environment.TFPyEnvironment, version: tf.Variable) -> None:
        super().__init__(env.time_step_spec(), env.action_spec())
        self._version = version

    def _action(self, time_step: ts.TimeStep, policy_state: Any, seed: Any) -> Any:
        with tf.control_dependencies([time_step.step_type]):
            return policy_step.PolicyStep(self._version.read_value()[None], policy_state, ())


class _Agent:
    """Its weights are a version number, which each training step makes greater by one."""

    def __init__(self, env: tf_py_environment.TFPyEnvironment, lags: bool) -> None:
        self.version = self.train_step_counter = tf.Variable(0, dtype=tf.int64)
        self._collect_version = tf.Variable(0, dtype=tf.int64) if lags else self.version
        self.collect_policy = _VersionPolicy(env, self._collect_version)
        self.random_policy = _VersionPolicy(env, tf.Variable(99, dtype=tf.int64))
        self.collect_data_spec = trajectory.from_transition(
            env.time_step_spec(),
            policy_step.PolicyStep(env.action_spec(), (), ()),
            env.time_step_spec(),
        )
        self.newest_learned: list[int] = []

    def train(self, transition: trajectory.Transition, weights: None) -> tf_agent.LossInfo:
        """Write down the newest frame that was learned."""
        newest = tf.reduce_max(transition.next_time_step.observation)
        learned = tf.numpy_function(self._learned, [newest], tf.int64)
        with tf.control_dependencies([learned]):
            self.version.assign_add(1)
        loss = tf.cast(learned, tf.float32)
        return tf_agent.LossInfo(loss, _Extra(-loss[None], 2 * loss[None], loss[None]))

    def refresh_collect_policy(self) -> None:
        self._collect_version.assign(self.version)

    def _learned(self, newest: np.ndarray) -> np.int64:
        self.newest_learned.append(int(newest))
        return np.int64(newest)


class _Tape:
    """A run of three random steps, and what it does then."""

    def __init__(self, overlap: bool, monkeypatch: pytest.MonkeyPatch, lag: int = 1) -> None:
        self.game = _Game()
        self.spent = TimeSpent()
        env = tf_py_environment.TFPyEnvironment(TimedEnvironment(self.game, self.spent))
        self.agent = _Agent(env, lags=overlap)
        config = Config(
            num_envs=1,
            update_period=1,
            n_step=1,
            batch_size=64,
            overlap=overlap,
            policy_lag_iterations=lag,
            reward_clip=0.0,
        )
        replay = UniformReplay(
            self.agent.collect_data_spec,
            1_000,
            1,
            seed=1,
            on_sampled=lambda seconds: self.spent.add("sampling", seconds),
        )
        self.rows_at_draw: list[int] = []
        sample = FrameRing.sample

        def noted(
            ring: FrameRing, batch_size: int, n_step: int, *, ahead: bool, stacked: bool
        ) -> Window:
            assert ahead == overlap
            self.rows_at_draw.append(ring.rows_added)
            return sample(ring, batch_size, n_step, ahead=ahead, stacked=stacked)

        monkeypatch.setattr(FrameRing, "sample", noted)
        self.iterations = Iterations(config, env, self.agent, replay, self.spent)
        self.iterations.collect_at_random(3)


@pytest.mark.parametrize(
    ("overlap", "drawn"),
    [
        # Three random steps; then each step is played and drawn from, and learned at last.
        (False, [4, 5, 6, 7]),
        # The batch was drawn an iteration ago; one waits at the end.
        (True, [3, 4, 5, 6, 7]),
    ],
)
def test_what_is_drawn_and_which_policy_plays(
    overlap: bool, drawn: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = _Tape(overlap, monkeypatch)
    tape.iterations.run(3)
    tape.iterations.run(1)  # the batch waits between two calls
    assert tape.rows_at_draw == drawn
    assert tape.game.actions == [99, 99, 99, 0, 1, 2, 3]  # each by the newest policy
    # Of so many rows the newest is still without its next step; 64 draws find the one before it.
    assert tape.agent.newest_learned == [rows - 1 for rows in drawn[:4]]
    assert tape.iterations.agent_steps() == 7
    assert (tape.iterations.batch_ahead is None) == (not overlap)


def test_a_policy_that_lags_is_refreshed_by_the_number_of_training_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tape = _Tape(overlap=True, monkeypatch=monkeypatch, lag=3)
    for count in (2, 5, 1):  # where a call ends is no reason to refresh
        tape.iterations.run(count)
    assert tape.game.actions == [99, 99, 99, 0, 0, 0, 3, 3, 3, 6, 6]


@pytest.mark.parametrize("overlap", [False, True])
def test_losses_are_means_over_the_iterations(
    overlap: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = _Tape(overlap, monkeypatch)
    losses = tape.iterations.run(2)
    mean = sum(tape.agent.newest_learned) / 2
    assert losses == {"loss": mean, "td_error_abs": mean, "q_value": 2 * mean}


@pytest.mark.parametrize("overlap", [False, True])
def test_all_time_is_accounted_for(overlap: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = _Tape(overlap, monkeypatch)
    tape.iterations.run(1)  # traces
    before = dict(tape.spent.seconds)
    readings = iter([100.0, 110.0])
    clock = SimpleNamespace(perf_counter=lambda: next(readings))
    monkeypatch.setattr("training.iterations.time", clock)
    tape.iterations.run(1)
    took = {name: spent - before[name] for name, spent in tape.spent.seconds.items()}
    # A call of ten seconds, of which hardly any went into playing and drawing.
    assert (took["training"] if overlap else sum(took.values())) == pytest.approx(10.0)
    assert min(took["acting"], took["emulating"], took["sampling"]) > 0
    assert took["evaluating"] == took["writing"] == 0
