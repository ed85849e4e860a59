"""Ctrl-C, SIGTERM and SIGHUP ask for a clean stop; a second Ctrl-C does not wait for it.

Under `nohup` the process ignores SIGHUP, and goes on doing so.
"""

from __future__ import annotations

import signal
from types import FrameType

_ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # SIGHUP: the terminal was closed


class StopRequestedError(Exception):
    """Work that cannot be divided, as a game, was left because a stop was asked for."""


class StopSignal:
    """Remembers that the process was asked to stop; installed while it is entered.

    Attributes:
      number: of the signal that asked, None before.
    """

    def __init__(self) -> None:
        self.number: int | None = None

    @property
    def requested(self) -> bool:
        """Whether a stop was asked for."""
        return self.number is not None

    def __enter__(self) -> StopSignal:
        is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # nohup
        self._handlers = {
            number: signal.signal(number, self._handle)
            for number in _ASKING
            if number != signal.SIGHUP or not is_ignored
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def raise_if_requested(self) -> None:
        """Raise StopRequestedError if a stop was asked for."""
        if self.requested:
            raise StopRequestedError

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number
