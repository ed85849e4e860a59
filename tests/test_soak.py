"""The soak: samples of a run, what grew in them, and their picture."""

from __future__ import annotations

import csv
import datetime
import json
import os
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from benchmarks import soak, soak_chart
from console.errors import UserError

_START = 1_700_000_000


def _run(folder: Path, sessions: int = 1) -> Path:
    """Write a run of three rows, at minutes 2, 4 and 8."""
    started = datetime.datetime.fromtimestamp(_START, datetime.timezone.utc).isoformat()
    content = {"sessions": [{"started": started}] * sessions}
    (folder / "config.json").write_text(json.dumps(content))
    (folder / "metrics.csv").write_text(
        "iteration,minutes,score_mean_30_games,iterations_per_sec,replay_transitions\n"
        "100,2,,1.5,400\n200,4,3,1.25,800\n300,8,3,0.5,800\n"
    )
    return folder


def test_a_sample_is_of_the_process_and_of_the_newest_row(tmp_path: Path) -> None:
    process = psutil.Process()
    before = soak.sample(process, tmp_path, 0.5)
    assert before is not None
    assert [before[name] for name in ("iteration", "minutes", "replay_transitions")] == [0, 0.5, 0]
    handle = os.open(tmp_path, os.O_RDONLY)
    taken = soak.sample(process, _run(tmp_path), 9.0)
    os.close(handle)
    assert taken is not None
    assert set(taken) == set(soak.COLUMNS)
    assert [taken[name] for name in ("iteration", "iterations_per_sec")] == [300, 0.5]
    assert taken["open_files"] == before["open_files"] + 1
    assert taken["resident_bytes"] > 1e7


def test_samples_of_others_get_the_iteration_of_their_time(tmp_path: Path) -> None:
    samples = tmp_path / "samples.csv"
    samples.write_text(
        "unix_sec,open_files,resident_bytes,threads\n"
        f"{_START + 60},11,1000,5\n{_START + 6 * 60},12,3000,6\n"
    )
    # Minute 1: half of the first 100; minute 6: half between the rows of minutes 4 and 8.
    assert [
        [row[name] for name in soak.COLUMNS] for row in soak.brought_in(samples, _run(tmp_path))
    ] == [[50, 1, 1000, 11, 5, 1.5, 400], [250, 6, 3000, 12, 6, 0.5, 800]]
    with pytest.raises(UserError, match="was resumed"):
        list(soak.brought_in(samples, _run(tmp_path, sessions=2)))
    samples.write_text("unix_sec\n12\n")
    with pytest.raises(UserError, match="cannot be put together"):
        list(soak.brought_in(samples, _run(tmp_path)))


def test_what_grew(tmp_path: Path) -> None:
    path = tmp_path / "soak.csv"
    # 100 iterations a minute at first, 50 in the second half; the replay is full from 300 on.
    minutes = [0, 1, 2, 3, 4, 5, 7, 9, 11, 13, 15]
    gb = [0.5, 1.0, 1.5, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.1]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(soak.COLUMNS)
        for place, (minute, size) in enumerate(zip(minutes, gb, strict=True)):
            files = 12 if place == 1 else 11
            replay = min(200 * place, 600)
            writer.writerow([100 * place, minute, size * 1e9, files, 9, 1.0, replay])
    samples = soak.read(path)
    grown = soak_chart.growth(samples, at=150)
    assert grown[:3] == (1000, 200, 300)
    np.testing.assert_allclose(grown[3:6], [1.5, 2.0, 2.1])
    assert (grown.open_files, grown.threads) == ((11, 11), (9, 9))
    np.testing.assert_allclose(grown.speeds, [100 / 60, 50 / 60])
    said = " ".join(grown.sentences())
    assert "2.100 GB, +5.0 % against 2.000 GB at iteration 300" in said
    assert "above the bar of 3 %" in said
    assert "0.50 times" in said
    soak_chart.draw(samples, grown, tmp_path / "new" / "soak.png")
    with Image.open(tmp_path / "new" / "soak.png") as picture:
        assert picture.size == (1245, 975)


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    for text, error in (
        ("iteration,minutes\n1,2\n", "has no samples"),
        (",".join(soak.COLUMNS) + "\n1,1,1,1,1,1,1\n", "has 1 samples; watch for longer"),
    ):
        (tmp_path / "soak.csv").write_text(text)
        with pytest.raises(UserError, match=error):
            soak.read(tmp_path / "soak.csv")
