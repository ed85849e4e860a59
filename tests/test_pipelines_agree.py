"""The vector and the suite pipeline, raced against each other byte for byte."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from scripted_game import PIPELINES
from tf_agents.drivers import dynamic_step_driver
from tf_agents.environments import tf_py_environment
from tf_agents.policies import random_tf_policy
from tf_agents.trajectories.time_step import StepType, TimeStep

from configs import Config
from envs import suite
from envs.finished_game import FinishedGame

_SEED = 5
_NUM_ENVS = 2


class Case(NamedTuple):
    """What is played, and what must happen in it for the comparison to mean something."""

    config: Config
    steps: int
    name: str = ""
    slots: range = range(_NUM_ENVS)
    seed: int = _SEED
    lost_lives: int = 0  # at least so many, seen as ends of episodes
    game_overs: int = 0
    times_up: int = 0
    start_frames: int = 0  # some report must count at least so many

    def __str__(self) -> str:
        return f"{self.config.game}{self.name}"


_STICKY = 0.25
_CASES = [
    Case(Config(game="Breakout"), 220, "-life", lost_lives=8, game_overs=2),
    Case(
        Config(game="Breakout", life_loss_terminal=False, sticky_action_probability=_STICKY),
        300,
        "-game-sticky",
        game_overs=2,
    ),
    # These seeds make short lives.
    Case(
        Config(game="SpaceInvaders", sticky_action_probability=_STICKY),
        160,
        "-life-sticky",
        range(1),
        lost_lives=2,
        game_overs=1,
    ),
    Case(
        Config(
            game="SpaceInvaders",
            life_loss_terminal=False,
            max_agent_steps_per_game=120,
            sticky_action_probability=_STICKY,
        ),
        125,
        "-game-sticky",
        range(1, 2),
        seed=3,
        times_up=1,
        start_frames=3 * 160,  # two lives were lost
    ),
    Case(
        Config(game="Pong", max_agent_steps_per_game=130, sticky_action_probability=_STICKY),
        140,
        times_up=2,
    ),
    Case(Config(game="Backgammon", max_agent_steps_per_game=50), 60, times_up=2),
    Case(
        Config(game="MsPacman", max_agent_steps_per_game=190, noop_start_max_frames=0),
        200,
        lost_lives=1,
        times_up=2,
    ),
]


def _steps(case: Case, pipeline: str) -> Iterator[tuple[TimeStep, list[FinishedGame]]]:
    config = case.config.replace(env_pipeline=pipeline)
    env = suite.load(config, len(case.slots), case.seed, first_slot=case.slots.start)
    generator = np.random.default_rng(3)
    number_of_actions = int(env.action_spec().maximum) + 1
    yield env.reset(), env.pop_finished_games()
    for _ in range(case.steps):
        action = generator.integers(number_of_actions, size=4)[case.slots.start : case.slots.stop]
        yield env.step(action), env.pop_finished_games()


@pytest.mark.parametrize("case", _CASES, ids=str)
def test_the_same_bytes(case: Case) -> None:
    lost_lives = game_overs = times_up = start_frames = 0
    both = zip(_steps(case, "vector"), _steps(case, "suite"), strict=True)
    for t, ((vector, vector_reports), (other, other_reports)) in enumerate(both):
        for name in ("step_type", "reward", "discount"):
            one, two = getattr(vector, name), getattr(other, name)
            assert one.dtype == two.dtype, name
            np.testing.assert_array_equal(one, two, err_msg=f"{name} of step {t}")
        assert vector_reports == other_reports, t
        reports = {report.slot: report for report in vector_reports}
        for place, slot in enumerate(case.slots):
            frames, other_frames = vector.observation[place], other.observation[place]
            dead = vector.step_type[place] == StepType.LAST and vector.discount[place] == 0.0
            over = dead and slot in reports
            lost_lives += dead and not over
            game_overs += over
            if slot in reports:
                times_up += not dead
                report = reports[slot]
                start_frames = max(start_frames, report.frames - 4 * report.agent_steps)
            if over:  # the newest picture of a game over is undefined in both
                frames, other_frames = frames[..., :-1], other_frames[..., :-1]
            np.testing.assert_array_equal(frames, other_frames, err_msg=f"step {t}, slot {slot}")
    assert lost_lives >= case.lost_lives
    assert bool(lost_lives) == bool(case.lost_lives)
    assert game_overs >= case.game_overs
    assert bool(game_overs) == bool(case.game_overs)
    assert times_up >= case.times_up
    assert start_frames >= case.start_frames


def test_the_cases_are_thousands_of_agent_steps() -> None:
    assert sum(case.steps * len(case.slots) for case in _CASES) > 2_000


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_game_is_made_by_its_number_and_the_seed(pipeline: str) -> None:
    config = Config(env_pipeline=pipeline, sticky_action_probability=0.25)
    together = suite.load(config, 2, _SEED)
    alone = suite.load(config, 1, _SEED, first_slot=1)
    one, two = together.reset(), alone.reset()
    for action in np.random.default_rng(3).integers(4, size=40):
        for name in ("step_type", "reward", "discount", "observation"):
            np.testing.assert_array_equal(getattr(one, name)[1:], getattr(two, name))
        one, two = together.step(np.array([1, action])), alone.step(np.array([action]))


def test_each_game_draws_the_frames_of_its_start() -> None:
    # Games of one step of the agent's: what else is counted was played at the start.
    played = []
    for pipeline in PIPELINES:
        config = Config(env_pipeline=pipeline, noop_start_max_frames=3, max_agent_steps_per_game=1)
        env = suite.load(config, 1, _SEED)
        env.reset()
        for _ in range(60):
            env.step(np.array([0]))
        fire_and_step = 8
        played.append([report.frames - fire_and_step for report in env.pop_finished_games()])
    assert played[0] == played[1]
    assert len(played[0]) == 30
    assert set(played[0]) == {0, 1, 2, 3}


def test_the_specs_are_the_same() -> None:
    vector, other = (
        suite.load(Config(env_pipeline=pipeline), 1, _SEED) for pipeline in ("vector", "suite")
    )
    for spec in ("observation_spec", "action_spec"):
        one, two = getattr(vector, spec)(), getattr(other, spec)()
        assert one.shape == two.shape
        assert one.dtype == two.dtype
        assert one.minimum == two.minimum
        assert one.maximum == two.maximum


def test_only_the_suite_pipeline_has_gym_environments_to_wrap() -> None:
    with pytest.raises(ValueError, match="take suite"):
        suite.load(Config(env_pipeline="vector"), 1, _SEED, gym_wrappers=[lambda env: env])


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_driver_of_tf_agents_plays(pipeline: str) -> None:
    py_env = suite.load(Config(env_pipeline=pipeline), _NUM_ENVS, _SEED)
    env = tf_py_environment.TFPyEnvironment(py_env)
    assert env.batch_size == _NUM_ENVS
    assert env.observation_spec().shape == (84, 84, 4)
    assert env.observation_spec().dtype == tf.uint8
    assert env.action_spec().shape == ()
    assert env.action_spec().dtype == tf.int64
    assert env.action_spec().maximum == 3

    policy = random_tf_policy.RandomTFPolicy(env.time_step_spec(), env.action_spec())
    tape: list[tuple[np.ndarray, ...]] = []

    def observe(trajectory: Any) -> tf.Operation:
        arrays = [trajectory.step_type, trajectory.next_step_type, trajectory.observation]
        return tf.numpy_function(lambda *values: tape.append(values), arrays, [])

    driver = dynamic_step_driver.DynamicStepDriver(
        env, policy, observers=[observe], num_steps=_NUM_ENVS * 5
    )
    time_step, _ = driver.run(env.reset())
    assert len(tape) == 5
    assert [step_type.tolist() for step_type, _, _ in tape] == (
        [[StepType.FIRST] * _NUM_ENVS] + [[StepType.MID] * _NUM_ENVS] * 4
    )
    for (_, next_step_type, before), (step_type, _, after) in itertools.pairwise(tape):
        np.testing.assert_array_equal(next_step_type, step_type)
        np.testing.assert_array_equal(before[..., 1:], after[..., :-1])
    np.testing.assert_array_equal(time_step.observation, py_env.current_time_step().observation)
