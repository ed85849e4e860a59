"""Explained films: beside the game, what the network sees, thinks and looks at."""

from __future__ import annotations

import bisect
import zlib
from collections.abc import Callable, Sequence

import numpy as np

from configs import Config
from envs.ale import action_meanings
from evaluation.film import DEFAULT_SECONDS_LIMIT, Film, Step, film_game, pictures_in
from evaluation.panel import Decision, Panel
from evaluation.saliency import saliency
from evaluation.watch import PlayedGame, asked_in_full


def explained_film(
    config: Config,
    game: PlayedGame,
    *,
    seed: int,
    q_values: Callable[[np.ndarray], np.ndarray],
    title: str,
    with_saliency: bool = True,
    seconds_limit: float = DEFAULT_SECONDS_LIMIT,
    on_decision: Callable[[], object] | None = None,
) -> tuple[Film, float]:
    """Play `game` again and return its film with a panel that explains each decision.

    Q-values and saliency are worked out anew while it is played; saliency takes 197 observations
    through the network for each agent step. A decision is shown from the first picture of its
    action on, with the score and the lives that come of it.

    Args:
      config: that of `play_games`.
      game: one that `play_games` returned.
      seed: that of `play_games`.
      q_values: observations uint8 [B, 84, 84, 4] -> float32 [B, A].
      title: what plays.
      with_saliency: whether there is a heat map.
      seconds_limit: what is behind it is left out; 0: nothing.
      on_decision: called after each decision.

    Returns:
      the film, and how many seconds the whole game would take.

    Raises:
      FilmError: as `film_game`.
    """
    decisions: list[Decision] = []
    pictures = pictures_in(seconds_limit) if seconds_limit else None

    def explain(step: Step) -> None:
        if decisions and pictures is not None and step.picture >= pictures:
            return
        decisions.append(
            Decision(
                picture=step.picture,
                packed_frames=zlib.compress(step.observation.tobytes(), level=1),
                action=step.action,
                score=step.score,
                lives=step.lives,
                q_values=asked_in_full(q_values, step.observation[None])[0],
                heat=saliency(q_values, step.observation) if with_saliency else None,
            )
        )
        if on_decision is not None:
            on_decision()

    plain = film_game(config, game, seed=seed, on_step=explain)
    panel = Panel(title, action_meanings(config.game), decisions, (plain.height, plain.width))
    first_pictures = [decision.picture for decision in decisions]
    return _beside(plain, panel, first_pictures, seconds_limit), plain.seconds


def _beside(plain: Film, panel: Panel, first_pictures: Sequence[int], seconds_limit: float) -> Film:
    """Return the film of `plain` with the panel of the decision that each picture belongs to."""
    film = Film(panel.height, panel.width)
    shown = picture = 0
    drawn = panel.draw(0)
    for game, repeats in plain.rgb_pictures(plain.limit(seconds_limit)):
        for _ in range(repeats):
            due = bisect.bisect_right(first_pictures, picture) - 1
            if due > shown:
                shown, drawn = due, panel.draw(due)
            film.append(panel.place_game(drawn, game))
            picture += 1
    return film
