"""The aggregate numbers of rliable, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation import aggregates
from evaluation.aggregates import interquartile_mean, interval, mean, of_all


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5.0], 5.0),
        ([9.0, 0.0, 3.0], 4.0),  # 3 // 4 = 0 are cut
        ([100.0, 1.0, 2.0, -100.0], 1.5),  # of 1 and 2
        ([0.0, 7.0, 6.0, 5.0, 4.0, 3.0, 99.0], 5.0),  # 7 // 4 = 1: of 3, 4, 5, 6, 7
        ([0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 99.0, 99.0], 2.5),  # 8 // 4 = 2: of 1, 2, 3, 4
    ],
)
def test_interquartile_mean_cuts_whole_values(values: list[float], expected: float) -> None:
    assert of_all(interquartile_mean, [values]) == expected


def test_statistics_are_of_all_strata_together() -> None:
    assert of_all(interquartile_mean, [[1.0, 100.0], [-100.0, 2.0]]) == 1.5
    assert of_all(mean, [[1.0, 2.0], [6.0]]) == 3.0


def test_interval_of_two_values_is_these_values() -> None:
    assert interval(mean, [[0.0, 1.0]]) == (0.0, 1.0)  # the mean of a draw: 0, 1/2, 1/2, 1


def test_strata_are_drawn_apart() -> None:
    # A draw is 0 and two of 0, 4. Drawn together, 1 of 27 would be 4, 4, 4.
    assert interval(mean, [[0.0], [0.0, 4.0]]) == pytest.approx((0.0, 8 / 3))


def test_interval_narrows_with_the_root_of_the_number_of_games() -> None:
    # Half 0, half 1: the mean of n draws has the deviation 0.5 / sqrt(n), 0.025 of 400.
    bounds = interval(mean, [[0.0, 1.0] * 200])
    assert bounds == pytest.approx((0.5 - 1.96 * 0.025, 0.5 + 1.96 * 0.025), abs=0.0026)


def test_the_same_scores_have_the_same_interval_however_much_is_drawn_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = [list(np.random.default_rng(0).normal(size=30))]
    first = interval(interquartile_mean, scores)
    assert first == interval(interquartile_mean, scores)
    monkeypatch.setattr(aggregates, "_VALUES_AT_ONCE", 10_000)
    assert first == interval(interquartile_mean, scores)


def test_single_values_have_no_interval() -> None:
    assert interval(mean, [[3.0]]) is None
    assert interval(mean, [[3.0], [4.0]]) is None
