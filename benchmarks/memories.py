"""Compares a deque, a rotating array and the ring of replay/: `python -m benchmarks.memories`.

Each keeps the same transitions of a game with small observations, CartPole's: what is timed is how
a place is found, not how pictures are moved.
"""

from __future__ import annotations

import collections
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from absl import flags

from benchmarks import machine, measurement, race
from benchmarks.synthetic import FIRST, MID
from console import errors
from replay.frame_ring import FrameRing

OBSERVATION_SIZE = 4
_APPENDED = 2_000  # in each chunk, to a full memory
_READ = 2_000  # in each chunk, one after another; and in as many whole batches as they make
_BYTES_PER_TRANSITION = 1_500  # of all three memories, the deque's and the array's being 500 each

Transition = tuple[int, np.ndarray, int, int, float, float]
"""Step type, observation float32 [4], action, next step type, reward, discount."""


class RotatingArray:
    """A list of fixed length whose oldest item is written over by the next.

    Args:
      capacity: items in all.
    """

    def __init__(self, capacity: int) -> None:
        self._items: list[Any] = [None] * capacity
        self._next = 0
        self._size = 0

    def append(self, item: object) -> None:
        """Add an item, in the place of the oldest where there is no other."""
        self._items[self._next] = item
        self._next = (self._next + 1) % len(self._items)
        self._size = min(self._size + 1, len(self._items))

    def __getitem__(self, index: int) -> Any:
        """Return the item at `index`, 0 being the oldest."""
        return self._items[(self._next - self._size + index) % len(self._items)]

    def __len__(self) -> int:
        return self._size


class Memory(NamedTuple):
    """One contender, full.

    Attributes:
      name: what it is.
      append: adds a transition.
      read: returns the transition at an index.
      batch: returns those at many, int64 [B], as arrays [B, ...].
      growth_bytes: what the process grew by for it.
    """

    name: str
    append: Callable[[Transition], object]
    read: Callable[[int], Any]
    batch: Callable[[np.ndarray], Any]
    growth_bytes: int


class Times(NamedTuple):
    """The numbers of one contender.

    Attributes:
      name: what it is.
      items: how many it holds.
      growth_bytes: what the process grew by for them.
      append_us: microseconds of processor time of one transition more, by chunk.
      read_us: of one at random, by chunk.
      batch_us: of a batch at random, by chunk.
    """

    name: str
    items: int
    growth_bytes: int
    append_us: list[float]
    read_us: list[float]
    batch_us: list[float]


def full_memories(items: int) -> list[Memory]:
    """Return the contenders, full to the last place, and each with one transition written over."""
    return [
        _full_sequence("deque", collections.deque(maxlen=items), items),
        _full_sequence("rotating array", RotatingArray(items), items),
        _full_ring(items),
    ]


def _transition(number: int) -> Transition:
    observation = np.full(OBSERVATION_SIZE, number, np.float32)
    return (MID if number else FIRST), observation, number % 2, MID, float(number), 1.0


def _full_sequence(name: str, memory: Any, items: int) -> Memory:
    before_bytes = measurement.resident_bytes()
    for number in range(items + 1):
        memory.append(_transition(number))

    def batch(indices: np.ndarray) -> list[np.ndarray]:
        found = [memory[index] for index in indices.tolist()]
        return [np.array(column) for column in zip(*found, strict=True)]

    growth_bytes = measurement.resident_bytes() - before_bytes
    return Memory(name, memory.append, memory.__getitem__, batch, growth_bytes)


def _full_ring(items: int) -> Memory:
    """This project's, which keeps arrays; the step behind a transition is in the next row."""
    before_bytes = measurement.resident_bytes()
    ring = FrameRing(
        items, 1, seed=1, frame_shape=(OBSERVATION_SIZE,), frame_dtype=np.float32, stack_size=1
    )

    def append(transition: Transition) -> None:
        ring.add(*(np.array([part]) for part in transition))

    def batch(indices: np.ndarray) -> Any:
        one, none = np.ones_like(indices), np.zeros((2, 0, 2), np.int64)
        return ring.windows(ring.oldest_row + indices, 0 * one, one, 1, none)

    for number in range(items + 1):
        append(_transition(number))
    growth_bytes = measurement.resident_bytes() - before_bytes
    return Memory(
        "this project's ring", append, lambda index: batch(np.array([index])), batch, growth_bytes
    )


def measure(items: int, batch_size: int, chunks: int) -> list[Times]:
    """Time the contenders in turns, so that the same disturbances meet all."""
    generator = np.random.default_rng(0)
    memories = full_memories(items)
    times = [Times(memory.name, items, memory.growth_bytes, [], [], []) for memory in memories]
    added = [_transition(items + 1 + number) for number in range(_APPENDED)]
    for _ in range(chunks):
        # The ring's newest row has no step behind it yet.
        ones = generator.integers(0, items - 1, _READ).tolist()
        count = max(1, _READ // batch_size)
        batches = list(generator.integers(0, items - 1, (count, batch_size)))
        for memory, own in zip(memories, times, strict=True):
            own.append_us.append(_microseconds(memory.append, added))
            own.read_us.append(_microseconds(memory.read, ones))
            own.batch_us.append(_microseconds(memory.batch, batches))
    return times


def _microseconds(function: Callable[[Any], object], arguments: Sequence[Any]) -> float:
    """Return the processor time of a call, on average over `arguments`; nothing here waits."""
    began = time.process_time()
    for argument in arguments:
        function(argument)
    return (time.process_time() - began) * 1e6 / len(arguments)


def table_lines(measured: Sequence[Times], batch_size: int) -> list[str]:
    """Return the table: microseconds, the median of the chunks, their least and greatest."""

    def cell(values: list[float]) -> str:
        return f"{statistics.median(values):,.2f} ({min(values):,.2f} to {max(values):,.2f})"

    heads = ["items", "memory", "append", "one at random", f"{batch_size} at random, as arrays"]
    return [
        "microseconds of processor time: median of the chunks (least to greatest)",
        *race.aligned(
            [
                ("", heads),
                *(
                    (
                        one.name,
                        [
                            f"{one.items:,}",
                            f"{one.growth_bytes / 1e6:,.0f} MB",
                            *map(cell, (one.append_us, one.read_us, one.batch_us)),
                        ],
                    )
                    for one in measured
                ),
            ]
        ),
    ]


def main() -> None:
    """Measure as the flags say and print the table."""
    values = flags.FLAGS
    json_file = Path(values.json) if values.json else None
    machine.check_output("json", json_file)
    machine.check_memory(
        values.items * _BYTES_PER_TRANSITION, f"{values.items:,} items, three times,"
    )
    facts = machine.facts()
    print("\n".join(machine.lines(facts)) + "\n", flush=True)
    sizes = sorted({min(10_000, values.items), values.items})
    measured = [one for items in sizes for one in measure(items, values.batch_size, values.chunks)]
    print("\n".join(table_lines(measured, values.batch_size)))
    if json_file:
        numbers = {
            "machine": facts,
            "batch_size": values.batch_size,
            "memories": [one._asdict() for one in measured],
        }
        json_file.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    flags.DEFINE_integer("items", 1_000_000, "in each memory", 1_000, 10**8)
    flags.DEFINE_integer("batch_size", 64, "transitions of a batch", 1, 2_000)
    flags.DEFINE_integer("chunks", 10, "how often each is timed", 1, 10**4)
    flags.DEFINE_string("json", None, "a file for the numbers")
    errors.run_main(main)
