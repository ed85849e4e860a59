"""Comparing films: several players side by side, in the game of the same number and seed."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from configs import Config
from evaluation.film import DEFAULT_SECONDS_LIMIT, Film, Step, film_game, pictures_in
from evaluation.panel import font, shortened
from evaluation.watch import PlayedGame

_FACTOR = 2
_MARGIN = 16
_CAPTION = 60
_BACKGROUND = (24, 24, 24)
_TEXT = (232, 232, 232)
_FAINT_TEXT = (160, 160, 160)


class Contender(NamedTuple):
    """A player and its game.

    Attributes:
      name: of the player.
      detail: what else is to be known of it, as `iteration 20,000`.
      film: its game.
      first_pictures: of each agent step, rising.
      scores: after each agent step.
    """

    name: str
    detail: str
    film: Film
    first_pictures: list[int]
    scores: list[float]

    def score_at(self, picture: int) -> float:
        """Return the score on picture `picture`."""
        step = bisect.bisect_right(self.first_pictures, picture) - 1
        return self.scores[step] if step >= 0 else 0.0


def contender(config: Config, game: PlayedGame, *, seed: int, name: str, detail: str) -> Contender:
    """Film `game`, and note its scores; see `film_game`."""
    first_pictures: list[int] = []
    scores: list[float] = []

    def note(step: Step) -> None:
        first_pictures.append(step.picture)
        scores.append(step.score)

    film = film_game(config, game, seed=seed, on_step=note)
    return Contender(name, detail, film, first_pictures, scores)


def comparison(
    contenders: Sequence[Contender], seconds_limit: float = DEFAULT_SECONDS_LIMIT
) -> Film:
    """Return one film of all, with captions; who has finished keeps its last picture.

    Args:
      contenders: of one game; their films have one size.
      seconds_limit: what is behind it is left out; 0: nothing.
    """
    height, width = contenders[0].film.height, contenders[0].film.width
    film = Film(
        _CAPTION + _FACTOR * height + _MARGIN,
        _MARGIN + len(contenders) * (_FACTOR * width + _MARGIN),
    )
    pictures = max(len(each.film) for each in contenders)
    if seconds_limit:
        pictures = min(pictures, pictures_in(seconds_limit))
    games = [_endless(each.film) for each in contenders]
    captions: tuple[tuple[float, bool], ...] | None = None
    for picture in range(pictures):
        now = tuple((each.score_at(picture), picture >= len(each.film)) for each in contenders)
        if now != captions:
            captions, drawn = now, _captions(film, contenders, now)
        whole = drawn.copy()
        for number, game in enumerate(games):
            left = _left(number, width)
            large = next(game).repeat(_FACTOR, axis=0).repeat(_FACTOR, axis=1)
            whole[_CAPTION : _CAPTION + large.shape[0], left : left + large.shape[1]] = large
        film.append(whole)
    return film


def _endless(film: Film) -> Iterator[np.ndarray]:
    for picture, repeats in film.rgb_pictures():
        for _ in range(repeats):
            yield picture
    while True:
        yield picture


def _left(number: int, width: int) -> int:
    return _MARGIN + number * (_FACTOR * width + _MARGIN)


def _captions(
    film: Film, contenders: Sequence[Contender], now: Sequence[tuple[float, bool]]
) -> np.ndarray:
    image = Image.new("RGB", (film.width, film.height), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    for number, (each, (score, is_over)) in enumerate(zip(contenders, now, strict=True)):
        left = _left(number, each.film.width)
        width = _FACTOR * each.film.width
        draw.text((left, 18), shortened(each.name, 18, width), _TEXT, font(18), "lm")
        draw.text((left, 42), each.detail, _FAINT_TEXT, font(15), "lm")
        over = "  (over)" if is_over else ""
        draw.text((left + width, 42), f"score {score:,.0f}{over}", _TEXT, font(15), "rm")
    return np.asarray(image)
