"""A short measurement of true iterations, before a long run."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from configs import Config
from configs.games import frames_per_agent_step
from training import parts, precision
from training.session import set_up_device

_RANDOM_AGENT_STEPS = 1_000  # enough episodes to draw from
_FEW = 10  # iterations, by which the length of the measurement is found


class Speed(NamedTuple):
    """How fast a run will be.

    Attributes:
      device: that trains.
      precision: "float32" or "bfloat16", decided as a run decides.
      iterations: that were measured.
      iterations_per_sec: with the network playing, as at the end of epsilon's decay.
      frames_per_sec: ALE frames of the same.
      random_steps_per_sec: agent steps of the random start.
      checkpoint_bytes: of one checkpoint, without the replay.
    """

    device: str
    precision: str
    iterations: int
    iterations_per_sec: float
    frames_per_sec: float
    random_steps_per_sec: float
    checkpoint_bytes: int


def measure(config: Config, seconds: float) -> Speed:
    """Build the parts of a run, play and learn for about `seconds`, and return the speed.

    Epsilon is that of the end: actions by chance do not ask the network and would flatter.
    """
    device = set_up_device()
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    config = config.replace(
        precision=precision.decide(config), epsilon_initial=config.epsilon_final
    )
    built = parts.build(config)
    with contextlib.closing(built.env):
        longest_start = _RANDOM_AGENT_STEPS + config.num_envs * (config.n_step + 1)
        steps = min(config.initial_collect_steps, longest_start)
        built.collect_at_random(steps // 2)  # the first call has to be traced
        steps_before, began = built.agent_steps(), time.perf_counter()
        built.collect_at_random(steps)
        random_sec = time.perf_counter() - began
        random_steps = built.agent_steps() - steps_before
        built.iterate(1)  # and this one
        began = time.perf_counter()
        built.iterate(_FEW)
        count = max(_FEW, int(seconds * _FEW / (time.perf_counter() - began)))
        steps_before, began = built.agent_steps(), time.perf_counter()
        built.iterate(count)
        passed_sec = time.perf_counter() - began
        frames = (built.agent_steps() - steps_before) * frames_per_agent_step(config.game)
    return Speed(
        device=device,
        precision=config.precision,
        iterations=count,
        iterations_per_sec=count / passed_sec,
        frames_per_sec=frames / passed_sec,
        random_steps_per_sec=random_steps / random_sec,
        checkpoint_bytes=_checkpoint_bytes(built.variables),
    )


def _checkpoint_bytes(variables: Mapping[str, Any]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        tf.train.Checkpoint(**variables).write(f"{folder}/variables")
        return sum(path.stat().st_size for path in Path(folder).iterdir())
