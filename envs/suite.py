"""The only door to the environments: a config in, a batched PyEnvironment out."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence

import gym
import numpy as np
from tf_agents.environments import (
    atari_wrappers,
    batched_py_environment,
    py_environment,
    suite_atari,
    suite_gym,
)
from tf_agents.trajectories import time_step as ts
from tf_agents.utils import nest_utils

from configs import Config
from configs.games import OWN_GAMES, is_atari
from envs import ale, games, gym_games, plays, preprocessing, starts
from envs.recorded_game import RecordedGame
from envs.side_by_side import GamesSideBySide
from envs.vector import VectorAtari
from envs.whole_games import WholeGames

GymWrapperClass = Callable[[gym.Env], gym.Env]


class SideBySide(GamesSideBySide, batched_py_environment.BatchedPyEnvironment):
    """Games in Python side by side, stepped one after another; each is a RecordedGame.

    Observations of Atari games are uint8 [84, 84, 4], newest frame last; rewards are raw; see
    docs/environments.md for the whole contract.
    """

    @property
    def _played(self) -> Sequence[RecordedGame]:
        return self._envs

    def _play_again(self, recorded: Sequence[tuple[int, list[int]]]) -> None:
        for env, (seed, actions) in zip(self._envs, recorded, strict=True):
            env.play_again(seed, actions)

    def begin_anew(self) -> None:
        """Make the next `reset` begin each game as if nothing had been played."""
        for env in self._envs:
            env.begin_anew()

    def _time_step(self) -> ts.TimeStep:
        return nest_utils.stack_nested_arrays([env.current_time_step() for env in self._envs])


Games = SideBySide | VectorAtari
"""Games of any kind; all have `pop_finished_games`, `lives`, `state` and `restore`."""


def load(
    config: Config,
    num_envs: int,
    seed: int,
    *,
    first_slot: int = 0,
    gym_wrappers: Sequence[GymWrapperClass] = (),
) -> Games:
    """Return `num_envs` games of `config.game` as one batched environment that reports its games.

    Args:
      config: names the game, the pipeline and the rules.
      num_envs: games side by side.
      seed: the same seed gives the same games, from either pipeline.
      first_slot: the games are numbered from here; a game is made by its number and the seed.
      gym_wrappers: put around the game at its own frames, under everything else; not in the
        vector pipeline.

    Returns:
      observations uint8 [num_envs, 84, 84, 4], newest frame last, of Atari games; float32
      [num_envs, n] of others.

    Raises:
      ValueError: if there is no such game, or it cannot be played here.
    """
    games.check(config.game)
    slots = range(first_slot, first_slot + num_envs)
    if not is_atari(config.game):
        return SideBySide(
            [_load_small(config, slot, seed, gym_wrappers) for slot in slots],
            multithreading=False,
        )
    rom = ale.rom_of(config.game)
    start = starts.starts(config, ale.action_meanings(config.game))
    if config.env_pipeline == "vector":
        if gym_wrappers:
            raise ValueError("the vector pipeline has no gym environments to wrap; take suite")
        return VectorAtari(
            rom,
            slots,
            seed,
            start,
            life_loss_terminal=config.life_loss_terminal,
            max_agent_steps=config.max_agent_steps_per_game,
            sticky_action_probability=config.sticky_action_probability,
        )
    return SideBySide(
        [_load_one(config, start, slot, seed, gym_wrappers) for slot in slots],
        multithreading=False,
    )


def _load_one(
    config: Config,
    start: starts.Starts,
    slot: int,
    seed: int,
    gym_wrappers: Sequence[GymWrapperClass],
) -> py_environment.PyEnvironment:
    recorded = plays.Plays(seed, slot)
    draws = starts.NoopDraws(0, start.noop_max_frames)  # seeded when the emulator is loaded

    def sticky(env: gym.Env) -> gym.Env:
        env.unwrapped.set_sticky_action_probability(config.sticky_action_probability)
        return env

    return suite_atari.load(
        suite_atari.game(config.game, version="v4"),
        max_episode_steps=0,  # GameClock has the limit
        gym_env_wrappers=[
            sticky,
            *gym_wrappers,
            functools.partial(preprocessing.TimelyLoad, plays=recorded, draws=draws),
            functools.partial(preprocessing.NoopStart, draws=draws),
            functools.partial(
                preprocessing.AutoStartPreprocessing,
                starts=start,
                life_loss_terminal=config.life_loss_terminal,
                slot=slot,
            ),
            atari_wrappers.FrameStack4,
        ],
        env_wrappers=[
            functools.partial(
                preprocessing.GameClock,
                max_agent_steps=config.max_agent_steps_per_game,
                plays=recorded,
            )
        ],
    )


def _load_small(
    config: Config, slot: int, seed: int, gym_wrappers: Sequence[GymWrapperClass]
) -> py_environment.PyEnvironment:
    clock = functools.partial(
        WholeGames,
        max_agent_steps=games.max_agent_steps(config),
        slot=slot,
        plays=plays.Plays(seed, slot),
    )
    if config.game in OWN_GAMES:
        return clock(_own_game(config.game))
    return suite_gym.load(
        config.game,
        max_episode_steps=0,  # WholeGames has the limit
        gym_env_wrappers=[gym_games.Seeded, *gym_wrappers],
        env_wrappers=[clock],
        spec_dtype_map={gym.spaces.Box: np.float32},
    )


def _own_game(name: str) -> py_environment.PyEnvironment:
    module, made_by = OWN_GAMES[name].made_by.split(":")
    return getattr(importlib.import_module(module), made_by)()
