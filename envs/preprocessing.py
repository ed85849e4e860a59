"""The Python pipeline's steps: starts, life loss, the game's clock and its report."""

from __future__ import annotations

import gym
import numpy as np
from tf_agents.environments import atari_preprocessing, py_environment
from tf_agents.trajectories import time_step as ts

from envs.finished_game import FinishedGame
from envs.plays import Plays
from envs.recorded_game import RecordedGame
from envs.starts import NoopDraws, Starts


class TimelyLoad(gym.Wrapper):
    """Loads the emulator, and seeds the generators, where it is due.

    Args:
      env: the game at 60 frames a second.
      plays: knows when, and the seed.
      draws: are seeded too.
    """

    def __init__(self, env: gym.Env, plays: Plays, draws: NoopDraws) -> None:
        super().__init__(env)
        self._plays = plays
        self._draws = draws

    def reset(self) -> np.ndarray:
        """Start a game and return its screen."""
        if self._plays.load_is_due:
            seed = self._plays.load()
            self.env.seed(seed)
            self._draws.seed(seed)
        return self.env.reset()


class NoopStart(gym.Wrapper):
    """Lets some frames of NOOP pass at the start of each game.

    Args:
      env: the game at 60 frames a second.
      draws: how many.
    """

    def __init__(self, env: gym.Env, draws: NoopDraws) -> None:
        super().__init__(env)
        self._draws = draws

    def reset(self) -> np.ndarray:
        """Start a game and return its screen behind the NOOPs."""
        self.env.reset()
        for _ in range(self._draws.draw()):
            self.env.unwrapped.wait()
        return self.env.render("rgb_array")


class AutoStartPreprocessing(atari_preprocessing.AtariPreprocessing):
    """TF-Agents' preprocessing (skip, maximum, gray, 84x84) that also begins games and lives.

    The actions of `starts.life` are played at the start of a game and after each lost life. Their
    rewards, their game over and their newest frame are kept:

      life_loss_terminal off:   step: lost a life, FIRE      -> newest frame, both rewards
      life_loss_terminal on:    step: lost a life            -> done
                                reset: FIRE, the same game   -> newest frame

    Lives are watched here, after the whole skip: the base class stops a skip where the life is
    lost, and the C++ emulator does not.

    Args:
      env: the game at 60 frames a second.
      starts: what is played when a life begins.
      life_loss_terminal: whether a lost life is `done`.
      slot: the number of this game among those side by side.
    """

    def __init__(
        self,
        env: gym.Env,
        starts: Starts,
        life_loss_terminal: bool,
        slot: int,
    ) -> None:
        super().__init__(env, terminal_on_life_loss=False)
        self._starts = starts
        self._life_loss_terminal = life_loss_terminal
        self._slot = slot
        self._frame_after_lost_life: np.ndarray | None = None
        self._score = 0.0
        self.agent_steps = 0
        self.finished_games: list[FinishedGame] = []

    def leave_game(self) -> None:
        """Make the next `reset` begin a new game, even where only a life was lost."""
        self._frame_after_lost_life = None

    def report_game(self) -> None:
        """Put the game, which has ended, on `finished_games`."""
        frames = self.env.ale.getEpisodeFrameNumber()
        self.finished_games.append(FinishedGame(self._slot, self._score, self.agent_steps, frames))

    def reset(self) -> np.ndarray:
        """Begin the next life of the game where one was just lost, else a new game.

        Returns:
          uint8 [84, 84, 1].
        """
        if self._frame_after_lost_life is not None:
            observation, _, done = self._play(self._starts.life, self._frame_after_lost_life)
            self._frame_after_lost_life = None
            if not done:
                return observation
            self.report_game()
        done = True
        while done:
            observation = super().reset()
            self._score, self.agent_steps = 0.0, 0
            observation, _, done = self._play(self._starts.life, observation)
        return observation

    def step(self, action: int) -> tuple[np.ndarray, float, bool, dict[str, int]]:
        """Hold `action` for four frames; see the class for a lost life."""
        lives = self.lives
        self.agent_steps += 1
        observation, reward, done, info = self._skip(action)
        if self.lives < lives and not done:
            if self._life_loss_terminal:
                self._frame_after_lost_life = observation
                return observation, reward, True, info
            observation, start_reward, done = self._play(self._starts.life, observation)
            reward += start_reward
        if done:
            self.report_game()
        return observation, reward, done, info

    def _skip(self, action: int) -> tuple[np.ndarray, float, bool, dict[str, int]]:
        observation, reward, done, info = super().step(action)
        self.lives = info["lives"]
        self._score += reward
        return observation, reward, done, info

    def _play(
        self, actions: tuple[int, ...], observation: np.ndarray
    ) -> tuple[np.ndarray, float, bool]:
        """Play the actions that begin a life, and those of a life once more if it is lost."""
        total, pending = 0.0, list(actions)
        while pending:
            lives = self.lives
            observation, reward, done, _ = self._skip(pending.pop(0))
            total += reward
            if done:
                return observation, total, True
            if self.lives < lives:
                pending = list(self._starts.life)
        return observation, total, False


class GameClock(RecordedGame):
    """Gives the contract of environments: FIRST after each LAST, and the time limit of a game.

    It stands in the place of TF-Agents' AtariTimeLimit, which goes on with MID after the LAST of a
    lost life, so that one real transition a life would be masked away.

    Args:
      env: a GymWrapper, not auto-resetting, over FrameStack4 over AutoStartPreprocessing.
      max_agent_steps: a game is cut off here: LAST with discount 1.
      plays: is told of every action.
    """

    def __init__(
        self, env: py_environment.PyEnvironment, max_agent_steps: int, plays: Plays
    ) -> None:
        super().__init__(env, plays)
        self._max_agent_steps = max_agent_steps

    def _begin(self) -> ts.TimeStep:
        self._env.leave_game()
        return self._env.reset()

    def _go_on(self) -> ts.TimeStep:
        return self._env.reset()

    def _play(self, action: np.ndarray) -> ts.TimeStep:
        time_step = self._env.step(action)
        if self._env.agent_steps >= self._max_agent_steps and not self._env.game_over:
            self._env.report_game()
            self._env.leave_game()
            if not time_step.is_last():
                time_step = time_step._replace(step_type=ts.StepType.LAST)
        return time_step
