"""Kills a run again and again, resumes it, and compares what is left with a run never killed.

python -m tests.chaos --kills 100
python -m tests.chaos --kills 5 --no-weights    # leaves out what the games in play decide

A real run of train.py, small, with a checkpoint and an export every few iterations, gets SIGKILL at
random moments: half of them by the clock, half when an unfinished checkpoint or export is seen in
its folder. After each kill its newest checkpoint must be one that it had, or a newer one; the next
process must resume just there. When the run is complete, each CSV row, each point in TensorBoard
and, with --weights, each number of the last checkpoint must be there once, and as in the run that
was never killed. A run that is complete before the kills are spent is followed by another.

Each process is a fork of this one, which has imported TensorFlow and done nothing with it: so a
kill costs the second that a start takes, and not the five of the imports.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import importlib
import os
import random
import re
import runpy
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
ROOT = Path(__file__).parents[1]

# What a clock or the machine decides, in columns and in charts.
_CLOCKED = re.compile(r"minutes|resident_gb|.*_per_sec|.*_percent")
# With --no-weights: what the games in play do not decide.
_SURE_COLUMNS = {"iteration", "epsilon", "frames", "agent_steps", "replay_transitions", "game"}
_SETTINGS = {
    "game": "Breakout",
    "num_envs": 2,
    "network_width": 0.05,
    "batch_size": 4,
    "initial_collect_steps": 40,
    "replay_capacity": 200,
    "max_agent_steps_per_game": 30,
    "precision": "float32",
    "log_period": 2,
    "checkpoint_period": 4,
    "eval_period": 12,
    "eval_games": 1,
}
_PROCESS_LIMIT_SEC = 300.0
_POLL_SEC = 0.005
_ROW_FILE_BYTES = 30_000  # two rows: kills are to meet rows that are written ahead, too
_MOST_KILLS_OF_A_RUN = 10


class LostError(AssertionError):
    """A promise was not kept; the message says which."""


@dataclasses.dataclass
class Tally:
    """What was done to runs.

    Attributes:
      kills: processes that were killed.
      inside: of these, how many left an unfinished checkpoint or export.
      anew: how many were killed before the first checkpoint: the run began anew.
      resumes: how many processes resumed.
      runs: how many runs were completed and compared.
    """

    kills: int = 0
    inside: int = 0
    anew: int = 0
    resumes: int = 0
    runs: int = 0

    def __str__(self) -> str:
        return (
            f"{self.kills} kills survived, {self.inside} of them within a checkpoint or an export "
            f"and {self.anew} before the first checkpoint; {self.resumes} resumes; "
            f"{self.runs} complete runs compared"
        )


class Process:
    """A fork of this process that runs train.py.

    Args:
      folder: of the run; what it says goes to said.txt beside it.
      arguments: of train.py.
    """

    def __init__(self, folder: Path, arguments: list[str]) -> None:
        self._said = folder.with_name("said.txt")
        self._status: int | None = None
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            _be_train_py(self._said, arguments)

    def has_ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._look() is not None

    def _look(self) -> int | None:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def wait(self, limit_sec: float, *, until_seen: Path | None = None) -> int | None:
        """Return the exit status, None if it still runs after `limit_sec`, or at what is seen.

        Args:
          limit_sec: how long to wait.
          until_seen: a run's folder, for an unfinished checkpoint or export.
        """
        ends = time.monotonic() + limit_sec
        while time.monotonic() < ends:
            if self.has_ended():
                return self._status
            if until_seen is not None and unfinished(until_seen):
                return None
            time.sleep(_POLL_SEC)
        return self._look()

    def kill(self) -> None:
        """End it, without a word."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def said(self) -> str:
        """Return what it has printed so far."""
        return self._said.read_text(errors="replace")


def _be_train_py(said: Path, arguments: list[str]) -> None:
    """Run train.py and end this process."""
    from replay import segments

    status = 1
    try:
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        segments.FILE_BYTES = _ROW_FILE_BYTES
        sys.argv = [str(ROOT / "train.py"), *arguments]
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def unfinished(folder: Path) -> bool:
    """Whether a checkpoint, an export or replay rows are being written in a run's folder."""
    patterns = ("checkpoints/.0*", "policies/.*", "replay/.*")
    return any(True for pattern in patterns for _ in folder.glob(pattern))


def newest_checkpoint(folder: Path) -> int:
    """Return the iteration of a run's newest checkpoint, -1 if there is none."""
    from training.run_folder import RunFolder

    run = RunFolder(folder)
    paths = run.checkpoint_paths()
    return run.iteration_of(paths[-1]) if paths else -1


def train(folder: Path, iterations: int) -> float:
    """Train a run to its end, without a kill; return the seconds to its first checkpoint."""
    began = time.monotonic()
    process = Process(folder, _arguments(folder, iterations))
    _wait_for_change(process, folder, -1, _PROCESS_LIMIT_SEC)
    start_sec = time.monotonic() - began
    status = process.wait(_PROCESS_LIMIT_SEC)
    _check(status == 0, f"the run ended with {status}: {process.said()}")
    return start_sec


def _arguments(folder: Path, iterations: int) -> list[str]:
    if newest_checkpoint(folder) >= 0:
        return [f"--logdir={folder}", "--resume"]
    settings = {**_SETTINGS, "iterations": iterations}
    flags = [f"--{name}={value}" for name, value in settings.items()]
    return [f"--logdir={folder}", "--deterministic", *flags]


def kill_until_complete(
    folder: Path,
    iterations: int,
    kills: int,
    generator: random.Random,
    tally: Tally,
    *,
    start_sec: float,
    ends: float,
) -> None:
    """Train a run to its end, with up to `kills` kills on its way.

    Args:
      folder: of the run.
      iterations: of the run.
      kills: at most so many.
      generator: of the moments.
      tally: is added to.
      start_sec: how long a process takes until its first checkpoint.
      ends: on the monotonic clock; no kill after it.
    """
    for number in range(kills + 1):
        before = newest_checkpoint(folder)
        if before < 0:
            shutil.rmtree(folder, ignore_errors=True)  # as experiments.run does
        process = Process(folder, _arguments(folder, iterations))
        if number == kills or time.monotonic() > ends:
            status = process.wait(_PROCESS_LIMIT_SEC)
        elif generator.random() < 0.5:
            status = process.wait(generator.uniform(0, 1.2 * start_sec))
        else:
            _wait_for_change(process, folder, before, 3 * start_sec)
            status = process.wait(generator.uniform(0, start_sec), until_seen=folder)
            if status is None:
                status = process.wait(generator.uniform(0, 0.05 * start_sec))
        said = process.said()
        if status is None:
            process.kill()
            said = process.said()
            tally.kills += 1
            tally.inside += unfinished(folder)
        _check_beginning(said, before, tally)
        after = newest_checkpoint(folder)
        _check(after >= before, f"checkpoint {before} is lost, {after} is the newest: {said}")
        tally.anew += status is None and after < 0
        if status is not None:
            _check(status == 0, f"the run ended with {status}: {said}")
            return


def _wait_for_change(process: Process, folder: Path, before: int, limit_sec: float) -> None:
    """Wait until the process has written a checkpoint, or a while, or until it has ended."""
    ends = time.monotonic() + limit_sec
    while time.monotonic() < ends and newest_checkpoint(folder) <= before:
        if process.has_ended():
            return
        time.sleep(_POLL_SEC)


def _check_beginning(said: str, before: int, tally: Tally) -> None:
    """See that a process resumed where the one before it had left its last checkpoint."""
    _check("torn" not in said, f"a checkpoint is torn: {said}")
    _check("Traceback" not in said, f"a process ended with a traceback: {said}")
    resumed = re.search(r"^(?:resuming at iteration ([\d,]+)|training): ", said, re.M)
    if resumed is None:  # killed before it said anything
        return
    at = int((resumed[1] or "0").replace(",", ""))
    _check(at == max(0, before), f"resumed at {at} and not at {before}: {said}")
    tally.resumes += resumed[1] is not None


def compare(killed: Path, whole: Path, *, weights: bool) -> None:
    """See that a run that was killed has what one that was not has; raise LostError if not."""
    for name in ("metrics.csv", "evaluations.csv", "games.csv"):
        _compare_rows(name, _rows(killed / name), _rows(whole / name), weights=weights)
    _compare_points(_points(killed), _points(whole))
    _check(newest_checkpoint(killed) == newest_checkpoint(whole), "the last checkpoint is missing")
    _check(not unfinished(killed), "something unfinished is left")
    for name in ("last", "best"):
        _check((killed / "policies" / name / "saved_model.pb").exists(), f"no policy {name}")
    if weights:
        _compare_weights(killed, whole)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _compare_rows(
    name: str, killed: list[dict[str, str]], whole: list[dict[str, str]], *, weights: bool
) -> None:
    key = "game" if name == "games.csv" else "iteration"
    twice = [value for value, count in Counter(row[key] for row in killed).items() if count > 1]
    _check(not twice, f"{name} has {key} {twice} twice")
    numbers = [int(row[key]) for row in killed]
    _check(numbers == sorted(numbers), f"{name} is out of order")
    if key == "game":
        _check(numbers == list(range(1, len(numbers) + 1)), f"{name} lacks a game: {numbers}")
        if not weights:
            return  # other games were played
    _check(len(killed) == len(whole), f"{name} has {len(killed)} of {len(whole)} rows")
    for one, two in zip(killed, whole, strict=True):
        for column in two:
            # Two games side by side overshoot, or do not, as the games begin.
            loose = column in ("frames", "agent_steps", "replay_transitions") and not weights
            if _CLOCKED.fullmatch(column) or not (weights or column in _SURE_COLUMNS):
                continue
            slack = 8 if loose else 0
            same = one[column] == two[column] or (
                slack and abs(float(one[column]) - float(two[column])) <= slack
            )
            _check(
                bool(same),
                f"{name}, {key} {two[key]}: {column} is {one[column]} and not {two[column]}",
            )


def _points(folder: Path) -> dict[str, list[int]]:
    """Return the steps of each chart, from the event files: TensorBoard itself hides doubles."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    points: dict[str, list[int]] = {}
    for path in sorted((folder / "tensorboard").glob("events.*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                points.setdefault(value.tag, []).append(event.step)
    return points


def _compare_points(killed: dict[str, list[int]], whole: dict[str, list[int]]) -> None:
    for tag, steps in whole.items():
        here = killed.get(tag, [])
        twice = [step for step, count in Counter(here).items() if count > 1]
        _check(not twice, f"the chart {tag} has {twice} twice")
        if "games" not in tag:  # the first game may end sooner or later
            _check(sorted(here) == sorted(steps), f"the chart {tag} has {here} and not {steps}")


def _compare_weights(killed: Path, whole: Path) -> None:
    import numpy as np
    import tensorflow as tf

    from training.run_folder import RunFolder

    one, two = (
        tf.train.load_checkpoint(str(RunFolder(folder).checkpoint_paths()[-1] / "variables"))
        for folder in (killed, whole)
    )
    names = set(two.get_variable_to_shape_map())
    _check(names == set(one.get_variable_to_shape_map()), "the checkpoints hold other variables")
    for name in sorted(names - {"_CHECKPOINTABLE_OBJECT_GRAPH"}):
        same = np.array_equal(one.get_tensor(name), two.get_tensor(name))
        _check(same, f"{name.split('/.')[0]} differs from that of the run that was never killed")


def _check(is_kept: bool, promise: str) -> None:
    if not is_kept:
        raise LostError(promise)


def chaos(
    folder: Path, *, kills: int, iterations: int, seed: int, weights: bool, limit_sec: float
) -> Tally:
    """Kill runs in `folder`; return what was survived.

    Args:
      folder: where the runs are made, a folder each.
      kills: how many.
      iterations: of each run.
      seed: of the moments at which processes are killed.
      weights: whether all numbers are compared, or only those that the games do not decide.
      limit_sec: after this no process is killed any more.

    Raises:
      LostError: if something is lost, or there twice, or not as it should be.
    """
    generator, tally, began = random.Random(seed), Tally(), time.monotonic()
    start_sec = train(folder / "whole", iterations)
    while tally.kills < kills and time.monotonic() - began < limit_sec:
        killed = folder / f"killed-{tally.runs + 1}"
        per_run = min(kills - tally.kills, _MOST_KILLS_OF_A_RUN)
        kill_until_complete(
            killed, iterations, per_run, generator, tally,
            start_sec=start_sec, ends=began + limit_sec,
        )  # fmt: skip
        compare(killed, folder / "whole", weights=weights)
        tally.runs += 1
        print(f"{time.monotonic() - began:.0f} s: {tally}", flush=True)
    return tally


def main() -> int:
    """Parse the flags, kill, and say what was survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--iterations", type=int, default=60, help="of each run")
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills")
    parser.add_argument("--weights", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--limit_sec", type=float, default=1e9, help="no kill after this")
    parser.add_argument("--folder", type=Path, help="where the runs are left; default: nowhere")
    flags: Any = parser.parse_args()
    # Imported, and no more: the processes are forks, and TensorFlow's threads would not be in them.
    for module in ("evaluation.watch", "training.session"):
        importlib.import_module(module)

    with tempfile.TemporaryDirectory() as temporary:
        try:
            tally = chaos(
                flags.folder or Path(temporary),
                kills=flags.kills,
                iterations=flags.iterations,
                seed=flags.seed,
                weights=flags.weights,
                limit_sec=flags.limit_sec,
            )
        except LostError as error:
            print(f"lost: {error}", file=sys.stderr)
            return 1
    print(tally)
    return 0


if __name__ == "__main__":
    sys.exit(main())
