"""The replay on disk: files that each hold some rows and never change, for cheap checkpoints.

A checkpoint writes only the rows added since the last one. Each file is an uncompressed zip of
arrays, whose checksums are verified whenever it is read; nothing in it is pickled.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from replay.arrays import Rows
from replay.frame_ring import FrameRing
from replay.frame_store import LAST

_FORMAT: Any = np.lib.format  # numpy gives it no types


class SegmentError(Exception):
    """A file of rows is missing or damaged; the message says which."""


class SegmentStore:
    """Keeps the rows of a ring in a folder.

    Args:
      folder: where the files are; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segments: list[tuple[int, ...]] = []

    def save(self, ring: FrameRing) -> list[tuple[int, ...]]:
        """Write the rows that are not on disk yet.

        Returns:
          what holds the ring now: (first row, row after the last, a number that tells this file
          from another of the same rows) of each file, oldest first.

        Raises:
          OSError: if there is no room for them; what was there before stays.
        """
        oldest = max(0, ring.oldest_row - ring.stack_size + 1)
        saved = self._segments[-1][1] if self._segments else 0
        first, stop = max(saved, oldest), ring.rows_added
        if stop > first:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._path(first, stop)
            temporary = path.with_name(f".{path.name}")
            try:
                with temporary.open("wb") as file:
                    np.savez(file, **ring.rows(first, stop)._asdict())
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            _sync_names(self._folder)
            self._segments.append((first, stop, _identity(path)))
        self._segments = [segment for segment in self._segments if segment[1] > oldest]
        return list(self._segments)

    def load(self, ring: FrameRing, segments: Sequence[Sequence[int]]) -> None:
        """Fill the ring from what `save` returned.

        Raises:
          SegmentError: if a file is missing, damaged, or does not fit the ring.
        """
        ring.clear()
        kept: list[tuple[int, ...]] = []
        for segment in segments:
            first, stop, *identity = checked_segment(segment, kept)
            path = self._path(first, stop)
            try:
                if identity and [_identity(path)] != identity:
                    raise ValueError("it is not the file that the checkpoint was written with")
                ring.put_rows(first, _read(path, stop - first))
            except MemoryError:
                raise  # which no damage brings about: see _read
            except Exception as error:  # whatever zipfile, zlib and numpy throw at a damaged file
                raise SegmentError(f"{path} is missing or damaged ({error})") from error
            kept.append((first, stop, *identity))
        self._segments = kept

    def remove_all_but(self, needed: Sequence[Sequence[int]]) -> None:
        """Remove the files that no kept checkpoint needs, and those that were never finished."""
        keep = {self._path(*segment[:2]).name for segment in needed}
        for pattern in ("rows-*.npz", ".rows-*.npz"):
            for path in self._folder.glob(pattern):
                if path.name not in keep:
                    path.unlink()

    def _path(self, first: int, stop: int) -> Path:
        return self._folder / f"rows-{first:012d}-{stop:012d}.npz"


def checked_segment(segment: Sequence[int], before: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Return a segment that is one, and that begins where the one before it ends.

    Raises:
      SegmentError: if it is not.
    """
    if (
        not isinstance(segment, list | tuple)
        or len(segment) not in (2, 3)
        or any(type(number) is not int for number in segment)
        or not 0 <= segment[0] < segment[1]
        or (before and segment[0] != before[-1][1])
    ):
        raise SegmentError(f"there are no replay rows {segment!r}")
    return tuple(segment)


def _read(path: Path, count: int) -> Rows:
    """Return the rows of a file; raise one of many exceptions if it is damaged."""
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        if archive.namelist() != [f"{name}.npy" for name in Rows._fields]:
            raise ValueError("it holds other arrays")
        for name in Rows._fields:
            # A damaged header may ask for more memory than there is: look before it is taken.
            with archive.open(f"{name}.npy") as file:
                version = _FORMAT.read_magic(file)
                read_header = getattr(_FORMAT, f"read_array_header_{version[0]}_0")
                shape, _, dtype = read_header(file)
            if dtype.hasobject or dtype.itemsize * np.prod(shape, dtype=float) > size:
                raise ValueError(f"its {name} cannot be {dtype} {shape}")
    with np.load(path, allow_pickle=False) as arrays:
        rows = Rows(*(arrays[name] for name in Rows._fields))
    if len(rows.frame) != count:
        raise ValueError(f"it holds {len(rows.frame)} rows")
    if rows.step_type.max() > LAST or rows.next_step_type.max() > LAST:
        raise ValueError("it holds a step type that there is not")
    return rows


def _identity(path: Path) -> int:
    """Return a checksum of the checksums of the arrays in a file, which stand in its directory."""
    with zipfile.ZipFile(path) as archive:
        text = repr([(info.filename, info.CRC) for info in archive.infolist()])
    return zlib.crc32(text.encode())


def _sync_names(folder: Path) -> None:
    """Wait until the disk has the names of the files in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
