"""Films of games that are not Atari's, drawn by the game itself.

A film has 30 pictures a second; a game has its own speed. Each agent step is shown for the pictures
that begin in its time, by which a slow game stands still and a fast one leaves steps out:

    2 steps a second     15 pictures of each
    50 steps a second    1 1 0 1 0 | 1 1 0 1 0 ...
"""

from __future__ import annotations

import math

import numpy as np

from configs import Config
from envs import games, suite
from evaluation.film import PICTURES_PER_SEC, Film, check_same_game
from evaluation.watch import PlayedGame, suite_seed, watched_config


def film_game(config: Config, game: PlayedGame, *, seed: int) -> Film:
    """Play the slot of `game` again from its first action, and return the film of `game`.

    Args:
      config: that of `play_games`.
      game: one that `play_games` returned.
      seed: that of `play_games`.

    Raises:
      FilmError: if the game played again differs from `game` in score or length.
    """
    env = suite.load(watched_config(config), 1, suite_seed(seed), first_slot=game.slot)
    pictures_per_step = PICTURES_PER_SEC / games.steps_per_sec(config.game)
    # The game begins in the step after the last LAST, or in the environment's first reset.
    opening = game.first_step - 1
    film: Film | None = None
    env.reset()
    for number in range(-1, len(game.history)):
        if number >= 0:
            env.step(np.array([game.history[number]]))
        if number < opening:
            continue
        (picture,) = env.render()
        film = film or Film(*picture.shape[:2])
        until = math.ceil((number - opening + 1) * pictures_per_step)
        if number + 1 == len(game.history):
            until = max(until, len(film) + 1)  # how it ended is always seen
        for _ in range(until - len(film)):
            film.append(picture)
    finished = env.pop_finished_games()
    env.close()
    check_same_game(game, finished)
    assert film is not None
    return film
