"""Watches a run for as long as it lasts: does memory grow, do files stay open, does it grow slower?

    python -m benchmarks.soak --run=runs/mine --csv=soak.csv -- --game Pong --iterations 300000
    python -m benchmarks.soak --run=runs/mine --csv=soak.csv --pid=1234
    python -m benchmarks.soak --run=runs/mine --csv=soak.csv --samples=minutes.csv

The first starts `train.py` with the flags behind `--`, and watches it; the second watches one that
goes on; the third brings in what something else has watched. `benchmarks.soak_chart` draws it.
"""

from __future__ import annotations

import csv
import datetime
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from absl import flags

from console import errors
from training.csv_log import CsvLog

COLUMNS = (
    "iteration",
    "minutes",
    "resident_bytes",
    "open_files",
    "threads",
    "iterations_per_sec",
    "replay_transitions",
)
"""Of a sample. `minutes` are those since the watch began, or since the run did where it is brought
in; the last two, and `iteration`, are of the run's newest row of metrics."""

_FROM_METRICS = ("iteration", "iterations_per_sec", "replay_transitions")
_TRAIN = Path(__file__).parents[1] / "train.py"


def sample(process: psutil.Process, run: Path, minutes: float) -> dict[str, float] | None:
    """Return one sample of a process that trains in `run`, None if it has ended."""
    rows = _metrics(run)
    newest = rows[-1] if rows else dict.fromkeys(_FROM_METRICS, 0.0)
    try:
        with process.oneshot():
            return {
                **{name: newest[name] for name in _FROM_METRICS},
                "minutes": minutes,
                "resident_bytes": process.memory_info().rss,
                "open_files": process.num_fds(),
                "threads": process.num_threads(),
            }
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # a process that ends shows no files
        return None


def watch(pid: int, run: Path, period_sec: float) -> Iterator[dict[str, float]]:
    """Yield a sample every `period_sec` until the process has ended.

    Raises:
      UserError: if there is no such process.
    """
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        raise errors.UserError(f"there is no process {pid}; give one that runs") from None
    began = time.monotonic()
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        taken = sample(process, run, (time.monotonic() - began) / 60)
        if taken is None:
            return
        yield taken
        time.sleep(period_sec)


def brought_in(samples: Path, run: Path) -> Iterator[dict[str, float]]:
    """Yield samples that something else has taken, with the iteration that each belongs to.

    Args:
      samples: CSV with `unix_sec`, `resident_bytes`, `open_files` and `threads`.
      run: of one session, whose start and minutes tell when each iteration was.

    Raises:
      UserError: if the run was resumed, or one of the files is not what it should be.
    """
    try:
        sessions = json.loads((run / "config.json").read_text())["sessions"]
        if len(sessions) != 1:
            raise errors.UserError(f"{run} was resumed; only a run of one session can be mapped")
        start = datetime.datetime.fromisoformat(sessions[0]["started"]).timestamp()
        metrics, taken = _metrics(run), _rows(samples)
        minutes = np.array([row["minutes"] for row in metrics])
        for row in taken:
            at = (row["unix_sec"] - start) / 60
            place = int(np.searchsorted(minutes, at))  # of the row in whose time it was taken
            of = metrics[min(place, len(metrics) - 1)]
            iteration = np.interp(at, [0.0, *minutes], [0.0, *(r["iteration"] for r in metrics)])
            watched = {name: row[name] for name in ("resident_bytes", "open_files", "threads")}
            yield {
                **{name: of[name] for name in _FROM_METRICS},
                "iteration": round(float(iteration)),
                "minutes": at,
                **watched,
            }
    except (OSError, KeyError, TypeError, ValueError, IndexError) as error:
        raise errors.UserError(
            f"{samples} and {run} cannot be put together ({error}); give samples of that run"
        ) from error


def read(path: Path) -> dict[str, np.ndarray]:
    """Return the columns of a CSV of samples, by COLUMNS.

    Raises:
      UserError: if it has none, or fewer than two rows.
    """
    try:
        rows = _rows(path)
        columns = {name: np.array([row[name] for row in rows]) for name in COLUMNS}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise errors.UserError(
            f"{path} has no samples ({error}); give one that --csv wrote"
        ) from error
    if len(rows) < 2:
        raise errors.UserError(f"{path} has {len(rows)} samples; watch for longer")
    return columns


def _metrics(run: Path) -> list[dict[str, float]]:
    path = run / "metrics.csv"
    return _rows(path) if path.exists() else []


def _rows(path: Path) -> list[dict[str, float]]:
    with path.open(newline="") as file:
        return [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def _write(out: Path, samples: Iterator[dict[str, float]]) -> int:
    out.parent.mkdir(parents=True, exist_ok=True)
    log, count = CsvLog(out, COLUMNS), 0
    for row in samples:
        log.write({name: f"{value:.10g}" for name, value in row.items()})
        count += 1
    log.close()
    return count


def main() -> None:
    """Start, watch or bring in, as the flags say."""
    values = flags.FLAGS
    if not values.run or not values.csv:
        raise errors.UserError("say what is watched and where it is written: --run and --csv")
    run, out = Path(values.run), Path(values.csv)
    if values.samples:
        print(f"{_write(out, brought_in(Path(values.samples), run))} samples in {out}")
        return
    if values.pid:
        print(f"{_write(out, watch(values.pid, run, values.every_sec))} samples in {out}")
        return
    command = [sys.executable, str(_TRAIN), f"--logdir={run}", *_train_flags]
    with subprocess.Popen(command) as training:
        count = _write(out, watch(training.pid, run, values.every_sec))
    print(f"{count} samples in {out}; train.py ended with {training.returncode}")
    if training.returncode:
        raise errors.UserError(f"train.py ended with {training.returncode}; see what it said")


if __name__ == "__main__":
    _train_flags: list[str] = []
    if "--" in sys.argv:
        place = sys.argv.index("--")
        _train_flags = sys.argv[place + 1 :]
        del sys.argv[place:]
    flags.DEFINE_string("run", None, "folder of the run that is watched")
    flags.DEFINE_string("csv", None, "where the samples are written")
    flags.DEFINE_integer("pid", None, "of the process that trains there; else one is started")
    flags.DEFINE_string("samples", None, "bring in these: unix_sec, resident_bytes, ...")
    flags.DEFINE_float("every_sec", 60.0, "seconds between two samples", 0.01, 3_600.0)
    errors.run_main(main, onednn=False)
