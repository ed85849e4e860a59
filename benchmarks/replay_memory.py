"""Measures one replay memory, full: `python -m benchmarks.replay_memory --memory ring`.

Stable-Baselines3's is measured under that library's own Python, so that nothing of TensorFlow is
imported before it is known which memory is asked for.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import flags

from benchmarks import measurement
from console import errors

_WARMUP_SAMPLES = 20
_WARM_SAMPLES = 1_000
_COLD_SAMPLES = 200
_BYTES_TOUCHED = 64 * 10**6  # between samples, to drive the caches empty


@dataclasses.dataclass(frozen=True)
class MemoryMeasurement:
    """The numbers of one replay memory.

    Attributes:
      name: what it is.
      transitions: how many it holds, all of its places taken.
      growth_bytes: what the process grew by for them.
      samples_ms: milliseconds of each sample of a batch, by `1 step, warm`; between two "cold"
        samples 64 MB of other memory are written.
    """

    name: str
    transitions: int
    growth_bytes: int
    samples_ms: dict[str, list[float]]

    def median_ms(self, kind: str) -> float:
        """Return the median over samples."""
        return statistics.median(self.samples_ms[kind])

    def p95_ms(self, kind: str) -> float:
        """Return what 95 of 100 samples do not exceed."""
        return float(np.percentile(self.samples_ms[kind], 95))


Samplers = dict[str, Callable[[], object]]
"""Functions that draw a batch, by `1 step`: the length of the return."""


def measure(memory: str, transitions: int, batch_size: int) -> MemoryMeasurement:
    """Build a memory, fill it to the last place, and time samples."""
    name, samplers, growth_bytes = _MEMORIES[memory](transitions, batch_size)
    samples_ms: dict[str, list[float]] = {}
    other = np.zeros(_BYTES_TOUCHED, np.uint8)

    def touch_other() -> None:
        np.add(other, 1, out=other)

    for length, sample in samplers.items():
        for _ in range(_WARMUP_SAMPLES):
            sample()
        samples_ms[f"{length}, warm"] = _timed(sample, _WARM_SAMPLES, lambda: None)
        samples_ms[f"{length}, cold"] = _timed(sample, _COLD_SAMPLES, touch_other)
    return MemoryMeasurement(name, transitions, growth_bytes, samples_ms)


def _timed(sample: Callable[[], object], count: int, between: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(count):
        between()
        start = time.perf_counter()
        sample()
        times.append((time.perf_counter() - start) * 1000)
    return times


def _ring(transitions: int, batch_size: int) -> tuple[str, Samplers, int]:
    """This project's, as training samples from it: called from a graph."""
    import tensorflow as tf

    from benchmarks import synthetic
    from replay.uniform import UniformReplay

    def sampler(replay: UniformReplay, n_step: int) -> Callable[[], object]:
        return tf.function(lambda: replay.sample(batch_size, n_step))

    # A small one first: what TensorFlow takes for itself is not counted.
    small = UniformReplay(_data_spec(), 1_000, 4, seed=1)
    synthetic.fill(small.ring)
    sampler(small, 3)()
    before_bytes = measurement.resident_bytes()
    replay = UniformReplay(_data_spec(), transitions, 4, seed=1)
    synthetic.fill(replay.ring)
    growth_bytes = measurement.resident_bytes() - before_bytes
    samplers = {f"{n} step": sampler(replay, n) for n in (1, 3)}
    return "this project's ring of frames", samplers, growth_bytes


def _prioritized(transitions: int, batch_size: int) -> tuple[str, Samplers, int]:
    """This project's, drawing by priorities at random, of which each is another."""
    import tensorflow as tf

    from benchmarks import synthetic
    from replay.prioritized import PrioritizedReplay

    def new(capacity: int) -> PrioritizedReplay:
        replay = PrioritizedReplay(
            _data_spec(), capacity, 4, seed=1, n_step=3, exponent=0.5, weight_initial=0.4,
            weight_batches=10**6,
        )  # fmt: skip
        synthetic.fill(replay.ring)
        ids = np.arange(replay.ring.oldest_row * 4, (replay.ring.rows_added - 3) * 4)
        priorities = np.random.default_rng(0).random(len(ids), np.float32)
        replay.ring.update_priorities(ids, priorities)
        return replay

    def sampler(replay: PrioritizedReplay) -> Callable[[], object]:
        return tf.function(lambda: replay.sample_by_priority(batch_size))

    sampler(new(1_000))()  # first, as for the ring
    before_bytes = measurement.resident_bytes()
    replay = new(transitions)
    growth_bytes = measurement.resident_bytes() - before_bytes
    return "the same, by priority", {"3 step": sampler(replay)}, growth_bytes


def _tf_uniform(transitions: int, batch_size: int) -> tuple[str, Samplers, int]:
    import tensorflow as tf
    from tf_agents.replay_buffers import tf_uniform_replay_buffer

    from benchmarks import stock_loop

    before_bytes = measurement.resident_bytes()
    replay = tf_uniform_replay_buffer.TFUniformReplayBuffer(
        _data_spec(), batch_size=1, max_length=transitions
    )
    stock_loop.fill(replay)
    growth_bytes = measurement.resident_bytes() - before_bytes

    def sampler(n_step: int) -> Callable[[], object]:
        return tf.function(
            lambda: replay.get_next(sample_batch_size=batch_size, num_steps=n_step + 1)
        )

    samplers = {f"{n} step": sampler(n) for n in (1, 3)}
    return "TFUniformReplayBuffer", samplers, growth_bytes


def _sb3(transitions: int, batch_size: int) -> tuple[str, Samplers, int]:
    from gymnasium import spaces
    from stable_baselines3.common import (
        buffers,
    )

    from benchmarks import sb3_loop

    before_bytes = measurement.resident_bytes()
    buffer = buffers.ReplayBuffer(
        transitions, spaces.Box(0, 255, (4, 84, 84), np.uint8), spaces.Discrete(4), device="cpu"
    )
    sb3_loop.fill(buffer)
    growth_bytes = measurement.resident_bytes() - before_bytes
    name = "Stable-Baselines3's ReplayBuffer"
    return name, {"1 step": lambda: buffer.sample(batch_size)}, growth_bytes


def _data_spec() -> Any:
    """Return the spec of a TF-Agents Trajectory of Atari."""
    import tensorflow as tf
    from tf_agents.trajectories import trajectory

    return trajectory.Trajectory(
        step_type=tf.TensorSpec([], tf.int32, "step_type"),
        observation=tf.TensorSpec([84, 84, 4], tf.uint8, "observation"),
        action=tf.TensorSpec([], tf.int64, "action"),
        policy_info=(),
        next_step_type=tf.TensorSpec([], tf.int32, "next_step_type"),
        reward=tf.TensorSpec([], tf.float32, "reward"),
        discount=tf.TensorSpec([], tf.float32, "discount"),
    )


_MEMORIES: dict[str, Callable[[int, int], tuple[str, Samplers, int]]] = {
    "ring": _ring,
    "prioritized": _prioritized,
    "tf_uniform": _tf_uniform,
    "sb3": _sb3,
}


def main() -> None:
    """Measure as the flags say and print a line of JSON."""
    values = flags.FLAGS
    measured = measure(values.memory, values.transitions, values.batch_size)
    print(json.dumps(dataclasses.asdict(measured)))


if __name__ == "__main__":
    flags.DEFINE_enum("memory", "ring", list(_MEMORIES), "which one")
    flags.DEFINE_integer("transitions", 100_000, "its capacity", 1_000, 10**8)
    flags.DEFINE_integer("batch_size", 64, "transitions per sample", 1, 65_536)
    errors.run_main(main)
