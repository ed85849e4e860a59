"""The contract of environments for games without lives: their clock, and their report."""

from __future__ import annotations

import numpy as np
from tf_agents.environments import py_environment
from tf_agents.trajectories import time_step as ts

from envs.finished_game import FinishedGame
from envs.plays import Plays
from envs.recorded_game import RecordedGame


class WholeGames(RecordedGame):
    """Reports finished games, and ends those that take too long: LAST with discount 1.

    Args:
      env: one game, one frame an agent step. After `seed`, which is called before a `reset`, the
        games depend on nothing but that seed and the actions.
      max_agent_steps: a game is cut off here.
      slot: the number of this game among those side by side.
      plays: is told of every action, and knows when the game is seeded.
    """

    def __init__(
        self, env: py_environment.PyEnvironment, max_agent_steps: int, slot: int, plays: Plays
    ) -> None:
        super().__init__(env, plays)
        self._max_agent_steps = max_agent_steps
        self._slot = slot
        self._score = 0.0
        self._agent_steps = 0
        self.finished_games: list[FinishedGame] = []
        self.lives = 0

    def _begin(self) -> ts.TimeStep:
        if self.plays.load_is_due:
            self._env.seed(self.plays.load())
        self._score, self._agent_steps = 0.0, 0
        return self._env.reset()

    def _go_on(self) -> ts.TimeStep:
        return self._begin()

    def _play(self, action: np.ndarray) -> ts.TimeStep:
        time_step = self._env.step(action)
        self._score += float(time_step.reward)
        self._agent_steps += 1
        if self._agent_steps >= self._max_agent_steps:
            time_step = time_step._replace(step_type=np.asarray(ts.StepType.LAST, np.int32))
        if time_step.is_last():
            self.finished_games.append(
                FinishedGame(self._slot, self._score, self._agent_steps, frames=self._agent_steps)
            )
        return time_step
