"""Single lives of games: the first that scores enough, and its film."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from configs import Config
from console.errors import UserError
from evaluation.film import Film, film_game
from evaluation.watch import PlayedGame


class Life(NamedTuple):
    """One life of a game.

    Attributes:
      game: that it is of.
      number: of the life in the game, from 1.
      score: sum of the raw rewards from its first action to its last.
      first_action: number of its first among the game's actions, from 0.
      last_action: of its last: the one by which it was lost, or with which time was up.
    """

    game: PlayedGame
    number: int
    score: float
    first_action: int
    last_action: int


def lives_of(game: PlayedGame) -> list[Life]:
    """Return the lives of a game in their order."""
    ends = list(game.lives_lost)
    if len(ends) < len(game.life_scores):
        ends.append(game.agent_steps - 1)
    begins = [0, *(end + 1 for end in ends)]
    return [
        Life(game, number, score, begins[number - 1], end)
        for number, (score, end) in enumerate(zip(game.life_scores, ends, strict=True), 1)
    ]


def first_life_above(games: Sequence[PlayedGame], score: float) -> Life:
    """Return the first life, in the order of games, that scored more than `score`.

    Raises:
      UserError: if none did; it says what the best had.
    """
    lives = [life for game in games for life in lives_of(game)]
    for life in lives:
        if life.score > score:
            return life
    best = max(lives, key=lambda life: life.score)
    raise UserError(
        f"no life of these {len(games)} games scored more than {score:g}; the best, life "
        f"{best.number} of game {best.game.number}, had {best.score:g}; play more --games, or ask "
        "for less"
    )


def film_life(config: Config, life: Life, *, seed: int) -> Film:
    """Return the film of a life of an Atari game; see `film_game`."""
    begins: list[int] = []  # the picture of each action
    whole = film_game(config, life.game, seed=seed, on_step=lambda s: begins.append(s.picture))
    first = begins[life.first_action] if life.first_action else 0
    last = [*begins, len(whole)][life.last_action + 1]
    film, picture = Film(whole.height, whole.width), 0
    for rgb, repeats in whole.rgb_pictures(last):
        for _ in range(min(repeats, picture + repeats - first)):
            film.append(rgb)
        picture += repeats
    return film
