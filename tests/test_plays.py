"""Games that are played again: they go on as if they had never been left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import gym
import numpy as np
import pytest
from scripted_game import PIPELINES

from configs import Config
from envs import plays, suite
from envs.plays import RESET, OtherGamesError, Plays
from envs.starts import emulator_seed

_NUM_ENVS = 3
# Short games, NOOP starts, lost lives.
_CONFIG = Config(sticky_action_probability=0.25, max_agent_steps_per_game=70)
_FIELDS = ("step_type", "reward", "discount", "observation")


_SMALL_GAMES = ("grid", "CartPole-v1", "Acrobot-v1", "Worn-v0")


class Worn(gym.Env):
    """Games of seven agent steps that wear their world out: what is shown counts its resets.

    As LunarLander's world, which is made with the object and stays through all resets.
    """

    observation_space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)
    open_worlds = 0

    def __init__(self) -> None:
        Worn.open_worlds += 1
        self._resets = self._agent_steps = 0

    def reset(self, *, seed: int | None = None, **_: Any) -> np.ndarray:
        super().reset(seed=seed)
        self._resets, self._agent_steps = self._resets + 1, 0
        return self._observation()

    def step(self, action: int) -> tuple[np.ndarray, float, bool, dict]:
        self._agent_steps += 1
        return self._observation(), float(action), self._agent_steps == 7, {}

    def render(self, mode: str = "rgb_array") -> None:
        raise AssertionError("gym wants the method, and no test of plays looks at a game")

    def close(self) -> None:
        Worn.open_worlds -= 1

    def _observation(self) -> np.ndarray:
        return np.array([self._resets, self.np_random.random()], np.float32)


@pytest.fixture(autouse=True, scope="module")
def worn() -> Iterator[None]:
    """gym knows the game, as long as this file is tested."""
    gym.register("Worn-v0", entry_point=Worn, max_episode_steps=70)
    yield
    del gym.envs.registry.env_specs["Worn-v0"]


def _load(kind: str, seed: int = 1) -> suite.Games:
    """Load Breakout by a pipeline, or a small game."""
    setting = "game" if kind in _SMALL_GAMES else "env_pipeline"
    return suite.load(_CONFIG.replace(**{setting: kind}), _NUM_ENVS, seed)


@pytest.fixture(autouse=True)
def frequent_loads() -> Any:
    """Loads behind every 50 actions, not 10,000."""
    with mock.patch.object(plays, "RELOAD_PERIOD_AGENT_STEPS", 50):
        yield


def _assert_same(one: Any, two: Any) -> None:
    for name in _FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def test_a_load_is_due_at_first_and_behind_so_many_actions() -> None:
    played = Plays(seed=7, slot=2)
    played.add(RESET)
    due = [played.load_is_due]
    first = emulator_seed(7, 2)
    assert played.load() == first
    for action in range(49):
        played.add(action % 4)
    due.append(played.load_is_due)
    played.add(RESET)
    due.append(played.load_is_due)
    assert (played.seed, len(played.actions), played.actions[-1]) == (first, 50, RESET)
    assert played.load() == emulator_seed(first, 2)
    assert not played.actions
    due.append(played.load_is_due)
    played.play_again_from(5)
    due.append(played.load_is_due)
    assert due == [True, False, True, False, True]
    assert (played.load(), played.load()) == (5, emulator_seed(5, 2))
    played.begin_anew()
    assert played.load() == first


# Within the first load, behind the second, and right after a reset.
@pytest.mark.parametrize("cut", [25, 130, 190])
@pytest.mark.parametrize("kind", [*PIPELINES, *_SMALL_GAMES])
def test_games_go_on_where_they_were(kind: str, cut: int) -> None:
    env, resumed = _load(kind), _load(kind, seed=2)
    num_actions = int(env.action_spec().maximum) + 1
    generator = np.random.default_rng(3)
    time_step = env.reset()
    for step in range(cut):
        action = generator.integers(num_actions, size=_NUM_ENVS)
        time_step = env.reset() if step in (160, 189) else env.step(action)
    env.pop_finished_games()
    resumed.restore(env.state())
    _assert_same(time_step, resumed.reset())
    ends = 0
    for _ in range(100):
        action = generator.integers(num_actions, size=_NUM_ENVS)
        _assert_same(env.step(action), resumed.step(action))
        finished = env.pop_finished_games()
        assert resumed.pop_finished_games() == finished  # with the whole of their scores
        ends += len(finished)
    assert ends >= _NUM_ENVS
    one, two = env.state(), resumed.state()
    assert set(one) == {"seed", "checksum", "actions_0", "actions_1", "actions_2"}
    for name, array in one.items():
        np.testing.assert_array_equal(array, two[name], err_msg=name)
    assert emulator_seed(1, 0) != one["seed"][0]  # loads were met
    assert all(array.dtype in (np.int64, np.uint8) for array in one.values())
    _assert_same(env.reset(), resumed.reset())  # a new game now


def test_a_load_makes_a_small_game_anew_and_closes_the_old_one() -> None:
    Worn.open_worlds = 0
    env = suite.load(Config(game="Worn-v0"), 1, seed=1)
    shown = [env.reset()] + [env.step(np.array([1])) for _ in range(80)]
    # A game of 7 steps and its FIRST take 8 actions: the first game behind 50 is the eighth.
    resets = [int(step.observation[0, 0]) for step in shown if step.is_first()[0]]
    assert resets == [1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4]
    assert Worn.open_worlds == 1


def test_both_pipelines_load_at_the_same_time() -> None:
    vector, other = (_load(pipeline) for pipeline in PIPELINES)
    _assert_same(vector.reset(), other.reset())
    seeds = set()
    for action in np.random.default_rng(3).integers(4, size=(200, _NUM_ENVS)):
        one, two = vector.step(action), other.step(action)
        is_over = (one.step_type == 2) & (one.discount == 0.0)  # whose picture is undefined
        np.testing.assert_array_equal(one.observation[~is_over], two.observation[~is_over])
        for name in ("step_type", "reward", "discount"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        state, other_state = vector.state(), other.state()
        for name in set(state) - {"checksum"}:
            np.testing.assert_array_equal(state[name], other_state[name])
        seeds |= set(state["seed"].tolist())
    assert len(seeds) >= 3 * _NUM_ENVS
    assert vector.pop_finished_games() == other.pop_finished_games()


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_games_that_come_out_otherwise_begin_anew(pipeline: str) -> None:
    env, resumed = _load(pipeline), _load(pipeline, seed=2)
    assert env.state() == {}
    resumed.restore({})  # of games that were never begun
    first = env.reset()
    for _ in range(10):
        env.step(np.array([3, 3, 3]))
    state = env.state()
    state["actions_1"] = state["actions_1"].copy()
    state["actions_1"][5] = 2
    with pytest.raises(OtherGamesError, match="do not reach the picture they had"):
        resumed.restore(state)
    begun = resumed.reset()
    _assert_same(begun, _load(pipeline, seed=2).reset())
    assert not np.array_equal(begun.observation, first.observation)
