"""The replay on disk: files that each hold some rows and never change, for cheap checkpoints.

Rows are written while training goes on, a file as soon as there are enough for one:

    rows          0 ........ 9 10 ....... 19 20 ....... 29 30 .. 33
    written       by a thread, beside training            | with the checkpoint
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from replay import row_file
from replay.arrays import Rows
from replay.durable import make_folder
from replay.frame_ring import FrameRing

FILE_BYTES = 16 * 2**20
"""Of a file that is written ahead: what is left for the checkpoint is less than that."""

MACHINE_ERRNOS = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.EACCES,
        errno.EPERM,
        errno.ESTALE,
        errno.EIO,
        errno.ENOMEM,
    }
)
"""Of errors that say nothing of a file's content: it may be read well another time."""

_READERS = 4  # files read at once: while one is checked, the disk is read for another

Segment = tuple[int, int, int]
"""First row, row after the last, and the file's identity."""


class SegmentError(Exception):
    """A file of rows is missing or damaged; the message says which."""


class SegmentStore:
    """Keeps the rows of a ring in a folder.

    Args:
      folder: where the files are; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segments: list[Segment] = []
        self._saved_stop = 0  # rows before it are those of checkpoints
        self._writing: Future[Segment] | None = None

    def write_ahead(self, ring: FrameRing) -> None:
        """Begin to write the rows that are not on disk yet, if they fill a file.

        They are copied; the ring may go on. Nobody waits for a slow disk: while a file is being
        written no other is begun, and the next one is larger.

        Raises:
          OSError: if there was no room for those before; they will be written again.
        """
        if self._writing is None or self._writing.done():
            self._finish()
            self._remove_forgotten(ring)
            first, stop = self._unwritten(ring)
            if (stop - first) * ring.row_nbytes >= FILE_BYTES:
                self._writing = Future()
                work = (self._writing, first, ring.rows(first, stop))
                threading.Thread(target=self._write_beside, args=work, daemon=True).start()

    def save(self, ring: FrameRing) -> list[Segment]:
        """Write the rows that are not on disk yet.

        Returns:
          what holds the ring now, oldest first.

        Raises:
          OSError: if there is no room for them; what was there before stays.
        """
        self._finish()
        first, stop = self._unwritten(ring)
        if stop > first:
            self._segments.append(self._write(first, ring.rows(first, stop)))
        oldest = _oldest_row(ring)
        self._segments = [segment for segment in self._segments if segment[1] > oldest]
        self._saved_stop = ring.rows_added
        return list(self._segments)

    def _finish(self) -> None:
        """Wait for the file that is being written."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            self._segments.append(writing.result())

    def _remove_forgotten(self, ring: FrameRing) -> None:
        """Remove files whose rows the ring has forgotten before a checkpoint could name them."""
        oldest = _oldest_row(ring)
        for segment in [*self._segments]:
            if segment[0] >= self._saved_stop and segment[1] <= oldest:
                self._path(*segment[:2]).unlink(missing_ok=True)
                self._segments.remove(segment)

    def _unwritten(self, ring: FrameRing) -> tuple[int, int]:
        written = self._segments[-1][1] if self._segments else 0
        return max(written, _oldest_row(ring)), ring.rows_added

    def _write_beside(self, writing: Future[Segment], first: int, rows: Rows) -> None:
        """Do what a ThreadPoolExecutor would, whose thread a second Ctrl-C has to wait for."""
        try:
            writing.set_result(self._write(first, rows))
        except BaseException as error:  # is told by `_finish`
            writing.set_exception(error)

    def _write(self, first: int, rows: Rows) -> Segment:
        stop = first + len(rows.frame)
        make_folder(self._folder)
        return first, stop, row_file.write(self._path(first, stop), rows)

    def load(self, ring: FrameRing, segments: Sequence[Sequence[int]]) -> None:
        """Fill the ring from what `save` returned.

        Raises:
          SegmentError: if a file is missing, damaged, or does not fit the ring; then it is empty.
          OSError: with one of MACHINE_ERRNOS, if a file that may be whole could not be read.
        """
        ring.clear()
        kept: list[Segment] = []
        for segment in segments:
            kept.append(checked_segment(segment, kept))
        if kept:
            stop = kept[-1][1]
            with ThreadPoolExecutor(_READERS) as threads:  # a failure calls off those to come
                list(threads.map(lambda segment: self._read(ring, segment, stop), kept))
            ring.take_back(kept[0][0], stop)
        self._segments = kept
        self._saved_stop = ring.rows_added

    def _read(self, ring: FrameRing, segment: Segment, ring_stop: int) -> None:
        first, stop, identity = segment
        path = self._path(first, stop)
        try:
            if path.stat().st_size < (stop - first) * ring.row_nbytes:  # before memory is taken
                raise ValueError("it is too short for its rows")
            pieces = ring.places(first, stop, ring_stop)
            row_file.read_into(pieces, path, identity)
        except MemoryError:
            raise  # which no damage brings about
        except Exception as error:  # whatever zipfile, zlib and numpy throw at a damaged file
            if isinstance(error, OSError) and error.errno in MACHINE_ERRNOS:
                raise
            raise SegmentError(f"{path} is missing or damaged ({error})") from error

    def remove_all_but(self, needed: Sequence[Sequence[int]]) -> None:
        """Remove the files that no kept checkpoint needs, and those that were never finished.

        Not to be called between `write_ahead` and `save`.
        """
        keep = {self._path(*segment[:2]).name for segment in needed}
        for pattern in ("rows-*.npz", ".rows-*.npz"):
            for path in self._folder.glob(pattern):
                if path.name not in keep:
                    path.unlink()

    def _path(self, first: int, stop: int) -> Path:
        return self._folder / f"rows-{first:012d}-{stop:012d}.npz"


def _oldest_row(ring: FrameRing) -> int:
    """Return the first row that is needed: stacks reach behind the oldest that is kept."""
    return max(0, ring.oldest_row - ring.stack_size + 1)


def checked_segment(segment: Sequence[int], before: Sequence[Sequence[int]]) -> Segment:
    """Return a segment that is one, and that begins where the one before it ends.

    Raises:
      SegmentError: if it is not.
    """
    if (
        not isinstance(segment, list | tuple)
        or len(segment) != 3
        or any(type(number) is not int for number in segment)
        or not 0 <= segment[0] < segment[1]
        or (before and segment[0] != before[-1][1])
    ):
        raise SegmentError(f"there are no replay rows {segment!r}")
    first, stop, identity = segment
    return first, stop, identity
