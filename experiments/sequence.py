"""The runs of an experiment, in order, each in a process of its own."""

from __future__ import annotations

import dataclasses
import enum
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from console.errors import UserError
from experiments.plan import PlannedRun
from experiments.run_state import State, state_of
from experiments.workers import Workers
from training.run_folder import RunFolder

PROGRAM = Path(__file__).parents[1] / "train.py"


class Ended(enum.Enum):
    """What a call did for one run."""

    DONE = "trained to the end"
    COMPLETE = "was complete before"
    FAILED = "ended with an error"
    LEFT = "not trained to the end, because a signal came"


class Outcome(NamedTuple):
    """What came of the runs of an experiment, each list in the order of the file.

    Attributes:
      done: trained to the end now.
      complete: were complete before.
      failed: ended with an error.
      left: not trained to the end, because a signal ended it all.
      signal_number: of that signal, None if there was none.
    """

    done: list[PlannedRun]
    complete: list[PlannedRun]
    failed: list[PlannedRun]
    left: list[PlannedRun]
    signal_number: int | None


def arguments(run: PlannedRun, state: State) -> list[str]:
    """Return the command line of train.py for `run`, without the interpreter."""
    here = Path.cwd()
    program = PROGRAM.relative_to(here) if PROGRAM.is_relative_to(here) else PROGRAM
    resume = ["--resume"] if state in (State.STOPPED, State.COMPLETE) else []
    settings = [f"--{name}={_flag_value(value)}" for name, value in run.settings.items()]
    return [str(program), f"--logdir={run.path}", *resume, f"--preset={run.preset}", *settings]


def _flag_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def shown_command(run: PlannedRun, state: State) -> str:
    """Return the command line as one would type it."""
    return shlex.join(["python", *arguments(run, state)])


def train_all(
    runs: Sequence[PlannedRun], say: Callable[[str], None], side_by_side: int = 1
) -> Outcome:
    """Train all runs that are not complete; go on after one that fails, not after a signal.

    Args:
      runs: in the order in which they are begun.
      say: is told each beginning and each failure, in a sentence, and with several runs side by
        side what each of them prints.
      side_by_side: so many at a time, each on its share of the cores.
    """
    with Workers(side_by_side) as workers:
        training = _Training(workers, say, len(runs), is_alone=side_by_side == 1)
        ended = workers.map(lambda numbered: training.ended(*numbered), enumerate(runs, 1))

    def those(how: Ended) -> list[PlannedRun]:
        return [run for run, its in zip(runs, ended, strict=True) if its is how]

    return Outcome(
        those(Ended.DONE),
        those(Ended.COMPLETE),
        those(Ended.FAILED),
        those(Ended.LEFT),
        workers.signal_number,
    )


@dataclasses.dataclass(frozen=True)
class _Training:
    """What the runs of one call have in common.

    Attributes:
      workers: do the work.
      say: see `train_all`.
      count: of the runs.
      is_alone: whether a run may print for itself, since no other runs beside it.
    """

    workers: Workers
    say: Callable[[str], None]
    count: int
    is_alone: bool

    def ended(self, number: int, run: PlannedRun) -> Ended:
        """Train a run, the `number`th, and return how it ended."""
        if self.workers.is_stopping():
            return Ended.LEFT
        title = f"run {number} of {self.count} ({run})"
        try:
            status = self._status(run, title)
        except UserError as error:
            self.say(f"{title} cannot be trained: {error}")
            return Ended.FAILED
        if status is None:
            return Ended.COMPLETE
        if status == 0:
            return Ended.DONE
        if self.workers.is_stopping():
            return Ended.LEFT
        self.say(f"{title} ended with {_meaning(status)}; the others go on")
        return Ended.FAILED

    def _status(self, run: PlannedRun, title: str) -> int | None:
        """Return the exit status of the training, None if there was nothing to do."""
        state = state_of(run)
        if state is State.COMPLETE:
            self.say(f"{title} is complete")
            return None
        if state is State.LOST:
            _remove(RunFolder(run.path))
            self.say(f"{title} was ended before its first checkpoint, and begins anew")
        self.say(f"{title}: {shown_command(run, state)}")
        command = [sys.executable, *arguments(run, state)]
        if self.is_alone:
            return self.workers.status_of(command)
        return self.workers.status_of(command, lambda line: self.say(f"{run}: {line}"))


def _remove(folder: RunFolder) -> None:
    """Remove a run's folder, under the lock that `folder` holds from `create` on.

    Raises:
      UserError: if another process trains in it.
    """
    folder.create()
    shutil.rmtree(folder.path)


def _meaning(status: int) -> str:
    return f"exit status {status}" if status > 0 else f"signal {-status}"
