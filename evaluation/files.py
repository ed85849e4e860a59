"""Files: written so that they are the old one or the complete new one, read with suspicion."""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

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


def read_object(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Raises:
      OSError: if it cannot be read.
      ValueError: if it is no JSON, or no object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    return content


def checksum(path: Path) -> int:
    """Return the CRC-32 of a file, which tells damage, not malice.

    Raises:
      OSError: if it cannot be read.
    """
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return value


def check_checksums(folder: Path, expected: Any) -> None:
    """Compare files in a folder with their checksums, as they stand in a JSON file.

    Args:
      folder: they are in it, or below.
      expected: CRC-32 by name, with / between folders.

    Raises:
      OSError: if one cannot be read.
      ValueError: if one does not match, if a name leads out of the folder, or if `expected` is no
        such mapping.
    """
    if not isinstance(expected, dict):
        raise ValueError("its checksums are no object")
    for name, value in expected.items():
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or name.startswith("/") or "\0" in name:
            raise ValueError(f"{name!r} is no file in its folder")
        if checksum(folder / name) != value:
            raise ValueError(f"{name} does not match its checksum")


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.unfinished")
