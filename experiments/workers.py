"""Training processes side by side: each on cores of its own, all stopped by one signal."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from queue import SimpleQueue
from types import FrameType
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# What ends the training, by what was sent to this process.
_SENT_ON = {
    signal.SIGINT: signal.SIGINT,
    signal.SIGTERM: signal.SIGTERM,
    signal.SIGHUP: signal.SIGTERM,  # the terminal was closed
}


_WAKE_UP_SEC = 0.5


def core_groups(cores: Iterable[int], count: int) -> list[set[int]]:
    """Deal `cores` out to `count` processes: neighbours together, none twice if there are enough.

    With fewer cores than processes some processes share one.
    """
    ordered = sorted(cores)
    if len(ordered) < count:
        return [{ordered[index % len(ordered)]} for index in range(count)]
    bounds = [round(index * len(ordered) / count) for index in range(count + 1)]
    return [set(ordered[low:high]) for low, high in itertools.pairwise(bounds)]


class Workers:
    """So many processes at a time; what asks this one to stop is sent on to all of them.

    Used as a context: the handlers of signals are its own inside. Each process has a session of its
    own: Ctrl-C in a terminal goes to all processes of a session, and one that comes twice means to
    train.py that it must not wait for its checkpoint.

    Attributes:
      signal_number: of the last signal that asked for a stop, None if none has.
    """

    def __init__(self, count: int) -> None:
        self.signal_number: int | None = None
        self._count = count
        self._running: set[subprocess.Popen[bytes]] = set()
        self._untold: set[subprocess.Popen[bytes]] = set()  # those of them that were sent nothing

    def is_stopping(self) -> bool:
        """Whether a signal has asked for a stop."""
        return self.signal_number is not None

    def map(self, task: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
        """Call `task` with each item, begun in their order, `count` of them at a time.

        With more than one at a time each has its share of the cores that this process may use:
        small networks use two cores by two trainings far better than by one.
        """
        free_cores: SimpleQueue[set[int]] = SimpleQueue()
        if self._count > 1 and hasattr(os, "sched_setaffinity"):  # Linux
            for group in core_groups(os.sched_getaffinity(0), self._count):
                free_cores.put(group)

        def stay_on_own_cores() -> None:
            if not free_cores.empty():
                os.sched_setaffinity(0, free_cores.get())  # of this thread and what it starts

        with ThreadPoolExecutor(self._count, initializer=stay_on_own_cores) as threads:
            futures = [threads.submit(task, item) for item in items]
            # Not without end: a signal's handler waits for this thread to wake up.
            while wait(futures, timeout=_WAKE_UP_SEC).not_done:
                pass
            return [future.result() for future in futures]

    def status_of(self, command: Sequence[str], say: Callable[[str], None] | None = None) -> int:
        """Run a command to its end; return its exit status, negative for a signal's number.

        Args:
          command: and its arguments.
          say: is told each line that it prints; None leaves it this process's stdout and stderr.
        """
        piped = None if say is None else subprocess.PIPE
        with subprocess.Popen(
            command, start_new_session=True, stdout=piped, stderr=piped and subprocess.STDOUT
        ) as process:
            self._untold.add(process)
            self._running.add(process)
            if self.signal_number is not None:  # it came during the start
                self._tell_first(process)
            if process.stdout is not None and say is not None:
                for line in process.stdout:
                    say(line.decode(errors="replace").rstrip())
            status = process.wait()
            self._running.discard(process)
        return status

    def _tell_first(self, process: subprocess.Popen[bytes]) -> None:
        """Send the signal, unless the other thread that may do so was faster."""
        try:
            self._untold.remove(process)
        except KeyError:
            return
        self._tell(process)

    def _tell(self, process: subprocess.Popen[bytes]) -> None:
        assert self.signal_number is not None
        process.send_signal(_SENT_ON[signal.Signals(self.signal_number)])

    def __enter__(self) -> Workers:
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
        is_first = self.signal_number is None
        self.signal_number = number
        for process in list(self._running):
            if is_first:
                self._tell_first(process)
            else:
                self._tell(process)
