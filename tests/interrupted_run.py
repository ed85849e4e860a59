"""Interrupts a run of train.py in each way but SIGKILL, and another not at all.

`python tests/interrupted_run.py FOLDER` prints a list of JSON: what each process was, its exit
status, what it said, and the iteration of the newest checkpoint behind it. The runs are
FOLDER/interrupted and FOLDER/whole. Each process is a fork of this one.
"""

from __future__ import annotations

import functools
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
from chaos.forked_run import POLL_SEC, Process, import_once, newest_checkpoint, unfinished
from read_only import allow_writing, forbid_writing

_LIMIT_SEC = 600.0
_SETTINGS = {
    "game": "grid",
    "agent": "dqn",
    "deterministic": "true",
    "num_envs": 2,
    "batch_size": 4,
    "initial_collect_steps": 2_100,  # two stretches of random play
    "replay_capacity": 200,
    "max_agent_steps_per_game": 30,
    "iterations": 300,
    "log_period": 50,
    "checkpoint_period": 10_000,
    "eval_period": 300,
    "eval_games": 1,
}
_NEW = [f"--{name}={value}" for name, value in _SETTINGS.items()]


def _a_game_that_fails() -> None:
    """Let the games fail in the fifth step of this process, on whatever thread plays them."""
    from training.time_spent import TimedEnvironment

    step, steps = TimedEnvironment._step, iter(range(1_000_000))

    def failing(env: TimedEnvironment, action: np.ndarray) -> object:
        if next(steps) == 4:
            raise RuntimeError("the emulator died")
        return step(env, action)

    mock.patch.object(TimedEnvironment, "_step", failing).start()


def _a_slow_disk() -> None:
    """Let the files of a checkpoint, and those of rows, take ten minutes to reach the disk."""

    def slowly(*_: object) -> None:
        time.sleep(_LIMIT_SEC)

    mock.patch("training.checkpoint_folder.sync_tree", slowly).start()
    mock.patch("replay.row_file.write", slowly).start()
    mock.patch("replay.segments.FILE_BYTES", 1).start()  # a thread writes some of them


def _a_full_disk(folder: Path) -> None:
    """Let games.csv be a file that takes nothing."""
    folder.mkdir()
    (folder / "games.csv").symlink_to("/dev/full")


class _Chain:
    """Processes, one after another.

    Attributes:
      told: of each, what is printed at the end; `ending_sec` is from its last signal to its end.
    """

    def __init__(self) -> None:
        self.told: list[dict[str, object]] = []

    def process(
        self,
        name: str,
        run: Path,
        arguments: list[str],
        interrupt: Callable[[Process], None] = lambda _: None,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """Start a process, interrupt it, and wait for its end."""
        process = Process(run, [f"--logdir={run}", *arguments], before)
        interrupt(process)
        interrupted = time.monotonic()
        status = process.wait(_LIMIT_SEC)
        ending_sec = time.monotonic() - interrupted
        if status is None:
            process.kill()
        said, newest = process.said(), newest_checkpoint(run)
        self.told.append(
            {
                "name": name,
                "status": status,
                "said": said,
                "newest": newest,
                "ending_sec": ending_sec,
            }
        )


def _wait(process: Process, until: Callable[[], bool]) -> None:
    """Wait until something is seen, or the process has ended."""
    ends = time.monotonic() + _LIMIT_SEC
    while time.monotonic() < ends and not process.has_ended() and not until():
        time.sleep(POLL_SEC)


def _when_said(number: signal.Signals, line: str) -> Callable[[Process], None]:
    def interrupt(process: Process) -> None:
        _wait(process, lambda: line in process.said())
        process.send(number)

    return interrupt


def _ctrl_c_twice(run: Path, process: Process) -> None:
    _when_said(signal.SIGINT, "resuming at")(process)
    _wait(process, lambda: unfinished(run))  # the first is heard, and its checkpoint written
    process.send(signal.SIGINT)


def main(folder: Path) -> None:
    """Let all processes run, in `folder`."""
    run, chain, resume = folder / "interrupted", _Chain(), ["--resume"]
    import_once()
    chain.process("SIGTERM", run, _NEW, _when_said(signal.SIGTERM, "training: "))
    chain.process("SIGHUP", run, resume, _when_said(signal.SIGHUP, "iteration 50 of"))
    chain.process("Ctrl-C twice", run, resume, functools.partial(_ctrl_c_twice, run), _a_slow_disk)
    before = sorted(run.rglob("*"))
    chain.process("read-only", run, resume, before=functools.partial(forbid_writing, run))
    allow_writing(run)
    chain.told[-1]["is_unchanged"] = sorted(run.rglob("*")) == before
    chain.process("failing game", run, resume, before=_a_game_that_fails)
    chain.process("the rest", run, resume)
    chain.process("whole", folder / "whole", _NEW)
    _a_full_disk(folder / "full")
    chain.process("full disk", folder / "full", _NEW)
    print(json.dumps(chain.told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
