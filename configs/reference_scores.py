"""Published scores of a random agent and of a human tester, by game."""

from __future__ import annotations

import csv
import functools
from importlib import resources


@functools.cache
def _references() -> dict[str, tuple[float, float]]:
    text = resources.files("configs").joinpath("reference_scores.csv").read_text()
    return {
        row["game"]: (float(row["random"]), float(row["human"]))
        for row in csv.DictReader(text.splitlines())
    }


def random_and_human_score(game: str) -> tuple[float, float] | None:
    """Return the mean raw scores of random play and of the human tester, None where unpublished."""
    return _references().get(game)


def human_normalized_score(game: str, score: float) -> float | None:
    """Return the score with random play at 0 and the human tester at 1, None where unpublished.

    References: Wang et al., "Dueling Network Architectures for Deep Reinforcement Learning", 2016,
    no-op starts, for the 57 games of that paper.
    """
    if game not in _references():
        return None
    random, human = _references()[game]
    return (score - random) / (human - random)
