"""A first argument without a name, in a program that knows only flags."""

from __future__ import annotations

from collections.abc import Sequence


def named_first_argument(argv: Sequence[str], flag: str) -> list[str]:
    """Return `argv` with its first argument, if it is no flag, as the value of `flag`."""
    if len(argv) > 1 and not argv[1].startswith("-"):
        return [argv[0], f"--{flag}={argv[1]}", *argv[2:]]
    return list(argv)
