"""Kills runs at random moments, and sees that the next process resumes where it must."""

from __future__ import annotations

import dataclasses
import random
import re
import shutil
import time
from pathlib import Path

from .comparison import compare
from .forked_run import POLL_SEC, Process, newest_checkpoint, unfinished
from .promises import check

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
_MOST_KILLS_OF_A_RUN = 10


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


def train(folder: Path, iterations: int) -> float:
    """Train a run to its end, without a kill; return the seconds to its first checkpoint."""
    began = time.monotonic()
    process = Process(folder, _arguments(folder, iterations))
    _wait_for_change(process, folder, -1, _PROCESS_LIMIT_SEC)
    start_sec = time.monotonic() - began
    status = process.wait(_PROCESS_LIMIT_SEC)
    check(status == 0, f"the run ended with {status}: {process.said()}")
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
        check(after >= before, f"checkpoint {before} is lost, {after} is the newest: {said}")
        tally.anew += status is None and after < 0
        if status is not None:
            check(status == 0, f"the run ended with {status}: {said}")
            return


def _wait_for_change(process: Process, folder: Path, before: int, limit_sec: float) -> None:
    """Wait until the process has written a checkpoint, or a while, or until it has ended."""
    ends = time.monotonic() + limit_sec
    while time.monotonic() < ends and newest_checkpoint(folder) <= before:
        if process.has_ended():
            return
        time.sleep(POLL_SEC)


def _check_beginning(said: str, before: int, tally: Tally) -> None:
    """See that a process resumed where the one before it had left its last checkpoint."""
    check("torn" not in said, f"a checkpoint is torn: {said}")
    check("Traceback" not in said, f"a process ended with a traceback: {said}")
    resumed = re.search(r"^(?:resuming at iteration ([\d,]+)|training): ", said, re.M)
    if resumed is None:  # killed before it said anything
        return
    at = int((resumed[1] or "0").replace(",", ""))
    check(at == max(0, before), f"resumed at {at} and not at {before}: {said}")
    tally.resumes += resumed[1] is not None


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
