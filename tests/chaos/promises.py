"""What a test of this folder holds a run to."""

from __future__ import annotations


class LostError(AssertionError):
    """A promise was not kept; the message says which."""


def check(is_kept: bool, promise: str) -> None:
    """Raise LostError unless a promise is kept."""
    if not is_kept:
        raise LostError(promise)
