"""train.py in forks of one process, which has imported TensorFlow and done nothing with it.

So a run costs the second that a start takes, and not the five of the imports.
"""

from __future__ import annotations

import importlib
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from replay import segments

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
ROOT = Path(__file__).parents[2]
POLL_SEC = 0.005
_ROW_FILE_BYTES = 30_000  # two rows: kills are to meet rows that are written ahead, too


def import_once() -> None:
    """Import what the forks need, and no more: TensorFlow's threads would not be in them."""
    for module in ("evaluation.watch", "training.session"):
        importlib.import_module(module)


class Process:
    """A fork of this process that runs train.py.

    Args:
      folder: of the run; what it says goes to said.txt beside it.
      arguments: of train.py.
      before: is called in the fork, before train.py begins.
    """

    def __init__(
        self, folder: Path, arguments: list[str], before: Callable[[], None] = lambda: None
    ) -> None:
        self._said = folder.with_name("said.txt")
        self._said.unlink(missing_ok=True)  # what the one before it said
        self._status: int | None = None
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            _be_train_py(self._said, arguments, before)

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
            time.sleep(POLL_SEC)
        return self._look()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it has not ended by itself."""
        if not self.has_ended():
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it, without a word."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def said(self) -> str:
        """Return what it has printed so far."""
        return self._said.read_text(errors="replace") if self._said.exists() else ""


def _be_train_py(said: Path, arguments: list[str], before: Callable[[], None]) -> None:
    """Run train.py and end this process."""
    status = 1
    try:
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        segments.FILE_BYTES = _ROW_FILE_BYTES
        before()
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
