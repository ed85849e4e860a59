"""TensorBoard's event files: as long as a checkpoint knows them, once a run is resumed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from replay.durable import sync

_PATTERN = "events.out.tfevents.*"


class EventFiles:
    """The event files of a run: one of each session, to which that session alone appends.

    Args:
      folder: `tensorboard/` in the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sync(self) -> dict[str, int]:
        """Wait until the disk has them; return their lengths in bytes, by `tensorboard/NAME`."""
        lengths = {}
        for path in sorted(self._folder.glob(_PATTERN)):
            sync(path)
            lengths[self._name(path)] = path.stat().st_size
        if lengths:
            sync(self._folder)
        return lengths

    def cut_back(self, kept_bytes: Mapping[str, int]) -> None:
        """Take back the points behind a checkpoint, which will be drawn again.

        Args:
          kept_bytes: what `sync` returned then; where it names no event file, as in checkpoints of
            older programs, all points stay.
        """
        if not any(name.startswith(f"{self._folder.name}/") for name in kept_bytes):
            return
        for path in [*self._folder.glob(_PATTERN)]:
            length = kept_bytes.get(self._name(path), 0)
            if not length:
                path.unlink()
            elif path.stat().st_size > length:
                os.truncate(path, length)

    def _name(self, path: Path) -> str:
        return f"{self._folder.name}/{path.name}"
