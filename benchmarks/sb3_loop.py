"""Measures Stable-Baselines3's DQN; `benchmarks.peers` runs it under that library's own Python.

Nothing of this project that needs TensorFlow is imported here.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks import measurement

_EPSILON = 0.01  # as at the end of a run


def measure(batch_size: int, iterations: int, warmup_iterations: int) -> measurement.Measurement:
    """Fill the replay memory to see its size, empty it, and time the middle of one `learn`."""
    import stable_baselines3
    import torch
    from stable_baselines3.common import callbacks

    from benchmarks import sb3_recipe

    class Clock(callbacks.BaseCallback):
        """Notes the time at the beginning and the end of each rollout."""

        def __init__(self) -> None:
            super().__init__()
            self.began: list[float] = []  # seconds, of each rollout
            self.played: list[float] = []

        def _on_step(self) -> bool:
            return True

        def _on_rollout_start(self) -> None:
            self.began.append(time.perf_counter())

        def _on_rollout_end(self) -> None:
            self.played.append(time.perf_counter())

    model = sb3_recipe.new_model(
        sb3_recipe.new_environment(1, seed=1),
        batch_size=batch_size,
        random_agent_steps=measurement.RANDOM_AGENT_STEPS,
        exploration_initial_eps=_EPSILON,
        exploration_final_eps=_EPSILON,
        seed=1,
    )
    before_bytes = measurement.resident_bytes()  # numpy takes no memory before it is written
    fill(model.replay_buffer)
    replay_bytes = measurement.resident_bytes() - before_bytes
    model.replay_buffer.reset()

    rollouts = measurement.RANDOM_AGENT_STEPS // measurement.UPDATE_PERIOD_AGENT_STEPS
    first = rollouts + warmup_iterations
    clock = Clock()
    # One rollout more: its beginning ends the last iteration.
    model.learn((first + iterations + 1) * measurement.UPDATE_PERIOD_AGENT_STEPS, callback=clock)

    cuda = model.device.type == "cuda"
    return measurement.Measurement(
        name=f"Stable-Baselines3 {stable_baselines3.__version__}",
        device=torch.cuda.get_device_name() if cuda else "CPU",
        precision="float32",
        setting=f"1 game, torch {torch.__version__}, {torch.get_num_threads()} threads",
        batch_size=batch_size,
        iterations=iterations,
        times=times(clock.began[first:], clock.played[first:], iterations),
        replay_bytes=replay_bytes,
        resident_bytes=measurement.resident_bytes(),
        peak_bytes=measurement.peak_bytes(),
    )


def times(began: list[float], played: list[float], iterations: int) -> measurement.Times:
    """Return the times of chunks from the clock.

    Args:
      began: seconds at which each rollout began; one more than `iterations`.
      played: seconds at which each rollout ended and training began.
      iterations: how many are timed.
    """
    total_ms, collect_ms = [], []
    start = 0
    for length in measurement.chunk_lengths(iterations):
        stop = start + length
        total_ms.append((began[stop] - began[start]) * 1000 / length)
        playing = sum(played[index] - began[index] for index in range(start, stop))
        collect_ms.append(playing * 1000 / length)
        start = stop
    return measurement.Times(total_ms, collect_ms)


def fill(buffer: Any) -> None:
    """Add an item until the memory is full; playing that long would take minutes.

    Args:
      buffer: a Stable-Baselines3 ReplayBuffer of one Atari game.
    """
    shape = (1, *buffer.obs_shape)
    observation = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    number = np.zeros(1, np.float32)
    for _ in range(buffer.buffer_size):
        buffer.add(observation, observation, np.zeros(1, np.int64), number, number, [{}])


if __name__ == "__main__":
    measurement.print_measurement(measure, onednn=False)
