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


class CsvLog:
    """A CSV file that only grows, and that a resume cuts back to a checkpoint's length.

    Args:
      path: of the file.
      columns: its header.
      kept_bytes: length at the checkpoint that is resumed; 0: begin anew.
    """

    def __init__(self, path: Path, columns: Sequence[str], kept_bytes: int = 0) -> None:
        if kept_bytes and (not path.exists() or path.stat().st_size < kept_bytes):
            raise UserError(f"{path} is shorter than its checkpoint knows it; restore the file")
        self._columns = columns
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
        """
        line = io.StringIO()
        csv.DictWriter(line, self._columns, lineterminator="\n").writerow(row)
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
