"""Measures contenders against one another, each in processes of its own, in alternating rounds.

A machine that grows slower slows all of them, and the ratio within a round stays.

A contender is a module that `python -m` runs with the flags it is given, and whose last line on
standard output is JSON. It may run under another Python than this one.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks import measurement
from benchmarks.measurement import Measurement
from console import errors

_ROOT = Path(__file__).parent.parent

Rounds = list[list[Measurement]]
"""The measurements of each round, in the order of the contenders; others are compared to the first.
"""


@dataclasses.dataclass(frozen=True)
class Contender:
    """A module that measures one thing.

    Attributes:
      module: as `python -m` takes it, from this project's root.
      flag_values: what it is told besides the flags that all contenders get.
      python: the executable that runs it.
    """

    module: str
    flag_values: tuple[str, ...] = ()
    python: str = sys.executable


Racer = Contender | Callable[[Sequence[Measurement]], Contender]
"""A contender, or one that depends on what was measured before it in the same round."""


def run(contender: Contender, flag_values: Sequence[str] = ()) -> dict[str, Any]:
    """Run a contender in a process of its own and return the JSON of its last line.

    Raises:
      UserError: what it says to its user.
      RuntimeError: if it fails otherwise; its traceback is in the message.
    """
    with subprocess.Popen(
        [contender.python, "-m", contender.module, *contender.flag_values, *flag_values],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            said, complained = process.communicate()
        except KeyboardInterrupt:
            process.wait()  # it has got the Ctrl-C too, and may have files to remove
            raise
    if process.returncode == errors.USAGE_EXIT_STATUS:
        raise errors.UserError(complained.strip().removeprefix("error: "))
    lines = said.splitlines()
    if process.returncode != 0 or not lines:
        raise RuntimeError(
            f"{contender.module} ended with status {process.returncode}:\n{complained}"
        )
    values: dict[str, Any] = json.loads(lines[-1])
    return values


def race(
    rounds: int,
    racers: Sequence[Racer],
    flag_values: Sequence[str],
    report: Callable[[str], None],
) -> Rounds:
    """Measure all racers in turn, `rounds` times, and report each round in a line."""
    results: Rounds = []
    for number in range(1, rounds + 1):
        load = psutil.getloadavg()[0]
        runs: list[Measurement] = []
        for racer in racers:
            contender = racer if isinstance(racer, Contender) else racer(runs)
            runs.append(Measurement.from_values(run(contender, flag_values)))
        results.append(runs)
        times = "   ".join(f"{one.name} {one.ms_per_iteration:.1f} ms" for one in runs)
        report(f"round {number} of {rounds}   {times}   (load at the start {load:.1f})")
    return results


def only(results: Rounds, columns: slice) -> Rounds:
    """Return the measurements of some contenders."""
    return [runs[columns] for runs in results]


def ratios(results: Rounds) -> list[list[float]]:
    """Return how many times as fast as the first contender each one was, round by round."""
    return [
        [
            runs[0].ms_per_iteration / one.ms_per_iteration
            for runs, one in zip(results, column, strict=True)
        ]
        for column in zip(*results, strict=True)
    ]


def fastest_ratios(results: Rounds) -> list[float]:
    """Return the ratios of the contenders' fastest chunks, in whatever rounds they were."""
    fastest = [min(one.fastest_ms for one in column) for column in zip(*results, strict=True)]
    return [fastest[0] / time for time in fastest]


def aligned(rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Return a table as text: labels on the left, cells on the right of their columns."""
    label_width = max(len(label) for label, _ in rows)
    widths = [max(map(len, column)) for column in zip(*(cells for _, cells in rows), strict=True)]
    return [
        f"{label:<{label_width}}"
        + "".join(f"   {cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        for label, cells in rows
    ]


def table_lines(results: Rounds) -> list[str]:
    """Return the table of all contenders and the ratios of the rounds."""
    columns = [list(column) for column in zip(*results, strict=True)]

    def row(label: str, cell: Callable[[list[Measurement]], str]) -> tuple[str, list[str]]:
        return label, [cell(column) for column in columns]

    def part(name: str) -> Callable[[list[Measurement]], str]:
        def cell(runs: list[Measurement]) -> str:
            times = [getattr(one, name) for one in runs]
            return "in one graph" if None in times else f"{statistics.median(times):.1f}"

        return cell

    def largest(name: str) -> Callable[[list[Measurement]], str]:
        return lambda runs: f"{max(getattr(one, name) for one in runs) / 1e9:.2f} GB"

    def numbers(label: str, values: Sequence[float]) -> tuple[str, list[str]]:
        return label, [f"{value:.2f}" for value in values]

    by_round = ratios(results)
    full = f"{measurement.REPLAY_TRANSITIONS:,} transitions"
    return aligned(
        [
            row("", lambda runs: runs[0].name),
            row("trained on", lambda runs: runs[0].device),
            row("arithmetic", precisions),
            row("setting", lambda runs: runs[0].setting),
            row("ms per iteration: median (min to max)", spread),
            row("  of these, playing", part("collect_ms")),
            row("  of these, sampling and training", part("train_ms")),
            row("  fastest chunk", lambda runs: f"{min(one.fastest_ms for one in runs):.1f}"),
            row(
                "ALE frames per second",
                lambda runs: f"{statistics.median(one.frames_per_second for one in runs):,.0f}",
            ),
            row(f"memory of {full}", largest("replay_bytes")),
            row("whole process at the end", largest("resident_bytes")),
            row("whole process at its largest", largest("peak_bytes")),
            numbers(
                "times as fast as the first: median of the rounds",
                [statistics.median(values) for values in by_round],
            ),
            numbers("  least", [min(values) for values in by_round]),
            numbers("  greatest", [max(values) for values in by_round]),
            numbers("  of the fastest chunks", fastest_ratios(results)),
        ]
    )


def precisions(runs: Sequence[Measurement]) -> str:
    """Return the precision of the rounds; both where rounds chose differently."""
    return " or ".join(sorted({one.precision for one in runs}))


def spread(runs: Sequence[Measurement]) -> str:
    """Return median, least and greatest of the rounds, in milliseconds per iteration."""
    times = [one.ms_per_iteration for one in runs]
    return f"{statistics.median(times):.1f} ({min(times):.1f} to {max(times):.1f})"


def summary(results: Rounds) -> dict[str, Any]:
    """Return a race as plain JSON values; `rounds_of` reads them."""
    return {
        "update_period_agent_steps": measurement.UPDATE_PERIOD_AGENT_STEPS,
        "random_agent_steps": measurement.RANDOM_AGENT_STEPS,
        "replay_transitions": measurement.REPLAY_TRANSITIONS,
        "rounds": [[one.summary() for one in runs] for runs in results],
        "ratios": ratios(results),
        "median_ratios": [statistics.median(values) for values in ratios(results)],
        "fastest_ratios": fastest_ratios(results),
    }


def rounds_of(values: dict[str, Any]) -> Rounds:
    """Return the measurements that `summary` made plain."""
    return [[Measurement.from_values(one) for one in runs] for runs in values["rounds"]]
