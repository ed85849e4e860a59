"""Measures this project's training loop: `python -m benchmarks.project_loop`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from absl import flags

from benchmarks import measurement
from configs import PRESETS

if TYPE_CHECKING:
    from replay.frame_ring import FrameRing

_ALGORITHM_OF_STOCK = {
    name: getattr(PRESETS["notebook"], name)
    for name in (
        "double",
        "dueling",
        "n_step",
        "reward_clip",
        "optimizer",
        "learning_rate",
        "optimizer_epsilon",
        "target_update_period",
    )
}


def measure(batch_size: int, iterations: int, warmup_iterations: int) -> measurement.Measurement:
    """Run the parts that `train.py` builds, in stretches as its loop does.

    With `--like_stock` the algorithm is the stock loop's: DQN with one-step returns and its
    optimizer. Without, it is the preset `default`. Numbers that all contenders share are the same.
    """
    like_stock = flags.FLAGS.like_stock
    config = PRESETS["default"].replace(**_ALGORITHM_OF_STOCK if like_stock else {})
    config = config.replace(
        game="Breakout",
        batch_size=batch_size,
        update_period=measurement.UPDATE_PERIOD_AGENT_STEPS,
        replay_capacity=measurement.REPLAY_TRANSITIONS,
    )
    from training import parts, precision

    config = config.replace(precision=precision.decide(config))
    built = parts.build(config)
    replay_bytes = _bytes_of_full(built.replay.ring)
    built.collect_at_random(measurement.RANDOM_AGENT_STEPS)

    for length in measurement.chunk_lengths(warmup_iterations):
        built.iterate(length)
    total_ms = []
    for length in measurement.chunk_lengths(iterations):
        start = time.perf_counter()
        built.iterate(length)
        built.env.pop_finished_games()
        total_ms.append((time.perf_counter() - start) * 1000 / length)

    return measurement.Measurement(
        name="the same algorithm here" if like_stock else "preset default",
        device=measurement.device(),
        setting=f"{config.precision}, {config.num_envs} games, {measurement.kernels_name()}",
        batch_size=batch_size,
        iterations=iterations,
        times=measurement.Times(total_ms, collect_ms=None),
        replay_bytes=replay_bytes,
        resident_bytes=measurement.resident_bytes(),
        peak_bytes=measurement.peak_bytes(),
    )


def _bytes_of_full(ring: FrameRing) -> int:
    """Return what the process grows by as the ring is filled; the ring is empty again afterwards.

    It keeps the memory that it has taken.
    """
    before_bytes = measurement.resident_bytes()
    first, mid = np.zeros(ring.num_envs, np.int32), np.ones(ring.num_envs, np.int32)
    observation = np.random.default_rng(0).integers(
        0, 256, (ring.num_envs, 84, 84, ring.stack_size), np.uint8
    )
    number = np.ones(ring.num_envs)
    for row in range(measurement.REPLAY_TRANSITIONS // ring.num_envs):
        ring.add(first if row == 0 else mid, observation, first, mid, number, number)
    full_bytes = measurement.resident_bytes()
    ring.clear()
    return full_bytes - before_bytes


if __name__ == "__main__":
    flags.DEFINE_bool("like_stock", False, "learn by the stock loop's algorithm")
    measurement.print_measurement(measure, onednn=True)
