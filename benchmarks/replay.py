"""Measures the replay memory full, beside others: `python -m benchmarks.replay`.

Bytes, time of a sample, and how the time of an iteration grows with it; with `--soak_iterations`
also how the memory of the process grows. Each memory is measured in a process of its own.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

from benchmarks import machine, peer_environment, race
from benchmarks.growth import SMALL_TRANSITIONS
from benchmarks.race import Contender
from benchmarks.replay_memory import MemoryMeasurement
from console import errors

OTHERS_TRANSITIONS = 100_000
KINDS = ("1 step, warm", "1 step, cold", "3 step, warm", "3 step, cold")
MEMORY_BAR_BYTES = 7.3e9  # of a million transitions
SAMPLE_BAR_MS = 1.0
GROWTH_BAR = 1.1
_RING_BYTES_PER_TRANSITION = 7_068 + 32  # and two nodes of the sum tree, or nearly four
_LIBRARIES_BYTES = 1.5e9
_SB3_BYTES = 7e9  # at OTHERS_TRANSITIONS, with its libraries


def growth_ratios(times: dict[str, list[float]]) -> list[float]:
    """Return how many times as long an iteration takes with the large memory, chunk by chunk."""
    return [
        large / small for small, large in zip(times["small_ms"], times["large_ms"], strict=True)
    ]


def soak_growth_bytes(soak: dict[str, list[int]]) -> int:
    """Return what the process grew by from the end of its warm-up, the second mark, to the end."""
    return soak["resident_bytes"][-1] - soak["resident_bytes"][1]


def memory_lines(memories: Sequence[MemoryMeasurement], batch_size: int) -> list[str]:
    """Return the table of the memories; samples as median and 95th percentile."""

    def cells(one: MemoryMeasurement) -> list[str]:
        samples = [
            f"{one.median_ms(kind):.2f}, {one.p95_ms(kind):.2f}" if kind in one.samples_ms else ""
            for kind in KINDS
        ]
        return [f"{one.transitions:,}", f"{one.growth_bytes / 1e9:.2f} GB", *samples]

    return [
        f"ms of a sample of {batch_size}: median, 95th percentile "
        f"(bars: {MEMORY_BAR_BYTES / 1e9:.1f} GB for 1,000,000 transitions, "
        f"median {SAMPLE_BAR_MS:.1f} ms)",
        *race.aligned(
            [
                ("", ["transitions", "memory", *KINDS]),
                *((one.name, cells(one)) for one in memories),
            ]
        ),
    ]


def growth_lines(times: dict[str, list[float]], transitions: int) -> list[str]:
    """Return how the time of an iteration grows, as text."""
    ratios = growth_ratios(times)
    small, large = (statistics.median(times[name]) for name in ("small_ms", "large_ms"))
    return [
        f"an iteration takes {large:.1f} ms with {transitions:,} transitions and {small:.1f} with "
        f"{SMALL_TRANSITIONS:,}: {statistics.median(ratios):.3f} times, "
        f"{min(ratios):.3f} to {max(ratios):.3f} (bar {GROWTH_BAR})"
    ]


def soak_lines(soak: dict[str, list[int]]) -> list[str]:
    """Return how the process grew over many iterations, as text."""
    marks = zip(soak["iterations"], soak["resident_bytes"], strict=True)
    return [
        f"grew by {soak_growth_bytes(soak) / 1e6:.1f} MB from iteration "
        f"{soak['iterations'][1]:,} to {soak['iterations'][-1]:,}; resident MB by iteration:",
        "   ".join(f"{iteration:,}: {size / 1e6:,.0f}" for iteration, size in marks),
    ]


def main() -> None:
    """Measure as the flags say and print the tables."""
    values = flags.FLAGS
    json_file = Path(values.json) if values.json else None
    machine.check_output("json", json_file)
    needed = values.transitions * _RING_BYTES_PER_TRANSITION + _LIBRARIES_BYTES
    what = f"a replay of {values.transitions:,} transitions, or its peer,"
    machine.check_memory(int(max(needed, _SB3_BYTES if values.peers else 0)), what)

    def report(lines: Sequence[str]) -> None:
        print("\n".join(lines), flush=True)

    facts = machine.facts()
    report([*machine.lines(facts), ""])
    batch = f"--batch_size={values.batch_size}"
    sizes = sorted({SMALL_TRANSITIONS, OTHERS_TRANSITIONS, values.transitions})
    asked = [(Contender("benchmarks.replay_memory", ("--memory=ring",)), size) for size in sizes]
    by_priority = Contender("benchmarks.replay_memory", ("--memory=prioritized",))
    asked.append((by_priority, values.transitions))
    others = [Contender("benchmarks.replay_memory", ("--memory=tf_uniform",))]
    if values.peers:
        python = peer_environment.ready(
            peer_environment.asked_folder(), lambda line: report([line])
        )
        others.append(Contender("benchmarks.replay_memory", ("--memory=sb3",), python))
    asked += [(other, OTHERS_TRANSITIONS) for other in others]
    memories = [
        MemoryMeasurement(**race.run(contender, [batch, f"--transitions={size}"]))
        for contender, size in asked
    ]
    report(memory_lines(memories, values.batch_size))
    growth = Contender("benchmarks.growth", (batch,))
    times = race.run(growth, [f"--transitions={values.transitions}", f"--chunks={values.chunks}"])
    report(["", *growth_lines(times, values.transitions)])
    soak: dict[str, Any] | None = None
    if values.soak_iterations:
        soak = race.run(growth, [f"--soak_iterations={values.soak_iterations}"])
        report(["", *soak_lines(soak)])
    if json_file:
        numbers = {
            "machine": facts,
            "memories": [dataclasses.asdict(one) for one in memories],
            "growth": {"transitions": [SMALL_TRANSITIONS, values.transitions], **times},
            "growth_ratio": statistics.median(growth_ratios(times)),
            "soak": soak,
        }
        json_file.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    flags.DEFINE_integer("batch_size", 64, "transitions per sample", 1, 65_536)
    flags.DEFINE_integer("transitions", 1_000_000, "in the largest memory", 20_000, 10**8)
    flags.DEFINE_integer("chunks", 12, "of 25 iterations, for the time of each size", 1, 10**4)
    flags.DEFINE_integer("soak_iterations", 0, "watch the process over so many; 0: not", 0, 10**9)
    flags.DEFINE_bool("peers", False, "measure Stable-Baselines3's memory too")
    flags.DEFINE_string("json", None, "a file for the numbers")
    peer_environment.define_flags()
    errors.run_main(main)
