"""The arithmetic of the benchmarks; the times themselves are for a reader, not for a test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import throughput
from benchmarks.measurement import Measurement, Times, chunk_lengths, time_iterations

ROOT = Path(__file__).parent.parent


def measured(name: str, total_ms: list[float]) -> Measurement:
    return Measurement(
        name=name,
        device="CPU",
        setting="float32",
        batch_size=64,
        iterations=100,
        times=Times(total_ms, collect_ms=None),
        replay_bytes=700_000_000,
        resident_bytes=1_500_000_000,
        peak_bytes=1_600_000_000,
    )


@pytest.mark.parametrize(
    ("iterations", "lengths"),
    [(1, [1]), (25, [25]), (60, [30, 30]), (76, [26, 25, 25]), (300, [25] * 12)],
)
def test_chunks_are_equal_and_complete(iterations: int, lengths: list[int]) -> None:
    assert chunk_lengths(iterations) == lengths


def test_measurement_survives_its_line() -> None:
    run = measured("one", [40.0, 20.0, 30.0])
    assert Measurement.from_json(run.to_json()) == run
    assert (run.ms_per_iteration, run.fastest_ms) == (30.0, 20.0)
    assert run.frames_per_second == pytest.approx(16 / 0.030)


def test_ratios_are_taken_within_a_round() -> None:
    # The machine was twice as slow in the second round.
    results = [
        [measured("stock", [80.0]), measured("same", [40.0]), measured("default", [50.0])],
        [measured("stock", [160.0]), measured("same", [80.0]), measured("default", [80.0])],
    ]
    assert throughput.ratios(results) == [[1.0, 1.0], [2.0, 2.0], [1.6, 2.0]]
    assert throughput.fastest_ratios(results) == [1.0, 2.0, 1.6]
    table = "\n".join(throughput.table_lines(results))
    median_row = next(line for line in table.splitlines() if "median of the rounds" in line)
    assert median_row.split()[-3:] == ["1.00", "2.00", "1.80"]
    assert "0.70 GB" in table


def test_each_iteration_collects_and_trains_once_and_waits_at_the_end() -> None:
    tape: list[str] = []
    times = time_iterations(
        lambda: tape.append("collect"), lambda: tape.append("train"), lambda: tape.append("wait"), 2
    )
    assert tape == ["collect", "train", "collect", "train", "wait"]
    assert len(times.total_ms) == 1
    assert times.collect_ms is not None
    assert 0 <= times.collect_ms[0] <= times.total_ms[0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rounds", "0"], "rounds"),
        (["--json", "no/such/folder/x.json"], "its folder is not there"),
        (["--batchsize", "3"], "did you mean --batch_size?"),
    ],
)
def test_wrong_flags_are_answered_in_a_line(arguments: list[str], sentence: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.throughput", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
