"""The replay on disk: files that each hold some rows and never change, for cheap checkpoints.

A checkpoint writes only the rows added since the last one. Each file is an uncompressed zip of
arrays, whose checksums are verified whenever it is read; nothing in it is pickled.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from replay.arrays import Rows
from replay.frame_ring import FrameRing


class SegmentError(Exception):
    """A file of rows is missing or damaged; the message says which."""


class SegmentStore:
    """Keeps the rows of a ring in a folder.

    Args:
      folder: where the files are; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segments: list[tuple[int, int]] = []

    def save(self, ring: FrameRing) -> list[tuple[int, int]]:
        """Write the rows that are not on disk yet.

        Returns:
          what holds the ring now: (first row, row after the last) of each file, oldest first.
        """
        oldest = max(0, ring.oldest_row - ring.stack_size + 1)
        saved = self._segments[-1][1] if self._segments else 0
        first, stop = max(saved, oldest), ring.rows_added
        if stop > first:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._path(first, stop)
            temporary = path.with_name(f".{path.name}")
            with temporary.open("wb") as file:
                np.savez(file, **ring.rows(first, stop)._asdict())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            self._segments.append((first, stop))
        self._segments = [segment for segment in self._segments if segment[1] > oldest]
        return list(self._segments)

    def load(self, ring: FrameRing, segments: Sequence[Sequence[int]]) -> None:
        """Fill the ring from what `save` returned.

        Raises:
          SegmentError: if a file is missing, damaged, or does not fit the ring.
        """
        ring.clear()
        for first, stop in segments:
            path = self._path(first, stop)
            try:
                with np.load(path, allow_pickle=False) as arrays:
                    rows = Rows(*(arrays[name] for name in Rows._fields))
                if len(rows.frame) != stop - first:
                    raise ValueError(f"it holds {len(rows.frame)} rows")
                ring.put_rows(first, rows)
            except (
                OSError,
                ValueError,
                KeyError,
                EOFError,
                RuntimeError,  # a damaged zip may say that it is encrypted
                zipfile.BadZipFile,
            ) as error:
                raise SegmentError(f"{path} is missing or damaged ({error})") from error
        self._segments = [(first, stop) for first, stop in segments]

    def remove_all_but(self, needed: Sequence[Sequence[int]]) -> None:
        """Remove the files that no kept checkpoint needs, and those that were never finished."""
        keep = {self._path(first, stop).name for first, stop in needed}
        for pattern in ("rows-*.npz", ".rows-*.npz"):
            for path in self._folder.glob(pattern):
                if path.name not in keep:
                    path.unlink()

    def _path(self, first: int, stop: int) -> Path:
        return self._folder / f"rows-{first:012d}-{stop:012d}.npz"
