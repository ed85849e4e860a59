"""Measures this project's training loop: `python -m benchmarks.project_loop`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import measurement
from configs import PRESETS

if TYPE_CHECKING:
    from replay.frame_ring import FrameRing


def measure(batch_size: int, iterations: int, warmup_iterations: int) -> measurement.Measurement:
    """Run the parts that `train.py` builds, in stretches as its loop does.

    The preset is `default`, but for the numbers that both contenders share.
    """
    config = PRESETS["default"].replace(
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
        name="this project",
        device=measurement.device(),
        setting=f"{config.precision}, {config.num_envs} games",
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
    measurement.print_measurement(measure)
