"""Output files that are either the old one or the complete new one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from console.errors import UserError


@contextlib.contextmanager
def replaced_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write, which takes the place of `path` when the block ends without error.

    Raises:
      OSError: if the file cannot be written.
    """
    unfinished = _unfinished(path)
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def check_writable(path: Path, name: str) -> None:
    """Raise UserError, one sentence, if `replaced_file(path)` would fail.

    Args:
      path: the file to be written.
      name: what the user calls it, as `--gif`.
    """
    # Permissions alone do not tell: a folder may be on a file system that is read-only or full.
    try:
        if not path.parent.is_dir():
            raise UserError(f"{name} {path}: there is no folder {path.parent}; make it first")
        if path.is_dir():
            raise UserError(f"{name} {path} is a folder; name a file in it")
        unfinished = _unfinished(path)
        unfinished.touch()
        unfinished.unlink()
    except OSError as error:
        raise UserError(
            f"{name} {path} cannot be written ({error.strerror}); name another file"
        ) from None


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.unfinished")
