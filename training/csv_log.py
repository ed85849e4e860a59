"""CSV files that only grow, whole row by whole row."""

from __future__ import annotations

import contextlib
import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from console.errors import UserError


def check(path: Path, kept_bytes: int) -> None:
    """Raise UserError if a CSV file is shorter than at its checkpoint, or has no header."""
    if kept_bytes and (not path.exists() or path.stat().st_size < kept_bytes):
        raise UserError(f"{path} is shorter than its checkpoint knows it; restore the file")
    if kept_bytes:
        _header_of(path)


def check_all(folder: Path, kept_bytes: Mapping[str, int]) -> None:
    """Raise UserError if a CSV file is not what its checkpoint knows; nothing is changed."""
    for name, length in kept_bytes.items():
        if name.endswith(".csv"):
            check(folder / name, length)


class CsvLog:
    """A CSV file that only grows, and that a resume cuts back to a checkpoint's length.

    A file that an older program began keeps its header, and rows what that names: written anew it
    would no longer have the lengths that its checkpoints know.

    Args:
      path: of the file.
      columns: its header.
      kept_bytes: length at the checkpoint that is resumed; 0: begin anew.

    Raises:
      UserError: if the file is shorter than that, or has no header.
    """

    def __init__(self, path: Path, columns: Sequence[str], kept_bytes: int = 0) -> None:
        check(path, kept_bytes)
        self._columns = set(columns)
        self._header = _header_of(path) if kept_bytes else list(columns)
        # Without a buffer: a row that found no room is not tried again when the file is closed.
        self._file = path.open("ab", buffering=0)
        if self.size_bytes > kept_bytes:
            self._file.truncate(kept_bytes)
        if not kept_bytes:
            self.write({name: name for name in columns})

    def write(self, row: Mapping[str, Any]) -> None:
        """Append a row and give it to the operating system; absent columns stay empty.

        Raises:
          OSError: if there is no room for all of it; then nothing of it stays.
          ValueError: if a name is none of the columns.
        """
        older = self._columns.difference(self._header)
        known = {name: value for name, value in row.items() if name not in older}
        line = io.StringIO()
        csv.DictWriter(line, self._header, lineterminator="\n").writerow(known)
        left, before = line.getvalue().encode(), self.size_bytes
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            with contextlib.suppress(OSError):  # the first error is the one to be told
                self._file.truncate(before)
            raise

    def sync(self) -> None:
        """Wait until the disk has all rows."""
        os.fsync(self._file.fileno())

    @property
    def size_bytes(self) -> int:
        """The length of the file."""
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _header_of(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        header = next(csv.reader(file), [])
    if "" in header or not header:
        raise UserError(f"{path} has no header; restore the file")
    return header
