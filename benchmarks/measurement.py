"""What one contender of a benchmark reports, how it is timed, and the flags that all share.

This file imports no TensorFlow, so that a wrong flag is answered at once, and so that the virtual
environment of a peer can run it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import psutil
from absl import flags

from console import errors

flags.disclaim_key_flags()  # they are those of the program, and shown by its --help

UPDATE_PERIOD_AGENT_STEPS = 4
FRAMES_PER_ITERATION = 4 * UPDATE_PERIOD_AGENT_STEPS  # one agent step is four ALE frames
REPLAY_TRANSITIONS = 100_000
# The recipe asks for 20,000; a benchmark needs enough for batches that differ, and no more.
RANDOM_AGENT_STEPS = 2_000
ITERATIONS_PER_CHUNK = 25


@dataclasses.dataclass(frozen=True)
class Times:
    """Milliseconds per iteration, one number per chunk of about `ITERATIONS_PER_CHUNK`.

    Attributes:
      total_ms: everything.
      collect_ms: the part that went into playing; None where one graph does both.
    """

    total_ms: list[float]
    collect_ms: list[float] | None


@dataclasses.dataclass(frozen=True)
class Measurement:
    """The numbers of one contender.

    Attributes:
      name: the contender.
      device: what it trained on, `CPU` or the GPU's name.
      precision: of its network's arithmetic, `float32` or `bfloat16`.
      setting: what else of its setting is worth a word, as `1 game`.
      batch_size: transitions per training step.
      iterations: how many were timed.
      times: how long they took.
      replay_bytes: what the process grew by for a full replay memory.
      resident_bytes: of the whole process at the end, with the memory of a full replay.
      peak_bytes: the most that was resident at any time.
    """

    name: str
    device: str
    precision: str
    setting: str
    batch_size: int
    iterations: int
    times: Times
    replay_bytes: int
    resident_bytes: int
    peak_bytes: int

    @property
    def ms_per_iteration(self) -> float:
        """The median over chunks."""
        return statistics.median(self.times.total_ms)

    @property
    def fastest_ms(self) -> float:
        """The fastest chunk, the least disturbed by whatever else the machine does."""
        return min(self.times.total_ms)

    @property
    def collect_ms(self) -> float | None:
        """The median over chunks; None where one graph does both."""
        return None if self.times.collect_ms is None else statistics.median(self.times.collect_ms)

    @property
    def train_ms(self) -> float | None:
        """The rest of the median: sampling and the training step."""
        return None if self.collect_ms is None else self.ms_per_iteration - self.collect_ms

    @property
    def frames_per_second(self) -> float:
        """ALE frames, at the median."""
        return FRAMES_PER_ITERATION * 1000 / self.ms_per_iteration

    def summary(self) -> dict[str, Any]:
        """Return all of it as plain JSON values."""
        return dataclasses.asdict(self) | {
            name: getattr(self, name)
            for name in (
                "ms_per_iteration",
                "fastest_ms",
                "collect_ms",
                "train_ms",
                "frames_per_second",
            )
        }

    def to_json(self) -> str:
        """Return `summary` as one line."""
        return json.dumps(self.summary())

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Measurement:
        """Read what `summary` returned."""
        fields = {field.name: values[field.name] for field in dataclasses.fields(cls)}
        return cls(**fields | {"times": Times(**values["times"])})


def chunk_lengths(iterations: int) -> list[int]:
    """Split `iterations` into equal chunks of about `ITERATIONS_PER_CHUNK`."""
    chunks = max(1, round(iterations / ITERATIONS_PER_CHUNK))
    return [iterations // chunks + (chunk < iterations % chunks) for chunk in range(chunks)]


def time_iterations(
    collect: Callable[[], object],
    train: Callable[[], object],
    wait: Callable[[], object],
    iterations: int,
) -> Times:
    """Time `iterations` of `collect` and `train`; `wait`, after each chunk, ends pending work."""
    total_ms, collect_ms = [], []
    for length in chunk_lengths(iterations):
        collecting = 0.0
        chunk_start = time.perf_counter()
        for _ in range(length):
            start = time.perf_counter()
            collect()
            collecting += time.perf_counter() - start
            train()
        wait()
        total_ms.append((time.perf_counter() - chunk_start) * 1000 / length)
        collect_ms.append(collecting * 1000 / length)
    return Times(total_ms, collect_ms)


def resident_bytes() -> int:
    """Return the memory that this process holds now."""
    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int:
    """Return the most memory that this process held at any time."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def flag_values() -> list[str]:
    """Return the flags of `define_flags` as a command line gives them on to a contender."""
    names = ("batch_size", "iterations", "warmup_iterations")
    return [f"--{name}={flags.FLAGS[name].value}" for name in names]


def device() -> str:
    """Return what TensorFlow trains on, `CPU` or the GPU's name."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))


def kernels_name() -> str:
    """Return which CPU kernels TensorFlow runs, as far as its environment decides it."""
    chosen = os.environ.get("TF_ENABLE_ONEDNN_OPTS")
    return {None: "TensorFlow's kernels", "0": "Eigen kernels"}.get(chosen, "oneDNN kernels")


def define_flags(batch_size: int = 64) -> None:
    """Define the flags that every contender takes."""
    flags.DEFINE_integer("batch_size", batch_size, "transitions per step", 1, 65_536)
    flags.DEFINE_integer("iterations", 300, "how many are timed", 1, 10**7)
    flags.DEFINE_integer(
        "warmup_iterations",
        50,
        "untimed before that, while functions are traced and caches fill",
        1,
        10**6,
    )


def print_measurement(measure: Callable[[int, int, int], Measurement], *, onednn: bool) -> NoReturn:
    """Parse the flags of a contender, measure it, and print one line of JSON.

    Args:
      measure: takes batch_size, iterations and warmup_iterations.
      onednn: whether TensorFlow gets the kernels that this project's programs turn on.
    """
    define_flags()
    values = flags.FLAGS
    errors.run_main(
        lambda: print(
            measure(values.batch_size, values.iterations, values.warmup_iterations).to_json()
        ),
        onednn=onednn,
    )
