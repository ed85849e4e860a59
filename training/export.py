"""Policies that leave the run: PolicySaver's SavedModel, with the config beside it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tf_agents.policies import policy_saver

from configs import Config
from evaluation.files import checksum
from evaluation.policies import PolicyError, read_card
from replay.durable import make_folder, sync, sync_tree
from training.parts import Parts, q_values_of
from training.run_folder import versions, write_json

EXPORT_FORMAT = 1

_FINGERPRINT = "fingerprint.pb"  # of one set of variables; TensorFlow does without


class Exporter:
    """Exports a policy of a run.

    The graph of a policy stays the same, and building it takes most of an export: it is built for
    the first, and kept for those that follow.

    Args:
      folder: holds one folder for each name.
      config: says what the policy plays.
      policy: a TF-Agents policy that chooses greedily.
      q_values: observations, uint8 [B, ...], to Q-values, float32 [B, A]; None: it has none.
    """

    def __init__(
        self,
        folder: Path,
        config: Config,
        policy: Any,
        q_values: Callable[[tf.Tensor], tf.Tensor] | None = None,
    ) -> None:
        self._folder = folder
        self._config = config
        self._graph: dict[str, bytes] = {}  # the files of an export but its variables, by name
        self._saver = policy_saver.PolicySaver(policy, batch_size=None)
        if q_values is not None:
            # What explained films show; the greedy policy alone says actions only.
            self._saver.register_function("q_values", q_values, policy.time_step_spec.observation)
        # Its own save_checkpoint leaves out the generators of noisy layers.
        self._variables = tf.train.Checkpoint(root=self._saver.policy)

    def export(self, name: str, iteration: int, score: float | None) -> Path:
        """Export the policy as it is now, in the place of an earlier one of the same name.

        Args:
          name: "last" or "best".
          iteration: training steps done.
          score: its mean evaluation score, None where it was not evaluated.

        Returns:
          its folder.

        Raises:
          OSError, tf.errors.OpError: if there is no room for it; the one before it stays.
        """
        make_folder(self._folder)
        target = self._folder / name
        new, old = (self._folder / f".{name}.{what}.{os.getpid()}" for what in ("new", "old"))
        self._put_right(name)
        try:
            self._write(new, iteration, score)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        if target.exists():
            target.rename(old)
        new.rename(target)
        sync(self._folder)
        shutil.rmtree(old, ignore_errors=True)
        return target

    def score_of(self, name: str) -> float | None:
        """Return the score that the export of this name has, None where there is none."""
        self._put_right(name)
        try:
            return read_card(self._folder / name).score
        except PolicyError:
            return None

    def _put_right(self, name: str) -> None:
        """Take what a process that was killed within `export` has left away, or back."""
        target = self._folder / name
        for leftover in self._folder.glob(f".{name}.old.*"):
            if not target.exists():  # it was killed between the two renames
                leftover.rename(target)
        for leftover in self._folder.glob(f".{name}.*"):
            shutil.rmtree(leftover)

    def _write(self, new: Path, iteration: int, score: float | None) -> None:
        if self._graph:
            new.mkdir()
            for name, content in self._graph.items():
                (new / name).write_bytes(content)
            self._variables.write(str(new / "variables" / "variables"))
        else:
            self._saver.save(str(new))
            self._graph = {
                path.name: path.read_bytes()
                for path in new.iterdir()
                if path.is_file() and path.name != _FINGERPRINT
            }
        files = sorted(path for path in new.rglob("*") if path.is_file())
        write_json(
            new / "config.json",
            {
                "format": EXPORT_FORMAT,
                "config": self._config.to_dict(),
                "iteration": iteration,
                "score": score,
                "versions": versions(),
                "files": {path.relative_to(new).as_posix(): checksum(path) for path in files},
            },
        )
        sync_tree(new)


def exporter_of(folder: Path, parts: Parts) -> Exporter:
    """Return what exports the greedy policy of a DQN run, with its Q-values, into `folder`."""
    policy = parts.agent.policy
    return Exporter(folder, parts.config, policy, q_values_of(policy.wrapped_policy))
