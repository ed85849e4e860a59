"""Games at their real speed in a window, played by a policy or by the user."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import gym
import numpy as np

from configs import Config
from envs import suite
from envs.ale import action_meanings
from envs.finished_game import FinishedGame
from evaluation.watch import ChooseActions, EpsilonGreedyPolicy, suite_seed, watched_config
from evaluation.window import Window, WindowClosedError


class Shown(gym.Wrapper):
    """Shows every frame of the game at 60 frames a second that it is put around.

    A frame is shown together with the one before, color by color the greater: many games draw a
    sprite in every other frame only.
    """

    def __init__(self, env: gym.Env, show: Callable[[np.ndarray, float, int], None]) -> None:
        super().__init__(env)
        self._show = show
        self._last: np.ndarray | None = None
        self._score = 0.0

    def reset(self, **kwargs: Any) -> np.ndarray:
        """Begin a game."""
        self._last, self._score = None, 0.0
        return self.env.reset(**kwargs)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, dict[str, Any]]:
        """Hold `action` for one frame, and show it."""
        screen, reward, done, info = self.env.step(action)
        self._score += reward
        before = screen if self._last is None else self._last
        self._show(np.maximum(before, screen), self._score, info["lives"])
        self._last = screen
        return screen, reward, done, info


def play_in_window(
    config: Config,
    choose_actions: ChooseActions | None,
    *,
    games: int,
    epsilon: float,
    seed: int,
    title: str,
    on_game: Callable[[FinishedGame], Any] | None = None,
) -> int:
    """Play up to `games` whole games in a window, until the user leaves.

    The first is game 1 of `play_games` with the same arguments, as long as nobody takes over.

    Args:
      config: what is played; the Python pipeline plays it, which renders in color.
      choose_actions: that of `play_games`.
      games: how many, at least 1.
      epsilon: share of actions that are random, 0 to 1.
      seed: that of `play_games`.
      title: what plays.
      on_game: called with each game that ends.

    Returns:
      how many games ended.

    Raises:
      WindowError: if there is no display.
    """
    ended = 0
    window = Window(title, action_meanings(config.game))
    with contextlib.closing(window), contextlib.suppress(WindowClosedError):
        env = suite.load(
            watched_config(config).replace(env_pipeline="suite"),
            1,
            suite_seed(seed),
            gym_wrappers=[lambda game: Shown(game, window.show)],
        )
        policy = EpsilonGreedyPolicy(env, choose_actions, epsilon, seed)
        time_step = env.reset()
        while ended < games:
            # Asked for all the same while the user plays, so that its random choices go on.
            action = policy.action(time_step).action
            if window.manual:
                action = np.array([window.keyboard_action()])
            time_step = env.step(action)
            for game in env.pop_finished_games():
                ended += 1
                if on_game is not None:
                    on_game(game)
    return ended
