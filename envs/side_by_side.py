"""What both pipelines do with games side by side: report, keep their state, play them again."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from tf_agents.trajectories import time_step as ts

from envs import plays
from envs.finished_game import FinishedGame


class PlayedGame(Protocol):
    """One of the games.

    Attributes:
      finished_games: those that have ended and were not reported yet.
      lives: that it has left, 0 in games without lives.
      plays: what was played.
    """

    finished_games: list[FinishedGame]
    lives: int
    plays: plays.Plays


class GamesSideBySide(abc.ABC):
    """Games as one environment; see docs/environments.md for the contract."""

    @property
    @abc.abstractmethod
    def _played(self) -> Sequence[PlayedGame]:
        """The games, by their slots."""

    @abc.abstractmethod
    def _time_step(self) -> ts.TimeStep:
        """Return where all games stand, with batch."""

    @abc.abstractmethod
    def _play_again(self, recorded: Sequence[tuple[int, list[int]]]) -> None:
        """Play each game from a load with its seed through its actions."""

    @abc.abstractmethod
    def begin_anew(self) -> None:
        """Make the next `reset` begin each game as if nothing had been played."""

    def pop_finished_games(self) -> list[FinishedGame]:
        """Return the games finished since the last call."""
        finished: list[FinishedGame] = []
        for game in self._played:
            finished += game.finished_games
            game.finished_games.clear()
        return finished

    def lives(self) -> list[int]:
        """Return the lives that each game has left: 0 in games without lives."""
        return [game.lives for game in self._played]

    def state(self) -> dict[str, np.ndarray]:
        """Return what `restore` needs; nothing before the first `reset`."""
        recorded = [game.plays for game in self._played]
        if not recorded[0].is_loaded:
            return {}
        return plays.to_arrays(recorded, self._time_step())

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Play the games up to where `state` was taken; the next `reset` goes on from there.

        Raises:
          OtherGamesError: if they come out otherwise; `reset` begins them anew then.
        """
        if not state:
            return
        self._play_again(plays.from_arrays(state))
        self.pop_finished_games()  # they were reported before
        try:
            plays.check(state, self._time_step())
        except plays.OtherGamesError:
            self.begin_anew()
            raise
