"""Where the time goes, on a clock that a test turns."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from configs import Config
from training.iterations import Iterations
from training.time_spent import ACTIVITIES, TimeSpent


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    turned = _Clock()
    monkeypatch.setattr(time, "monotonic", turned)
    monkeypatch.setattr(time, "perf_counter", turned)
    return turned


def test_seconds_are_counted_however_a_block_is_left(clock: _Clock) -> None:
    spent = TimeSpent()
    with spent.on("writing"):
        clock.now += 3

    def interrupted() -> None:
        with spent.on("writing"):
            clock.now += 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    spent.add("acting", 1.5)
    assert spent.seconds == {**dict.fromkeys(ACTIVITIES, 0.0), "writing": 5.0, "acting": 1.5}


def test_percent_since_a_row(clock: _Clock) -> None:
    spent = TimeSpent()
    spent.add("training", 5)
    before = dict(spent.seconds)
    spent.add("training", 6)
    spent.add("sampling", 1)
    percents = spent.percent_since(before, passed_sec=8)
    assert percents["training_percent"] == 75
    assert percents["sampling_percent"] == 12.5
    assert percents["acting_percent"] == 0
    assert list(percents) == [f"{activity}_percent" for activity in ACTIVITIES]


def test_summary_is_one_sentence(clock: _Clock) -> None:
    spent = TimeSpent()
    spent.add("training", 90)
    spent.add("emulating", 24)
    clock.now += 120
    assert spent.summary() == (
        "where the 2.0 minutes went: acting 0 %, emulating 20 %, sampling 0 %, training 75 %, "
        "evaluating 0 %, writing 0 %"
    )


def test_a_clock_that_is_set_spoils_no_share_of_time() -> None:
    for playing_sec, acting, training in ((-3_600.0, 0.0, 10.0), (3_600.0, 10.0, 0.0)):
        spent = TimeSpent()
        it: Any = SimpleNamespace(_spent=spent, _config=Config(overlap=False))
        Iterations._count_time(it, 10.0, playing_sec, dict(spent.seconds))
        assert (spent.seconds["acting"], spent.seconds["training"]) == (acting, training)
