"""Run folders of a few rows as curves, and every way in which they can be damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from written_run import write_run

from experiments.records import collect, differences, read_records


def test_curves_of_a_run(tmp_path: Path) -> None:
    write_run(tmp_path, "base/Breakout-seed4", seed=4)
    ((record,), left_out) = read_records(tmp_path)
    assert (record.variant, record.game, record.seed, left_out) == ("base", "Breakout", 4, [])
    # The first row has no score yet.
    assert record.training.scores.tolist() == [10, 30]
    assert {axis: x.tolist() for axis, x in record.training.axes.items()} == {
        "iteration": [200, 300],
        "frames": [3400, 5000],
        "minutes": [2, 3],
    }
    # At 150 and 300 iterations: half way between the rows 100 and 200, and at row 300.
    assert record.evaluation.scores.tolist() == [8, 16]
    assert {axis: x.tolist() for axis, x in record.evaluation.axes.items()} == {
        "iteration": [150, 300],
        "frames": [2600, 5000],
        "minutes": [1.5, 3],
    }
    assert record.ends == {"iteration": 300, "frames": 5000, "minutes": 3}


def test_an_evaluation_before_the_first_row_lies_between_it_and_the_start(tmp_path: Path) -> None:
    path = write_run(tmp_path, "a")
    (path / "evaluations.csv").write_text("iteration,score_mean\n50,1\n")
    ((record,), _) = read_records(tmp_path)
    # Training begins behind 50 random agent steps, 200 frames; 100 iterations later it is 1800.
    assert {axis: x.tolist() for axis, x in record.evaluation.axes.items()} == {
        "iteration": [50],
        "frames": [1000],
        "minutes": [0.5],
    }


def test_an_evaluation_behind_the_last_row_waits_for_it(tmp_path: Path) -> None:
    write_run(tmp_path, "base", training=(1, 2), evaluation=(8, 16))  # at 150 and 300
    ((record,), _) = read_records(tmp_path)
    assert record.evaluation.axes["iteration"].tolist() == [150]
    assert record.evaluation.scores.tolist() == [8]


def test_a_place_between_scores_is_on_a_straight_line_and_none_is_outside(tmp_path: Path) -> None:
    write_run(tmp_path, "a")
    ((record,), _) = read_records(tmp_path)
    places = (199, 200, 225, 300, 301)
    assert [record.training.at("iteration", x) for x in places] == [None, 10, 15, 30, None]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("metrics.csv", "", "metrics.csv has no column iteration"),
        (
            "metrics.csv",
            "iteration,minutes,frames,score_mean_30_games\n",
            "metrics.csv has no row yet",
        ),
        (
            "metrics.csv",
            "iteration,minutes,frames,score_mean_30_games\n1,1,1,1\n2,2\n",
            "line 3 of metrics.csv has 2 of 4 fields",
        ),
        (
            "metrics.csv",
            "iteration,minutes,frames,score_mean_30_games\n1,,1,1\n",
            "line 2 of metrics.csv has '' as minutes",
        ),
        ("evaluations.csv", "iteration,score_mean\n1,nan\n", "line 2 of evaluations.csv has 'nan'"),
        (
            "evaluations.csv",
            "iteration,score_mean\n5,1\n5,1\n",
            "line 3 of evaluations.csv has an iteration that does not grow",
        ),
        ("evaluations.csv", None, "evaluations.csv cannot be read ("),
        ("evaluations.csv", "\xff\0", "evaluations.csv "),
        ("config.json", "{", "config.json is broken ("),
        ("config.json", '{"config": {"game": "Pong"}}', "config.json is broken ('seed')"),
        ("config.json", '{"config": {"game": 1, "seed": 1}}', "config.json is broken (game must"),
        ("config.json", "[]", "config.json is broken ("),
    ],
)
def test_a_damaged_file_leaves_one_run_out(
    tmp_path: Path, name: str, content: str | None, reason: str
) -> None:
    write_run(tmp_path, "base/good")
    path = write_run(tmp_path, "base/bad")
    if content is None:
        (path / name).unlink()
    else:
        (path / name).write_bytes(content.encode("latin-1"))
    records, (sentence,) = read_records(tmp_path)
    assert [record.path.name for record in records] == ["good"]
    assert sentence.startswith(f"left out base/bad: {reason}")


def test_runs_of_a_variant_that_differ_are_told(tmp_path: Path) -> None:
    write_run(tmp_path, "base/1", seed=1, n_step=3)
    write_run(tmp_path, "base/2", seed=2, n_step=5)
    write_run(tmp_path, "base/3", seed=3, n_step=3, game="Pong")
    write_run(tmp_path, "long/1", seed=1, iterations=100)
    write_run(tmp_path, "long/2", seed=2, iterations=200)
    reason = "their mean is not that of one recipe trained for one number of iterations"
    assert differences(read_records(tmp_path)[0]) == [
        f"the runs of base on Breakout differ in n_step: {reason}",
        f"the runs of long on Breakout differ in iterations: {reason}",
    ]


def test_a_run_that_knows_less_settings_is_read_as_it_was_meant(tmp_path: Path) -> None:
    write_run(tmp_path, "base/Pong-seed1", game="Pong")
    write_run(tmp_path, "base/Pong-seed2", game="Pong", seed=2, subtract_background=False)
    assert differences(read_records(tmp_path)[0]) == []
    write_run(tmp_path, "base/Pong-seed3", game="Pong", seed=3, subtract_background=True)
    (said,) = differences(read_records(tmp_path)[0])
    assert said.startswith("the runs of base on Pong differ in subtract_background: ")


def test_runs_may_differ_in_what_an_experiment_may_change(tmp_path: Path) -> None:
    # docs/experiments.md names these; `iterations` change what a mean is of.
    for number in (1, 2):
        names = ("eval_period", "eval_games", "checkpoint_period", "log_period")
        changed: dict[str, Any] = dict.fromkeys(names, number)
        write_run(tmp_path, f"a/{number}", seed=number, **changed, stack_on_device=str(number))
    assert differences(read_records(tmp_path)[0]) == []


def test_collect_copies_no_damaged_run(tmp_path: Path) -> None:
    write_run(tmp_path, "runs/a")
    (write_run(tmp_path, "runs/b") / "metrics.csv").write_text("")
    records, _ = read_records(tmp_path / "runs")
    assert collect(records, tmp_path / "runs", tmp_path / "kept") == 3
    assert [p.name for p in (tmp_path / "kept").iterdir()] == ["a"]
