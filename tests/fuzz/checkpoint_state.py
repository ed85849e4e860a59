"""A checkpoint's state.json."""

from __future__ import annotations

import json
import random
import zlib
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from configs import Config
from console.errors import UserError

from .inputs import damaged, forged
from .reader import Reader


class CheckpointState(Reader):
    """state.json of a checkpoint, its checksums made right again or not."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from training import checkpoint_state

        self.path = folder / "000000005"
        self.path.mkdir()
        variables = b"variables" * 20
        (self.path / "variables.index").write_bytes(variables)
        self.body = {
            "format": checkpoint_state.FORMAT,
            "iteration": 5,
            "config": Config().to_dict(),
            "versions": {"tensorflow": "2.15.1"},
            "replay_rows": [[0, 4, 77], [4, 8, 78]],
            "replay_generator": np.random.default_rng(1).bit_generator.state,
            "state": {"progress": _progress(), "csv_bytes": {"metrics.csv": 70}},
        }
        self.content = {"body": self.body, "files": {"variables.index": zlib.crc32(variables)}}

    def feed(self, generator: random.Random) -> None:
        """See the class."""
        from training import checkpoint, session
        from training.run_folder import RunFolder

        content = self.content
        if generator.random() < 0.7:
            content = forged(content, generator)
        if isinstance(content, dict):
            content = {**content, "checksum": _checksum(content)}
        text = json.dumps(content).encode()
        if content is self.content or generator.random() < 0.3:
            text = damaged(text, [b"{}"], generator)
        (self.path / "state.json").write_bytes(text)
        parts: Any = mock.Mock()
        parts.config, parts.variables = Config(), {}
        parts.replay.ring = _Ring()
        run = RunFolder(self.folder)
        checkpoints = checkpoint.Checkpoints(run, parts)
        variables = mock.MagicMock()
        variables.read.return_value = mock.MagicMock(unsafe=True)  # it has methods called assert
        with (
            mock.patch.object(checkpoints, "_variables", variables),
            mock.patch.object(checkpoints._segments, "load", _load_nothing),
        ):
            try:
                _, state = checkpoints._read(self.path, lambda _: None)
            except checkpoint.TornCheckpointError as error:
                raise UserError(str(error)) from error
        session.state_of_logs(run, state)


class _Ring:
    """The part of a ring that state.json holds."""

    def __init__(self) -> None:
        self._generator = np.random.default_rng(0)

    @property
    def generator_state(self) -> Any:
        return self._generator.bit_generator.state

    @generator_state.setter
    def generator_state(self, state: Any) -> None:
        self._generator.bit_generator.state = state
        self._generator.integers(0, 9, 3)


def _load_nothing(_: object, segments: Any) -> None:
    from replay.segments import checked_segment

    kept: list[tuple[int, ...]] = []
    for segment in segments:
        kept.append(checked_segment(segment, kept))


def _checksum(content: Any) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def _progress() -> dict[str, Any]:
    from training.progress import Progress

    return Progress(
        iteration=5, seconds=1.5, best_score=None, recent_games=[[1.0, 9]], losses={"loss": 1.0}
    ).to_dict()
