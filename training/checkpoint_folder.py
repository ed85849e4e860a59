"""The folder of checkpoints: each is whole or not there, and the newest whole one is taken.

    checkpoints/000005000/variables.*      what TensorFlow keeps
    checkpoints/000005000/games.npz        what the games in play have played; see envs/plays.py
    checkpoints/000005000/state.json       the rest, with the checksums of these

A checkpoint is written beside the others under another name and then renamed. The last two are
kept: if the newest is torn, the one before it is taken.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from configs.policy_gradient import TrainedConfig
from console.errors import UserError
from envs.plays import OtherGamesError
from replay.durable import make_folder, sync, sync_tree
from replay.segments import MACHINE_ERRNOS
from training import checkpoint_state
from training.divergence import diverged
from training.run_folder import RunFolder

KEPT = 2
_GAMES = "games.npz"
_SOON_SEC = 3.0  # playing the games again is worth a line if it takes longer


class TornCheckpointError(Exception):
    """A checkpoint is damaged; the message says how."""


class RestorableGames(Protocol):
    """Games that can be played up to where they stood."""

    def state(self) -> dict[str, np.ndarray]:
        """Return what `restore` needs."""

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Play the games up to where `state` was taken."""


class CheckpointFolder:
    """Writes and reads the checkpoints of a run.

    What a run keeps beside its variables and its games, a subclass writes and reads.

    Args:
      folder: of the run.
      config: of the run.
      variables: everything that TensorFlow keeps, by name.
      games: those in play.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: TrainedConfig,
        variables: Mapping[str, Any],
        games: RestorableGames,
    ) -> None:
        self._run = folder
        self._folder = folder.checkpoints
        self._config = config
        self._variables = tf.train.Checkpoint(**variables)
        self._games = games

    def save(self, iteration: int, state: Mapping[str, Any]) -> Path:
        """Write a checkpoint and remove those that are too old.

        Args:
          iteration: training steps done; names the checkpoint.
          state: JSON values of the loop and its logs.

        Returns:
          its folder; a power cut cannot take it any more.

        Raises:
          UserError: if a number of it is infinite or NaN: such a state takes no good one's place.
          OSError, tf.errors.OpError: if there is no room for it; the others stay as they are.
        """
        make_folder(self._folder)
        target = self._folder / f"{iteration:09d}"
        temporary = self._folder / f".{target.name}.{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            self._write(temporary, iteration, state)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        if target.exists():  # as when the last iteration was evaluated after its checkpoint
            aside = self._run.checkpoint_aside(target.name)
            shutil.rmtree(aside, ignore_errors=True)
            target.rename(aside)
        temporary.rename(target)
        sync(self._folder)  # before what it replaces is removed
        self._remove_old()
        return target

    def _write(self, temporary: Path, iteration: int, state: Mapping[str, Any]) -> None:
        self._variables.write(str(temporary / "variables"))
        self._check_finite(temporary / "variables", iteration)
        np.savez(temporary / _GAMES, **self._games.state())
        values = {"iteration": iteration, **self._write_more(temporary), "state": dict(state)}
        checkpoint_state.write(temporary, self._config, values)
        sync_tree(temporary)

    def _write_more(self, temporary: Path) -> dict[str, Any]:
        """Write what else the run keeps into a checkpoint; return JSON values for its state."""
        del temporary
        return {}

    def _check_finite(self, variables: Path, iteration: int) -> None:
        """Read back what was written; raise UserError if a number in it is infinite or NaN."""
        reader = tf.train.load_checkpoint(str(variables))
        for name, dtype in reader.get_variable_to_dtype_map().items():
            if dtype.is_floating and not np.isfinite(reader.get_tensor(name)).all():
                what = f"a number of {name.split('/.')[0]}"
                raise self.diverged(what, f"by iteration {iteration}")

    def diverged(self, what: str, when: str) -> UserError:
        """Return the error that ends the run; see training/divergence.py."""
        return diverged(what, when, self._config, self._run)

    def restore(self, say: Callable[[str], None]) -> tuple[int, dict[str, Any]]:
        """Restore the newest checkpoint that is whole.

        Args:
          say: is told, in a sentence, of each that is torn, and of the games in play where they
            begin anew or took long.

        Returns:
          its iteration, and the state given to `save`.

        Raises:
          UserError: if none is whole, or if one is of another run or of another program.
          OSError: with one of MACHINE_ERRNOS, if one could not be read; all stay as they are.
        """
        self._bring_back_what_was_put_aside()
        paths = self._run.checkpoint_paths()
        for path in reversed(paths):
            try:
                iteration, state = self._read(path, say)
            except TornCheckpointError as error:
                say(f"checkpoint {path.name} is torn ({error}); taking the one before it")
            else:
                self._remove_newer(path)
                self._remove_old()
                self._restore_games(path, say)
                return iteration, state
        raise UserError(
            f"{self._run.path} has no checkpoint to resume from, none of {len(paths)} is whole; "
            "start another run, in another --logdir"
        )

    def _read(self, path: Path, say: Callable[[str], None]) -> tuple[int, dict[str, Any]]:
        try:
            body = checkpoint_state.read(path)
            iteration, state = body["iteration"], body["state"]
            if not isinstance(state, dict) or iteration != int(path.name):
                raise TypeError(f"{checkpoint_state.STATE} is of another checkpoint")
            name = f"checkpoint {path.name} of {self._run.path}"
            checkpoint_state.check_origin(name, body, self._config, say)
            self._read_more(path, body)
        except (OSError, ValueError, KeyError, AttributeError, TypeError, OverflowError) as error:
            if isinstance(error, OSError) and error.errno in MACHINE_ERRNOS:
                raise  # a good one would be removed behind the one before it
            raise TornCheckpointError(f"cannot be read: {error}") from error
        try:
            status = self._variables.read(str(path / "variables"))
            status.assert_existing_objects_matched().expect_partial()
        except (ValueError, AssertionError, tf.errors.OpError) as error:
            raise UserError(
                f"checkpoint {path.name} of {self._run.path} does not fit the networks that "
                f"config.json and this program make ({str(error).splitlines()[0]}); go on with the "
                "program that wrote it"
            ) from error
        return iteration, state

    def _read_more(self, path: Path, body: Mapping[str, Any]) -> None:
        """Read what `_write_more` wrote.

        Raises:
          TornCheckpointError, OSError, ValueError, KeyError, TypeError: if it is damaged.
        """

    def _bring_back_what_was_put_aside(self) -> None:
        """Give a checkpoint its name again if a kill came between the two renames of `save`."""
        for path in self._run.checkpoint_paths():
            if not path.name.isdigit():
                path.rename(self._folder / f"{self._run.iteration_of(path):09d}")

    def _restore_games(self, path: Path, say: Callable[[str], None]) -> None:
        with np.load(path / _GAMES, allow_pickle=False) as arrays:
            games = dict(arrays)
        began = time.monotonic()
        try:
            self._games.restore(games)
        except OtherGamesError as error:
            say(f"{error}, as with another version of ale-py or gym; the games in play begin anew")
            return
        sec = time.monotonic() - began
        if sec > _SOON_SEC:
            say(f"the games in play were played up to the checkpoint again in {sec:.0f} seconds")

    def _remove_newer(self, path: Path) -> None:
        """Remove what is newer than `path`, and torn, so that it is never taken for the last."""
        for other in self._run.checkpoint_paths():
            if self._run.iteration_of(other) > self._run.iteration_of(path):
                shutil.rmtree(other)

    def _remove_old(self) -> None:
        """Remove what no checkpoint that is kept needs, as what a kill has left half written."""
        unfinished = [path for path in self._folder.glob(".*") if path.name[1:10].isdigit()]
        for path in {*self._run.checkpoint_paths()[:-KEPT], *unfinished}:
            shutil.rmtree(path)
