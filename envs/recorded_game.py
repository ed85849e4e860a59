"""One game that can be played again up to where it stood."""

from __future__ import annotations

import abc
from collections.abc import Sequence

import numpy as np
from tf_agents.environments import py_environment, wrappers
from tf_agents.trajectories import time_step as ts

from envs.plays import RESET, Plays


class RecordedGame(wrappers.PyEnvironmentBaseWrapper):
    """Notes what is played, and plays it again: FIRST follows each LAST, whatever the action.

    What is around it, or in it, has `finished_games` and `lives`, and seeds the game where `plays`
    says so.

    Args:
      env: the game.
      plays: is told of every action.
    """

    def __init__(self, env: py_environment.PyEnvironment, plays: Plays) -> None:
        super().__init__(env)
        self.plays = plays
        self._goes_on = False

    def play_again(self, seed: int, actions: Sequence[int]) -> None:
        """Play `actions` since a load with `seed`; the next `reset` goes on from there."""
        self.plays.play_again_from(seed)
        self._goes_on = False
        self.reset()
        for action in actions:
            self.reset() if action == RESET else self.step(np.int64(action))
        self._goes_on = True

    def begin_anew(self) -> None:
        """Make the next `reset` begin the first game of all."""
        self.plays.begin_anew()
        self._goes_on = False

    def _reset(self) -> ts.TimeStep:
        if self._goes_on:
            self._goes_on = False
            return self.current_time_step()
        self.plays.add(RESET)
        return self._begin()

    def _step(self, action: np.ndarray) -> ts.TimeStep:
        self.plays.add(int(action))
        if self.current_time_step().is_last():
            return self._go_on()
        return self._play(action)

    @abc.abstractmethod
    def _begin(self) -> ts.TimeStep:
        """Leave the game and begin a new one."""

    @abc.abstractmethod
    def _go_on(self) -> ts.TimeStep:
        """Begin what follows a LAST: the next life, or the next game."""

    @abc.abstractmethod
    def _play(self, action: np.ndarray) -> ts.TimeStep:
        """Play one agent step of the game."""
