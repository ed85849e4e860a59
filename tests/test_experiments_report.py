"""What a report says of run folders of a few rows, by hand, and what it draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from module_program import finished
from PIL import Image
from written_run import write_run

from experiments.comparison import aggregate, band, common_end, estimate, final_human_normalized
from experiments.pictures import draw
from experiments.records import FILES, read_records
from experiments.table import Places, page


def test_band_is_exact_between_the_rows_of_either_run(tmp_path: Path) -> None:
    write_run(tmp_path, "a/1", seed=1, minutes=1, training=(0, 10, 20))
    write_run(tmp_path, "a/2", seed=2, minutes=1.5, training=(6, 12, 30))
    records, _ = read_records(tmp_path)
    # Scores at minutes   1    1.5   2    3    4.5
    #   seed 1            0    5    10   20
    #   seed 2                 6     8   12    30
    drawn = band([record.training for record in records], "minutes")
    assert drawn is not None
    assert drawn.x.tolist() == [1.5, 2, 3]
    assert drawn.mean.tolist() == [5.5, 9, 16]
    assert drawn.least.tolist() == [5, 8, 12]
    assert drawn.greatest.tolist() == [6, 10, 20]


def test_runs_that_no_place_has_in_common_have_no_band(tmp_path: Path) -> None:
    write_run(tmp_path, "a/1", minutes=1)
    write_run(tmp_path, "a/2", minutes=10)
    write_run(tmp_path, "a/3", training=("", "", ""))
    fast, slow, without_score = (record.training for record in read_records(tmp_path)[0])
    assert band([fast, slow], "minutes") is None
    assert band([fast, without_score], "iteration") is None
    assert band([fast, slow], "iteration") is not None


def test_runs_are_compared_where_the_first_of_them_ends(tmp_path: Path) -> None:
    write_run(tmp_path, "a", minutes=1)
    write_run(tmp_path, "b", minutes=0.5, training=(1, 2, 3, 4))  # its last evaluation is at 300
    records, _ = read_records(tmp_path)
    assert common_end(records, "iteration") == 300
    assert common_end(records, "minutes") == 1.5
    assert common_end(records[:1], "minutes") == 3


def test_estimate_leaves_out_what_is_not_there() -> None:
    assert estimate([None, 2.0, 4.0]) == (3.0, (2.0, 4.0), 2)
    assert estimate([None, 2.0]) == (2.0, None, 1)
    assert estimate([None]) is None


def test_page(tmp_path: Path) -> None:
    write_run(tmp_path, "base/1", seed=1, evaluation=(8, 16))
    write_run(tmp_path, "base/2", seed=2, evaluation=(8, 14.8))
    write_run(tmp_path, "slow/1", seed=1, minutes=2, evaluation=(6,), training=(1, 2, 3, 4))
    records, _ = read_records(tmp_path)
    text = page(records, ["a remark"], {"Breakout": "b.png"}, Places())
    lines = text.splitlines()
    assert lines[:5] == ["# Comparison", "", "## Breakout", "", "![Scores on Breakout](b.png)"]
    # The evaluation of slow is at 150 iterations, 3 minutes. There base has 8 and no training score
    # yet; at 3 minutes 15.4 (of 16 and 14.8) and 30. Human-normalized: 16 is 14.3 / 28.8.
    assert lines[6:10] == [
        "| variant | seeds | iterations | evaluation at 150 iterations "
        "| training at 150 iterations | evaluation at 3.0 minutes | training at 3.0 minutes "
        "| minutes | last evaluation, mean | last evaluation, IQM | human-normalized |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        "| base | 1, 2 | 300 | 8.0 [8.0, 8.0] | - | 15.4 [14.8, 16.0] | 30.0 [30.0, 30.0] "
        "| 3.0 | 15.4 [14.8, 16.0] | 15.4 [14.8, 16.0] | 0.476 [0.455, 0.497] |",
        "| slow | 1 | 400 | 6.0 | 1.5 | 6.0 | 1.5 | 8.0 | 6.0 | 6.0 | 0.149 |",
    ]
    assert lines[-1] == "- a remark"
    assert "All games" not in text
    elsewhere = page(records, [], {}, Places(iterations=200, minutes=2)).splitlines()
    assert "| evaluation at 200 iterations " in elsewhere[4]
    assert "| training at 2.0 minutes |" in elsewhere[4]
    # 8 and a third of the way to 16 and to 14.8, that is 10.67 and 10.27; the same at 2 minutes.
    assert "| 300 | 10.5 [10.3, 10.7] | 10.0 [10.0, 10.0] | 10.5 [10.3, 10.7] |" in elsewhere[6]
    assert "| slow | 1 | 400 | - | 2.0 | - | 1.0 |" in elsewhere[7]
    begin = page(records, [], {}, Places(minutes=0)).splitlines()
    assert "| training at 0.0 minutes |" in begin[4]


def test_several_games_are_aggregated_as_human_normalized_scores(tmp_path: Path) -> None:
    # Breakout: (score - 1.7) / 28.8. Pong: (score + 20.7) / 35.3.
    scores = {"Breakout": (1.7, 16.1, 30.5), "Pong": (-20.7, 14.6, 49.9)}  # 0, 0.5, 1 and 0, 1, 2
    for game, values in scores.items():
        for seed, score in enumerate(values):
            write_run(tmp_path, f"base/{game}-{seed}", game=game, seed=seed, evaluation=(0, score))
    write_run(tmp_path, "one-game/Pong", game="Pong")
    write_run(tmp_path, "base/unpublished", game="Adventure")
    records, _ = read_records(tmp_path)
    assert [round(s, 9) for r in records if (s := final_human_normalized(r)) is not None] == [
        *(0, 0.5, 1),
        *(0, 1, 2),
        pytest.approx((16 + 20.7) / 35.3),
    ]
    games, (base,) = aggregate(records)
    assert (games, base.variant, base.runs) == (["Breakout", "Pong"], "base", 6)
    # 6 // 4 = 1: of 0, 0.5, 1, 1. The means of the games are 0.5 and 1.
    assert base.interquartile_mean.value == pytest.approx(2.5 / 4)
    assert base.median.value == pytest.approx(0.75)
    assert base.mean.value == pytest.approx(0.75)
    # Drawn game by game, the mean is (b / 3 / 2 + p / 3) / 2 = (b + 2 p) / 12, where b and p are
    # sums of three of 0, 1, 2: 27 draws each, of which 1, 3, 6, 7, 6, 3, 1 have the sums 0 to 6.
    # b + 2 p = 0, 1, 2, 3 have 1, 3, 6 + 3, 7 + 9 of 729 draws: up to 2 are 1.8 %, up to 3 4.0 %.
    assert base.mean.interval == pytest.approx((3 / 12, 15 / 12))
    text = page(records, [], {}, Places())
    assert "| base | 6 | 0.625 [" in text
    assert "last evaluations on Breakout, Pong:" in text


def test_a_run_without_an_evaluation_is_in_the_report(tmp_path: Path) -> None:
    write_run(tmp_path, "base", evaluation=())
    ((record,), left_out) = read_records(tmp_path)
    assert left_out == []
    text = page([record], [], {}, Places())
    assert "| base | 1 | 300 | - | 30.0 | - | 30.0 | 3.0 | - | - | - |" in text


def _report(folder: Path, *arguments: str) -> tuple[int, str, str]:
    return finished("experiments.report", folder, *arguments)


def test_a_copy_of_the_csv_files_gives_the_same_report(tmp_path: Path) -> None:
    path = write_run(tmp_path, "runs/base/Breakout-seed1")
    (path / "checkpoints").mkdir()
    (path / "policies" / "best").mkdir(parents=True)
    (path / "policies" / "best" / "config.json").touch()  # no run of its own
    status, said, errors = _report(tmp_path, "runs", "--collect=kept")
    assert (status, errors) == (0, "")
    assert said.startswith("copied 3 files of 1 runs (config.json, metrics.csv, evaluations.csv)")
    kept = [str(p.relative_to(tmp_path)) for p in tmp_path.glob("kept/**/*") if p.is_file()]
    assert sorted(kept) == sorted(f"kept/base/Breakout-seed1/{name}" for name in FILES)
    assert _report(tmp_path, "kept")[0] == 0
    assert _report(tmp_path, "runs", "--out=elsewhere")[0] == 0
    for name in ("report.md", "curves-Breakout.png"):
        assert (tmp_path / "kept" / name).read_bytes() == (
            tmp_path / "elsewhere" / name
        ).read_bytes()
    assert not (tmp_path / "runs" / "report.md").exists()


def _pixels(file: Path, colors: Sequence[tuple[int, int, int]]) -> list[np.ndarray]:
    """Return where a picture has each color, of its left half: both kinds of score."""
    with Image.open(file) as picture:
        pixels = np.asarray(picture.convert("RGB"))[:, :600]
    return [np.argwhere((pixels == color).all(axis=-1)) for color in colors]


def test_a_picture_has_a_line_for_each_variant(tmp_path: Path) -> None:
    write_run(tmp_path, "high", training=(20, 20, 20), evaluation=(20, 20))
    write_run(tmp_path, "low", training=(10, 10, 10), evaluation=(10, 10))
    records, _ = read_records(tmp_path)
    draw(records, "Breakout", tmp_path / "play.png")
    blue, orange = _pixels(tmp_path / "play.png", [(31, 119, 180), (255, 127, 14)])  # C0, C1
    for color in (blue, orange):
        rows, lengths = np.unique(color[:, 0], return_counts=True)
        drawn = rows[lengths > 200]
        assert drawn.max() - drawn.min() > 400  # a line in the upper plot, and one in the lower
    assert blue[:, 0].min() < orange[:, 0].min() - 300  # rows count from above


@pytest.mark.parametrize("length", [5, 50, 110])
def test_a_legend_of_long_names_is_not_cut_off(tmp_path: Path, length: int) -> None:
    for number in range(9):
        write_run(tmp_path, f"{number}" * length)
    records, _ = read_records(tmp_path)
    draw(records, "Breakout", tmp_path / "play.png")
    with Image.open(tmp_path / "play.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    margins = (pixels[:, :3], pixels[:, -3:], pixels[:3], pixels[-3:])
    assert all((margin == 255).all() for margin in margins)
    rows = {5: 3, 50: 5, 110: 9}[length]  # in four, two and one columns
    assert pixels.shape == (int(150 * (7 + 0.25 * rows)), 13 * 150)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "name the folder of the runs: python -m experiments.report DIR"),
        (["none"], "there is no folder none; name one with runs in it"),
        (["empty"], "no run in empty has written anything yet; name another folder"),
        (
            ["runs", "--collect=runs/kept"],
            "--collect runs/kept is in runs; name a folder elsewhere",
        ),
        (["runs", "--out=file"], "file cannot be written (File exists); name another folder"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: list[str], error: str) -> None:
    write_run(tmp_path, "runs/a")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    assert _report(tmp_path, *arguments) == (2, "", f"error: {error}\n")
