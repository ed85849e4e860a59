"""Runs of one recipe taken together: means over seeds, places where all can be compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from configs import human_normalized_score
from evaluation import aggregates
from evaluation.aggregates import Interval, Statistic
from experiments.records import Curve, Record


class Estimate(NamedTuple):
    """A number from several runs.

    Attributes:
      value: in the unit of the scores.
      interval: 95 % bootstrap interval over runs; None for one run.
      runs: how many it is from.
    """

    value: float
    interval: Interval | None
    runs: int


@dataclasses.dataclass(frozen=True)
class Band:
    """Several curves on one axis, as far as all of them go.

    Attributes:
      x: float64 [n], growing: all places where one of them has a score.
      mean: float64 [n]; with straight lines between the scores of each run, exact.
      least: float64 [n]
      greatest: float64 [n]
    """

    x: np.ndarray
    mean: np.ndarray
    least: np.ndarray
    greatest: np.ndarray


def band(curves: Sequence[Curve], axis: str) -> Band | None:
    """Return the band of at least one curve, None if there is no place where all have a score."""
    if not all(len(curve) for curve in curves):
        return None
    xs = [curve.axes[axis] for curve in curves]
    begin, end = max(x[0] for x in xs), min(x[-1] for x in xs)
    if begin > end:
        return None
    x = np.unique(np.concatenate(xs))
    x = x[(begin <= x) & (x <= end)]
    scores = np.stack([np.interp(x, curve.axes[axis], curve.scores) for curve in curves])
    return Band(x, scores.mean(0), scores.min(0), scores.max(0))


def estimate(
    values: Sequence[float | None], statistic: Statistic = aggregates.mean
) -> Estimate | None:
    """Return a statistic of the values that are there, None if none is."""
    there = [value for value in values if value is not None]
    if not there:
        return None
    return Estimate(
        aggregates.of_all(statistic, [there]), aggregates.interval(statistic, [there]), len(there)
    )


def common_end(records: Sequence[Record], axis: str) -> float:
    """Return how far all of the runs have come on an axis, evaluations included."""
    ends = [record.ends[axis] for record in records]
    ends += [float(r.evaluation.axes[axis][-1]) for r in records if len(r.evaluation)]
    return min(ends)


def final_score(record: Record) -> float | None:
    """Return the mean score of a run's last evaluation, None before the first."""
    return float(record.evaluation.scores[-1]) if len(record.evaluation) else None


def final_human_normalized(record: Record) -> float | None:
    """Return the same with random play at 0 and a human tester at 1; None where unpublished."""
    score = final_score(record)
    return None if score is None else human_normalized_score(record.game, score)


@dataclasses.dataclass(frozen=True)
class Aggregate:
    """The last evaluations of one variant over several games, human-normalized.

    The intervals are of a stratified bootstrap: runs are drawn anew game by game.

    Attributes:
      variant: its name.
      runs: of all games together.
      interquartile_mean: over all runs of all games; a game with more runs counts more.
      median: over games, of the mean over runs.
      mean: over games, of the mean over runs.
    """

    variant: str
    runs: int
    interquartile_mean: Estimate
    median: Estimate
    mean: Estimate


def aggregate(records: Sequence[Record]) -> tuple[list[str], list[Aggregate]]:
    """Return the games that can be taken together, and each variant that has scores on all of them.

    Games whose human score is unpublished do not count.
    """
    scores: dict[str, dict[str, list[float]]] = {}
    for record in records:
        score = final_human_normalized(record)
        if score is not None:
            scores.setdefault(record.variant, {}).setdefault(record.game, []).append(score)
    games = sorted({game for by_game in scores.values() for game in by_game})
    whole = [variant for variant, by_game in scores.items() if len(by_game) == len(games)]
    return games, [_aggregate(name, [scores[name][game] for game in games]) for name in whole]


def _aggregate(variant: str, strata: Sequence[Sequence[float]]) -> Aggregate:
    borders = np.cumsum([len(stratum) for stratum in strata])[:-1]

    def game_means(rows: np.ndarray) -> np.ndarray:
        parts = np.split(rows, borders, axis=-1)
        return np.stack([part.mean(axis=-1) for part in parts], axis=-1)

    def median(rows: np.ndarray) -> np.ndarray:
        return np.median(game_means(rows), axis=-1)

    def mean(rows: np.ndarray) -> np.ndarray:
        return game_means(rows).mean(axis=-1)

    runs = sum(len(stratum) for stratum in strata)
    estimates = [
        Estimate(aggregates.of_all(statistic, strata), aggregates.interval(statistic, strata), runs)
        for statistic in (aggregates.interquartile_mean, median, mean)
    ]
    return Aggregate(variant, runs, *estimates)
