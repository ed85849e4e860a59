"""Measures what grows as a run goes on: `python -m benchmarks.growth`, one line of JSON.

Either the time of an iteration with a full replay memory, small and large in turn; or, with
`--soak_iterations`, the memory of the process over many iterations.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from absl import flags

from benchmarks import measurement, project_loop, synthetic
from console import errors

if TYPE_CHECKING:
    from training.parts import Parts

SMALL_TRANSITIONS = 10_000
_SOAK_TRANSITIONS = 100_000
_WARMUP_ITERATIONS = 100
_SOAK_WARMUP_ITERATIONS = 1_000
_SOAK_MARKS = 20


def measure_times(batch_size: int, transitions: int, chunks: int) -> dict[str, list[float]]:
    """Return milliseconds per iteration, by chunk, with SMALL_TRANSITIONS and `transitions` kept.

    The two take turns in one process, so that the same disturbances meet both.
    """
    sizes = {"small_ms": SMALL_TRANSITIONS, "large_ms": transitions}
    built = {name: _full(batch_size, size) for name, size in sizes.items()}
    times: dict[str, list[float]] = {name: [] for name in sizes}
    for parts in built.values():
        parts.iterate(_WARMUP_ITERATIONS)
    length = measurement.ITERATIONS_PER_CHUNK
    for _ in range(chunks):
        for name, parts in built.items():
            start = time.perf_counter()
            parts.iterate(length)
            parts.env.pop_finished_games()
            times[name].append((time.perf_counter() - start) * 1000 / length)
    return times


def measure_soak(batch_size: int, iterations: int) -> dict[str, list[int]]:
    """Return after which iterations the process held how many bytes.

    The replay memory is full before the first, and is no part of what grows. The second mark is the
    end of the warm-up, from which growth is counted.
    """
    parts = _full(batch_size, _SOAK_TRANSITIONS)
    warmup = min(_SOAK_WARMUP_ITERATIONS, max(1, iterations // 2))
    marks = {0: measurement.resident_bytes()}
    stops = [warmup]
    stops += [
        warmup + (iterations - warmup) * mark // _SOAK_MARKS for mark in range(1, _SOAK_MARKS + 1)
    ]
    done = 0
    for stop in stops:
        while done < stop:
            count = min(measurement.ITERATIONS_PER_CHUNK, stop - done)
            parts.iterate(count)
            parts.env.pop_finished_games()
            done += count
        marks[done] = measurement.resident_bytes()
    return {"iterations": list(marks), "resident_bytes": list(marks.values())}


def _full(batch_size: int, transitions: int) -> Parts:
    """Return the parts of Double DQN with a full replay memory."""
    from training import parts, precision

    config = project_loop.config_of("double", batch_size).replace(replay_capacity=transitions)
    built = parts.build(config.replace(precision=precision.decide(config)))
    synthetic.fill(built.replay.ring)
    return built


def main() -> None:
    """Measure as the flags say and print a line of JSON."""
    values = flags.FLAGS
    measured: Mapping[str, Any]
    if values.soak_iterations:
        measured = measure_soak(values.batch_size, values.soak_iterations)
    else:
        measured = measure_times(values.batch_size, values.transitions, values.chunks)
    print(json.dumps(measured))


if __name__ == "__main__":
    flags.DEFINE_integer("batch_size", 64, "transitions per training step", 1, 65_536)
    flags.DEFINE_integer("transitions", 1_000_000, "in the large replay memory", 1_000, 10**8)
    flags.DEFINE_integer("chunks", 12, "how often both are timed", 1, 10_000)
    flags.DEFINE_integer("soak_iterations", 0, "watch memory over so many instead", 0, 10**9)
    errors.run_main(main)
