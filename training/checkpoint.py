"""Checkpoints of DQN: everything that a resume needs, the replay among it.

checkpoints/000005000/variables.*      weights, target, optimizer slots, counters, exploration
checkpoints/000005000/games.npz        what the games in play have played; see envs/plays.py
checkpoints/000005000/priorities.npz   of prioritized replay; they change all the time
checkpoints/000005000/state.json       the rest, with the checksums of these
replay/rows-*.npz                      the replay's rows, each written once, most of them while
                                       training goes on (replay/segments.py)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from replay.prioritized_ring import PrioritizedRing
from replay.segments import SegmentError, SegmentStore
from training import checkpoint_state
from training.checkpoint_folder import CheckpointFolder, TornCheckpointError
from training.parts import Parts
from training.run_folder import RunFolder

__all__ = ["Checkpoints", "TornCheckpointError"]

_PRIORITIES = "priorities.npz"


class Checkpoints(CheckpointFolder):
    """Writes and reads the checkpoints of a run, and the rows of its replay.

    Args:
      folder: of the run.
      parts: whose state is kept.
    """

    def __init__(self, folder: RunFolder, parts: Parts) -> None:
        super().__init__(folder, parts.config, parts.variables, parts.env)
        self._segments = SegmentStore(folder.replay)
        self._ring = parts.replay.ring

    def write_ahead(self) -> None:
        """Begin to write what the next checkpoint would have to; training goes on meanwhile.

        Raises:
          OSError: if there was no room for what this began to write before.
        """
        self._segments.write_ahead(self._ring)

    def _write_more(self, temporary: Path) -> dict[str, Any]:
        if isinstance(self._ring, PrioritizedRing):
            np.savez(temporary / _PRIORITIES, **self._ring.priority_state())
        return {
            "replay_rows": self._segments.save(self._ring),
            "replay_generator": self._ring.generator_state,
        }

    def _read_more(self, path: Path, body: Mapping[str, Any]) -> None:
        try:
            self._segments.load(self._ring, body["replay_rows"])
        except SegmentError as error:
            raise TornCheckpointError(str(error)) from error
        if isinstance(self._ring, PrioritizedRing):
            with np.load(path / _PRIORITIES, allow_pickle=False) as arrays:
                self._ring.put_priority_state(dict(arrays))
        self._ring.generator_state = body["replay_generator"]

    def _remove_old(self) -> None:
        super()._remove_old()
        needed: list[list[int]] = []
        try:
            for path in self._run.checkpoint_paths():
                needed += checkpoint_state.replay_rows(path)
            self._segments.remove_all_but(needed)
        except (OSError, ValueError, KeyError, TypeError):
            return  # a damaged one is left for restore to speak of; nothing is removed
