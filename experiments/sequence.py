"""The runs of an experiment, one after another, each in a process of its own."""

from __future__ import annotations

import csv
import enum
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from console.errors import UserError
from experiments.plan import PlannedRun
from training.run_folder import RunFolder, resumed_config

PROGRAM = Path(__file__).parents[1] / "train.py"

# What ends the training, by what was sent to this process.
_SENT_ON = {
    signal.SIGINT: signal.SIGINT,
    signal.SIGTERM: signal.SIGTERM,
    signal.SIGHUP: signal.SIGTERM,  # the terminal was closed
}


class State(enum.Enum):
    """How far a run has come."""

    NEW = "new"
    LOST = "lost"  # ended before its first checkpoint: nothing of it can be resumed
    STOPPED = "stopped"
    COMPLETE = "complete"


class Outcome(NamedTuple):
    """What came of a sequence of runs.

    Attributes:
      done: trained to the end now.
      complete: were complete before.
      failed: ended with an error.
      left: not trained to the end, because a signal ended the sequence.
      signal_number: of that signal, None if there was none.
    """

    done: list[PlannedRun]
    complete: list[PlannedRun]
    failed: list[PlannedRun]
    left: list[PlannedRun]
    signal_number: int | None


def state_of(run: PlannedRun) -> State:
    """Return how far `run` has come.

    Raises:
      UserError: if its folder holds a run with other numbers, or a broken one.
    """
    folder = RunFolder(run.path)
    if not folder.exists:
        return State.NEW
    saved, preset = folder.read_config()
    has_checkpoint = bool(folder.checkpoint_paths())
    done = folder.iterations_done() if has_checkpoint else 0
    if preset != run.preset:
        raise UserError(
            f"the run in {run.path} was started with preset {preset}, and the file says "
            f"{run.preset}; name another out_dir"
        )
    try:
        resumed_config(saved, run.config.to_dict(), done)
    except UserError as error:
        raise UserError(f"{run.path}: {error}") from error
    if not has_checkpoint:
        return _state_without_checkpoint(run, folder)
    if done < run.config.iterations or not _is_evaluated(run):
        return State.STOPPED
    return State.COMPLETE


def _state_without_checkpoint(run: PlannedRun, folder: RunFolder) -> State:
    """Tell a run that was ended early from one whose checkpoints were removed to save room."""
    if _last_iteration(run, "metrics.csv") >= run.config.iterations and _is_evaluated(run):
        return State.COMPLETE  # its curves are whole: never remove them
    was_exported = (folder.policies / "last").exists()  # with each checkpoint
    was_trained_here = (folder.path / ".lock").exists()  # a copy by experiments.report has none
    if was_trained_here and not was_exported:
        return State.LOST
    raise UserError(
        f"the run in {run.path} is not complete, and its checkpoints are gone; name another "
        "out_dir, or move that folder away"
    )


def _is_evaluated(run: PlannedRun) -> bool:
    """Whether the evaluation at the end was not cut short."""
    iterations = run.config.iterations
    return not run.config.eval_period or _last_iteration(run, "evaluations.csv") >= iterations


def _last_iteration(run: PlannedRun, name: str) -> int:
    """Return the iteration of the last row of a CSV file, 0 if there is none."""
    try:
        with (run.path / name).open(newline="") as file:
            return max((int(row["iteration"]) for row in csv.DictReader(file)), default=0)
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return 0


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


def train_all(runs: Sequence[PlannedRun], say: Callable[[str], None]) -> Outcome:
    """Train all runs that are not complete; go on after one that fails, not after a signal.

    Args:
      runs: in the order in which they are trained.
      say: is told each beginning and each failure, in a sentence.
    """
    outcome = Outcome([], [], [], [], None)
    with _SignalsSentOn() as signals:
        for number, run in enumerate(runs, 1):
            if signals.ask_to_stop():
                outcome.left.append(run)
                continue
            title = f"run {number} of {len(runs)} ({run})"
            try:
                status = _train(run, title, signals, say)
            except UserError as error:
                say(f"{title} cannot be trained: {error}")
                outcome.failed.append(run)
                continue
            if status is None:
                outcome.complete.append(run)
            elif status == 0:
                outcome.done.append(run)
            elif signals.ask_to_stop():
                outcome.left.append(run)
            else:
                say(f"{title} ended with {_meaning(status)}; the others go on")
                outcome.failed.append(run)
    return outcome._replace(signal_number=signals.number)


def _train(
    run: PlannedRun, title: str, signals: _SignalsSentOn, say: Callable[[str], None]
) -> int | None:
    """Return the exit status of the training, None if there was nothing to do."""
    state = state_of(run)
    if state is State.COMPLETE:
        say(f"{title} is complete")
        return None
    if state is State.LOST:
        RunFolder(run.path).create()  # raises UserError if another process trains in it
        shutil.rmtree(run.path)
        say(f"{title} was ended before its first checkpoint, and begins anew")
    say(f"{title}: {shown_command(run, state)}")
    return signals.status_of([sys.executable, *arguments(run, state)])


def _meaning(status: int) -> str:
    return f"exit status {status}" if status > 0 else f"signal {-status}"


class _SignalsSentOn:
    """Sends the signals that ask for a stop on to the training process.

    The process has a session of its own: Ctrl-C in a terminal goes to all processes of a session,
    and one that comes twice means to train.py that it must not wait for its checkpoint.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._is_sent = False
        self._process: subprocess.Popen[bytes] | None = None

    def ask_to_stop(self) -> bool:
        """Whether one has come."""
        return self.number is not None

    def status_of(self, command: Sequence[str]) -> int:
        """Run a command to its end; return its exit status, negative for a signal's number."""
        with subprocess.Popen(command, start_new_session=True) as process:
            self._process = process
            if self.number is not None and not self._is_sent:  # it came during the start
                process.send_signal(_SENT_ON[signal.Signals(self.number)])
            status = process.wait()
        self._process = None
        return status

    def __enter__(self) -> _SignalsSentOn:
        self._handlers = {
            number: signal.signal(number, self._handle)
            for number in _SENT_ON
            if signal.getsignal(number) is not signal.SIG_IGN  # nohup
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        self.number = number
        if self._process is not None:
            self._is_sent = True
            self._process.send_signal(_SENT_ON[signal.Signals(number)])
