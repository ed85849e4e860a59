"""The contract of environments as one class, which every environment inherits.

To hold a new environment to it, in its own test file:

    @pytest.mark.parametrize("subject", [Subject(...)], ids=str, scope="class")
    class TestNewEnvironment(EnvironmentContract):
        pass
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scripted_game import (
    FIRE,
    GAME_OVER,
    LIFE_LOST,
    PIPELINES,
    Event,
    Script,
    ScriptedGame,
)
from scripted_game import load as load_scripted
from tf_agents.specs import array_spec
from tf_agents.trajectories.time_step import StepType, TimeStep

from configs import Config
from envs import suite
from envs.finished_game import FinishedGame
from envs.starts import Starts

_SEED = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """An environment, and what a random walk through it must meet.

    Attributes:
      name: shown in the test's name.
      load: makes the batched environment from a seed.
      life_loss_terminal: whether a lost life is LAST.
      ends: those of "life", "game" and "time" that the walk must meet; it may meet no other.
      walk_steps: length of the walk, in calls of `step`.
      max_agent_steps: the time limit of a game.
      largest_reward: the walk must meet a reward at least so far from 0.
      start_agent_steps: what is played before the agent acts, at the start of each life.
      emulator_start_frames: what the emulator itself plays at the start of a game, and counts.
      frame_skip: frames per agent step.
      stack_size: frames on the last axis of observations, newest last; 0: they are no stack.
    """

    name: str
    load: Callable[[int], Any]
    life_loss_terminal: bool
    ends: frozenset[str]
    walk_steps: int
    max_agent_steps: int = 27_000
    largest_reward: float = 1.0
    start_agent_steps: int = 0
    emulator_start_frames: int = 0
    frame_skip: int = 4
    stack_size: int = 4

    def __str__(self) -> str:
        return self.name


@dataclasses.dataclass(frozen=True, eq=False)
class Walk:
    """A recorded random walk; the first axes are time and the games side by side, [T, B].

    Step 0 comes from `reset`, and row t of `actions` leads to step t. After the walk `reset` was
    called once more.
    """

    batch_size: int
    observation_spec: array_spec.BoundedArraySpec
    actions: np.ndarray
    step_type: np.ndarray
    reward: np.ndarray
    discount: np.ndarray
    observation: np.ndarray
    reports: list[dict[int, FinishedGame]]  # [T], by the place in the batch
    after_reset: tuple[TimeStep, dict[int, FinishedGame]]

    def places(self) -> Iterator[tuple[int, int]]:
        """Yield each (time, game)."""
        times, games = self.step_type.shape
        return itertools.product(range(times), range(games))

    def end(self, t: int, b: int) -> str:
        """Return how the episode ended at a LAST: "life", "game", "time", or what is wrong."""
        reported, discount = b in self.reports[t], float(self.discount[t, b])
        return {
            (False, 0.0): "life",
            (True, 0.0): "game",
            (True, 1.0): "time",
        }.get((reported, discount), f"unknown: reported {reported}, discount {discount}")


def _pop(env: Any) -> dict[int, FinishedGame]:
    finished = env.pop_finished_games()
    by_slot = {report.slot: report for report in finished}
    assert len(by_slot) == len(finished), f"a game was reported twice: {finished}"
    assert env.pop_finished_games() == []
    return by_slot


def _walk(env: Any, actions: np.ndarray) -> Walk:
    time_steps, reports = [env.reset()], [_pop(env)]
    for action in actions[1:]:
        time_steps.append(env.step(action))
        reports.append(_pop(env))
    after_reset = env.reset(), _pop(env)
    assert env.batched
    # Stacked only now: an environment that writes into an array that it gave away is found out.
    return Walk(
        env.batch_size,
        env.observation_spec(),
        actions,
        np.stack([time_step.step_type for time_step in time_steps]),
        np.stack([time_step.reward for time_step in time_steps]),
        np.stack([time_step.discount for time_step in time_steps]),
        np.stack([time_step.observation for time_step in time_steps]),
        reports,
        after_reset,
    )


@functools.lru_cache(maxsize=1)
def _walk_of(subject: Subject) -> Walk:
    env = subject.load(_SEED)
    number_of_actions = int(env.action_spec().maximum) + 1
    generator = np.random.default_rng(3)
    shape = (subject.walk_steps + 1, env.batch_size)
    actions = generator.integers(number_of_actions, size=shape, dtype=env.action_spec().dtype)
    return _walk(env, actions)


class EnvironmentContract:
    """The seven points of the contract, checked on one recorded walk per subject."""

    def test_the_walk_meets_what_it_is_meant_to_meet(self, subject: Subject) -> None:
        walk = _walk_of(subject)
        last = walk.step_type == StepType.LAST
        assert {walk.end(t, b) for t, b in walk.places() if last[t, b]} == subject.ends

    def test_specs_are_kept(self, subject: Subject) -> None:
        walk = _walk_of(subject)
        assert walk.step_type.shape == (subject.walk_steps + 1, walk.batch_size)
        spec = walk.observation_spec
        assert walk.observation.shape[2:] == spec.shape
        assert walk.observation.dtype == spec.dtype
        assert np.all(walk.observation >= spec.minimum)
        assert np.all(walk.observation <= spec.maximum)
        assert walk.step_type.dtype == np.int32
        assert walk.reward.dtype == walk.discount.dtype == np.float32
        assert walk.reward.shape == walk.discount.shape == walk.step_type.shape

    def test_1_first_mid_last_and_after_last_always_first(self, subject: Subject) -> None:
        step_type = _walk_of(subject).step_type
        assert np.isin(step_type, (StepType.FIRST, StepType.MID, StepType.LAST)).all()
        assert (step_type[0] == StepType.FIRST).all()
        first, after_last = step_type[1:] == StepType.FIRST, step_type[:-1] == StepType.LAST
        np.testing.assert_array_equal(first, after_last)

    def test_2_game_over_has_discount_0_and_time_limit_1(self, subject: Subject) -> None:
        walk = _walk_of(subject)
        assert (walk.discount[walk.step_type != StepType.LAST] == 1.0).all()
        for t, b in walk.places():
            if walk.step_type[t, b] == StepType.LAST:
                end = walk.end(t, b)
                assert end in ("life", "game", "time")
                if end == "time":
                    assert walk.reports[t][b].agent_steps == subject.max_agent_steps
                if end == "game":
                    assert walk.reports[t][b].agent_steps <= subject.max_agent_steps

    def test_3_a_lost_life_ends_the_episode_but_not_the_game(self, subject: Subject) -> None:
        walk = _walk_of(subject)
        last = walk.step_type == StepType.LAST
        lives_lost = {(t, b) for t, b in walk.places() if last[t, b] and walk.end(t, b) == "life"}
        assert bool(lives_lost) == (subject.life_loss_terminal and "life" in subject.ends)
        for t, b in walk.places():
            # A game may also end while its next life begins.
            if b in walk.reports[t] and not last[t, b]:
                assert (t - 1, b) in lives_lost

    def test_4_rewards_are_raw_and_first_has_none(self, subject: Subject) -> None:
        walk = _walk_of(subject)
        assert (walk.reward[walk.step_type == StepType.FIRST] == 0.0).all()
        assert np.abs(walk.reward).max() >= subject.largest_reward
        # That none is lost is proved by the sum, in point 5.

    def test_5_a_finished_game_is_reported_once_and_truly(self, subject: Subject) -> None:
        walk = _walk_of(subject)
        games = 0
        for b in range(walk.step_type.shape[1]):
            score, agent_steps, lives_begun = 0.0, 0, 0
            for t, step_type in enumerate(walk.step_type[:, b]):
                score += float(walk.reward[t, b])
                agent_steps += step_type != StepType.FIRST
                lives_begun += step_type == StepType.FIRST
                assert agent_steps <= subject.max_agent_steps
                if b not in walk.reports[t]:
                    continue
                report = walk.reports[t][b]
                assert report[:3] == (b, score, agent_steps)
                in_life_start = step_type == StepType.FIRST
                end = "game" if in_life_start else walk.end(t, b)
                self._check_frames(subject, report.frames, agent_steps, lives_begun, end)
                games += 1
                score, agent_steps, lives_begun = 0.0, 0, int(in_life_start)
        assert (games > 0) == bool(subject.ends & {"game", "time"})

    def _check_frames(
        self, subject: Subject, frames: int, agent_steps: int, lives_begun: int, end: str
    ) -> None:
        missing = agent_steps * subject.frame_skip + subject.emulator_start_frames - frames
        start_frames = subject.start_agent_steps * subject.frame_skip
        if subject.life_loss_terminal:
            missing += lives_begun * start_frames
        elif start_frames:
            assert missing <= subject.frame_skip - 1 - start_frames  # the game's start at least
            missing %= start_frames  # lives are not seen from outside
        # A skip ends early at game over only.
        assert 0 <= missing <= (subject.frame_skip - 1 if end == "game" else 0)

    def test_6_the_stack_holds_the_first_frame_four_times(self, subject: Subject) -> None:
        walk = _walk_of(subject)
        stack = walk.observation[..., walk.observation.shape[-1] - subject.stack_size :]
        first = walk.step_type == StepType.FIRST
        assert (stack[first] == stack[first][..., -1:]).all()
        # Afterwards each step brings one frame: the older ones move on by one place.
        older, before = stack[1:, ..., :-1], stack[:-1, ..., 1:]
        assert (older[~first[1:]] == before[~first[1:]]).all()

    def test_7_same_seed_and_actions_give_the_same_bytes(self, subject: Subject) -> None:
        walk = _walk_of(subject)
        after_last = walk.step_type[:-1] == StepType.LAST
        steps = min(int(after_last.any(axis=1).argmax()) + 10, subject.walk_steps)
        actions = walk.actions[: steps + 1].copy()
        actions[1:][after_last[:steps]] = 0  # the action after LAST does not count
        again = _walk(subject.load(_SEED), actions)
        for name in ("step_type", "reward", "discount", "observation"):
            array = getattr(walk, name)[: steps + 1]
            np.testing.assert_array_equal(getattr(again, name), array, err_msg=name)
        assert again.reports == walk.reports[: steps + 1]

    def test_reset_in_the_middle_begins_a_new_game_unreported(self, subject: Subject) -> None:
        walk = _walk_of(subject)
        assert (walk.step_type[-1] == StepType.MID).any()
        time_step, reports = walk.after_reset
        assert (time_step.step_type == StepType.FIRST).all()
        assert (time_step.reward == 0.0).all()
        assert (time_step.discount == 1.0).all()
        assert reports == {}
        # The first walk began with a new game too: this one is told from it by generators only.
        assert time_step.observation.shape == walk.observation.shape[1:]
        stack = time_step.observation[..., walk.observation.shape[-1] - subject.stack_size :]
        assert (stack == stack[..., -1:]).all()


_LIFE, _GAME, _TIME = frozenset({"life"}), frozenset({"game"}), frozenset({"time"})
_STICKY = 0.25  # so that another seed gives another game


def _atari(
    game: str,
    ends: frozenset[str],
    walk_steps: int,
    *,
    life_loss_terminal: bool,
    num_envs: int = 1,
    time_limit: int = 27_000,
    largest_reward: float = 1.0,
    start: int = 0,
    emulator_start_frames: int = 0,
) -> list[Subject]:
    """Return the subjects of one game under both pipelines."""
    config = Config(
        game=game,
        life_loss_terminal=life_loss_terminal,
        noop_start_max_frames=0,  # so that frames can be counted from outside
        sticky_action_probability=_STICKY,
        max_agent_steps_per_game=time_limit,
    )
    return [
        Subject(
            name=f"{game}-{pipeline}-{'life' if life_loss_terminal else 'game'}",
            load=functools.partial(suite.load, config.replace(env_pipeline=pipeline), num_envs),
            life_loss_terminal=life_loss_terminal,
            ends=ends,
            walk_steps=walk_steps,
            max_agent_steps=time_limit,
            largest_reward=largest_reward,
            start_agent_steps=start,
            emulator_start_frames=emulator_start_frames,
        )
        for pipeline in PIPELINES
    ]


_ATARI = [
    *_atari("Breakout", _LIFE | _GAME, 220, life_loss_terminal=True, num_envs=2, start=1),
    *_atari("Breakout", _GAME, 300, life_loss_terminal=False, start=1),
    # No lives; the first point is lost after about 70 steps.
    *_atari("Pong", _TIME, 140, life_loss_terminal=False, time_limit=130, start=1),
    # Lives begin with 40 NOOPs; the smallest reward is 5.
    *_atari(
        "SpaceInvaders", _LIFE | _TIME, 160,
        life_loss_terminal=True, num_envs=2, time_limit=150, largest_reward=5.0, start=40,
    ),
    *_atari(
        "SpaceInvaders", _TIME, 125,
        life_loss_terminal=False, time_limit=120, largest_reward=5.0, start=40,
    ),
    # FIRE is action 0, there is no NOOP, and random play scores nothing.
    *_atari(
        "Backgammon", _TIME, 45, life_loss_terminal=True, time_limit=40, largest_reward=0.0,
        start=1, emulator_start_frames=2,
    ),
    # There is no FIRE; the music plays for about 65 steps.
    *_atari(
        "MsPacman", _LIFE | _TIME, 210,
        life_loss_terminal=True, time_limit=200, largest_reward=10.0,
    ),
]  # fmt: skip


@pytest.mark.parametrize("subject", _ATARI, ids=str, scope="class")
class TestAtari(EnvironmentContract):
    """Real games under both pipelines."""

    def test_observations_are_four_frames_of_84x84_bytes(self, subject: Subject) -> None:
        walk = _walk_of(subject)
        assert walk.observation.shape[2:] == (84, 84, 4)
        assert walk.observation.dtype == np.uint8


def test_another_seed_and_another_place_give_another_game() -> None:
    config = Config(noop_start_max_frames=0, sticky_action_probability=_STICKY)
    actions = np.random.default_rng(3).integers(4, size=(40, 1)).repeat(2, axis=1)
    one = _walk(suite.load(config, 2, _SEED), actions)
    other = _walk(suite.load(config, 1, _SEED + 1), actions[:, :1])
    assert (one.observation[:, :1] != other.observation).any()
    assert (one.observation[:, 0] != one.observation[:, 1]).any()


# What random play of a minute does not reach. The picture of a step is easily found: the first
# FIRE is frames 1 to 4, and step k of the first life is frames 4k + 1 to 4k + 4.
_TIME_LIMIT = 10
_SCRIPTS: tuple[Script, ...] = (
    # Dies in step 2, and in the last frame of step 5; then game over in the middle of step 9.
    {
        7: Event(reward=3.0),
        10: LIFE_LOST,
        28: Event(reward=7.0, life_lost=True),
        46: Event(reward=-1.0, life_lost=True, game_over=True),
    },
    {30: Event(reward=20.0)},  # time is up
    {9: LIFE_LOST, 14: GAME_OVER},  # game over while the second life begins
    {18: GAME_OVER},  # game over and never a life lost, as in Pong
    {3: GAME_OVER},  # game over before the agent may act: nobody's game
    {44: LIFE_LOST},  # dies in step 10, as time is up
    {44: GAME_OVER},  # game over in step 10, as time is up
)


def _load_scripted(pipeline: str, life_loss_terminal: bool, seed: int) -> Any:
    """Return two games side by side that are three scripts apart."""
    games = [ScriptedGame(_SCRIPTS), ScriptedGame(_SCRIPTS[3:] + _SCRIPTS[:3])]
    starts = Starts(life=(FIRE,), noop_max_frames=0)
    return load_scripted(
        pipeline,
        games,
        starts,
        life_loss_terminal=life_loss_terminal,
        max_agent_steps=_TIME_LIMIT,
    )


_SCRIPTED = [
    Subject(
        name=f"scripted-{pipeline}-{'life' if life_loss_terminal else 'game'}",
        load=functools.partial(_load_scripted, pipeline, life_loss_terminal),
        life_loss_terminal=life_loss_terminal,
        ends=_GAME | _TIME | (_LIFE if life_loss_terminal else frozenset()),
        walk_steps=80,
        max_agent_steps=_TIME_LIMIT,
        largest_reward=20.0,
        start_agent_steps=1,
    )
    for pipeline in PIPELINES
    for life_loss_terminal in (True, False)
]


@pytest.mark.parametrize("subject", _SCRIPTED, ids=str, scope="class")
class TestScriptedGame(EnvironmentContract):
    """What random play does not reach, under both pipelines."""
