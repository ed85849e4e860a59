"""Checkpoints: everything that a resume needs, each whole or not there.

    checkpoints/000005000/variables.*   weights, target, optimizer slots, counters, exploration
    checkpoints/000005000/games.npz     what the games in play have played; see envs/plays.py
    checkpoints/000005000/state.json    the rest, with the checksums of all
    replay/rows-*.npz                   the replay's rows, each written once; see replay/segments.py

A checkpoint is written beside the others under another name and then renamed. The last two are
kept: if the newest is torn, the one before it is taken.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from console.errors import UserError
from envs.plays import OtherGamesError
from replay.segments import SegmentError, SegmentStore
from training.parts import Parts
from training.run_folder import RunFolder, write_json

FORMAT = 3  # 1: weights without float32 masters; 2: the dense layer in the body, not in the head
KEPT = 2
_STATE = "state.json"
_GAMES = "games.npz"
_SOON_SEC = 3.0  # playing the games again is worth a line if it takes longer


class TornCheckpointError(Exception):
    """A checkpoint is damaged; the message says how."""


class Checkpoints:
    """Writes and reads the checkpoints of a run.

    Args:
      folder: of the run.
      parts: whose state is kept.
    """

    def __init__(self, folder: RunFolder, parts: Parts) -> None:
        self._run = folder
        self._folder = folder.checkpoints
        self._segments = SegmentStore(folder.replay)
        self._parts = parts
        self._variables = tf.train.Checkpoint(**parts.variables)

    def save(self, iteration: int, state: Mapping[str, Any]) -> Path:
        """Write a checkpoint and remove those that are too old.

        Args:
          iteration: training steps done; names the checkpoint.
          state: JSON values of the loop and its logs.

        Returns:
          its folder.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{iteration:09d}"
        temporary = self._folder / f".{target.name}.{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        self._variables.write(str(temporary / "variables"))
        np.savez(temporary / _GAMES, **self._parts.env.state())
        ring = self._parts.replay.ring
        body = {
            "format": FORMAT,
            "iteration": iteration,
            "replay_rows": self._segments.save(ring),
            "replay_generator": ring.generator_state,
            "state": dict(state),
        }
        checksums = {
            path.name: _checksum(path.read_bytes()) for path in sorted(temporary.iterdir())
        }
        content = {"body": body, "files": checksums}
        write_json(temporary / _STATE, {**content, "checksum": _checksum(_canonical(content))})
        if target.exists():  # as when the last iteration was evaluated after its checkpoint
            aside = self._folder / f".{target.name}.old"
            shutil.rmtree(aside, ignore_errors=True)
            target.rename(aside)
        temporary.rename(target)
        self._remove_old()
        return target

    def restore(self, say: Callable[[str], None]) -> tuple[int, dict[str, Any]]:
        """Restore the newest checkpoint that is whole.

        Args:
          say: is told, in a sentence, of each that is torn, and of the games in play where they
            begin anew or took long.

        Returns:
          its iteration, and the state given to `save`.

        Raises:
          UserError: if none is whole.
        """
        paths = self._run.checkpoint_paths()
        for path in reversed(paths):
            try:
                iteration, state = self._read(path)
            except TornCheckpointError as error:
                say(f"checkpoint {path.name} is torn ({error}); taking the one before it")
            else:
                self._remove_newer(path)
                self._restore_games(path, say)
                return iteration, state
        raise UserError(
            f"{self._run.path} has no checkpoint to resume from, none of {len(paths)} is whole; "
            "start another run, in another --logdir"
        )

    def _read(self, path: Path) -> tuple[int, dict[str, Any]]:
        ring = self._parts.replay.ring
        try:
            content = json.loads((path / _STATE).read_text())
            checksum = content.pop("checksum")
            if checksum != _checksum(_canonical(content)):
                raise TornCheckpointError(f"{_STATE} does not match its checksum")
            for name, expected in content["files"].items():
                if _checksum((path / name).read_bytes()) != expected:
                    raise TornCheckpointError(f"{name} does not match its checksum")
            body = content["body"]
            if body["format"] != FORMAT:
                raise UserError(
                    f"checkpoint {path.name} of {self._run.path} was written by another version of "
                    "this program, and cannot be resumed; its policies can still be played"
                )
            self._segments.load(ring, body["replay_rows"])
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise TornCheckpointError(f"cannot be read: {error}") from error
        except SegmentError as error:
            raise TornCheckpointError(str(error)) from error
        ring.generator_state = body["replay_generator"]
        status = self._variables.read(str(path / "variables"))
        status.assert_existing_objects_matched().expect_partial()
        return body["iteration"], body["state"]

    def _restore_games(self, path: Path, say: Callable[[str], None]) -> None:
        if not (path / _GAMES).exists():
            say("the checkpoint is from before games in play were kept; they begin anew")
            return
        with np.load(path / _GAMES, allow_pickle=False) as arrays:
            games = dict(arrays)
        began = time.monotonic()
        try:
            self._parts.env.restore(games)
        except OtherGamesError as error:
            say(f"{error}, as with another version of ale-py; the games in play begin anew")
            return
        sec = time.monotonic() - began
        if sec > _SOON_SEC:
            say(f"the games in play were played up to the checkpoint again in {sec:.0f} seconds")

    def _remove_newer(self, path: Path) -> None:
        """Remove what is newer than `path`, and torn, so that it is never taken for the last."""
        for other in self._run.checkpoint_paths():
            if other.name > path.name:
                shutil.rmtree(other)

    def _remove_old(self) -> None:
        for path in [*self._run.checkpoint_paths()[:-KEPT], *self._folder.glob(".0*")]:
            shutil.rmtree(path)
        needed: list[list[int]] = []
        for path in self._run.checkpoint_paths():
            try:
                needed += json.loads((path / _STATE).read_text())["body"]["replay_rows"]
            except (OSError, ValueError, KeyError, TypeError):
                return  # a damaged one is left for restore to speak of; nothing is removed
        self._segments.remove_all_but(needed)


def _checksum(content: bytes) -> int:
    return zlib.crc32(content)


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()
