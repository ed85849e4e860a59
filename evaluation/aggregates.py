"""Aggregate numbers of scores and how sure they are, by the definitions of rliable.

Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 50_000
"""How often scores are drawn anew for an interval; as many as in rliable."""

_SEED = 0x626F6F74  # the same scores always have the same interval
_VALUES_AT_ONCE = 1_000_000  # 8 MB

Statistic = Callable[[np.ndarray], np.ndarray]
"""A number for each row: float64 [n, values] -> float64 [n]."""


class Interval(NamedTuple):
    """A 95 % interval, in the unit of the scores."""

    low: float
    high: float


def mean(rows: np.ndarray) -> np.ndarray:
    """Return the mean of each row, [n, values] -> [n]."""
    return rows.mean(axis=-1)


def interquartile_mean(rows: np.ndarray) -> np.ndarray:
    """Return the mean of each row without its least and its greatest quarter, [n, values] -> [n].

    A quarter that is no whole number of values is rounded down, as scipy.stats.trim_mean does in
    rliable: of 7 values 5 are left, and 3 values are all left.
    """
    count = rows.shape[-1]
    cut = count // 4
    return np.sort(rows, axis=-1)[..., cut : count - cut].mean(axis=-1)


def of_all(statistic: Statistic, strata: Sequence[Sequence[float]]) -> float:
    """Return the statistic of all values of all strata together."""
    return float(statistic(np.concatenate([np.asarray(s, np.float64) for s in strata])[None])[0])


def interval(statistic: Statistic, strata: Sequence[Sequence[float]]) -> Interval | None:
    """Return the 95 % percentile bootstrap interval of a statistic of all values together.

    Each stratum is drawn anew from its own values, with replacement, as often as it has values:
    games keep their share when runs on several games are drawn. Scores of one game are one stratum.

    Args:
      statistic: such as `mean` or `interquartile_mean`.
      strata: at least one value each; values within a stratum are independent of one another.

    Returns:
      the interval, the same for the same values; None if no stratum has two values, which say
      nothing about how far others would lie apart.
    """
    arrays = [np.asarray(stratum, np.float64) for stratum in strata]
    if all(len(array) < 2 for array in arrays):
        return None
    generator = np.random.default_rng(_SEED)
    at_once = max(1, _VALUES_AT_ONCE // sum(len(array) for array in arrays))
    drawn = []
    for begin in range(0, RESAMPLES, at_once):
        count = min(at_once, RESAMPLES - begin)
        rows = [array[generator.integers(len(array), size=(count, len(array)))] for array in arrays]
        drawn.append(statistic(np.concatenate(rows, axis=1)))
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(np.concatenate(drawn), [tail, 100 - tail])
    return Interval(float(low), float(high))
