"""Files of the replay's rows."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from .inputs import damaged
from .reader import FindingError, Reader


class Segments(Reader):
    """The replay's rows."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from replay.frame_ring import FrameRing
        from replay.segments import SegmentError, SegmentStore

        self.refusals = (SegmentError,)
        self.ring = self._new_ring(FrameRing)
        for row in range(8):
            self.ring.add(
                step_type=np.full(2, 1 if row else 0),
                observation=np.full((2, 2, 3, 4), row, np.uint8),
                action=np.array([1, 2]),
                next_step_type=np.full(2, 1),
                reward=np.array([row, -row], np.float32),
                discount=np.ones(2, np.float32),
            )
        self.segments = SegmentStore(folder).save(self.ring)
        (self.path,) = folder.glob("rows-*.npz")
        self.good = self.path.read_bytes()

    @staticmethod
    def _new_ring(kind: Any) -> Any:
        return kind(20, 2, seed=1, frame_shape=(2, 3), stack_size=4)

    def _forged(self) -> list[tuple[int, int, int]]:
        """Return segments whose identity is that of the damaged file."""
        from replay import row_file

        try:
            with zipfile.ZipFile(self.path) as archive:
                return [(0, 8, row_file._identity(archive))]
        except Exception:  # whatever zipfile throws at it, when it is read too
            return self.segments

    def feed(self, generator: random.Random) -> None:
        """See the class."""
        from replay.frame_ring import FrameRing
        from replay.segments import SegmentStore

        self.path.write_bytes(damaged(self.good, [self.good[::-1]], generator))
        segments = self.segments if generator.random() < 0.5 else self._forged()
        ring = self._new_ring(FrameRing)
        SegmentStore(self.folder).load(ring, segments)
        for one, two in zip(self.ring.rows(0, 8), ring.rows(0, 8), strict=True):
            if not np.array_equal(one, two):
                raise FindingError("other rows came back than were written")
