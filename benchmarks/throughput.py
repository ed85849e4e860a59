"""Races this project's loop against the stock TF-Agents loop: `python -m benchmarks.throughput`.

Three contenders run in processes of their own, one after the other, in alternating rounds: the
stock loop, this project with the same algorithm, and this project's preset `default`. A machine
that grows slower slows all, and the ratio within a round stays.

A contender is a module that `python -m` runs with `--batch_size`, `--iterations` and
`--warmup_iterations`, and whose last line on standard output is `Measurement.to_json()`.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
from absl import flags

from benchmarks import measurement
from benchmarks.measurement import Measurement
from console import errors

STOCK = ("benchmarks.stock_loop",)
CONTENDERS = (STOCK, ("benchmarks.project_loop", "--like_stock"), ("benchmarks.project_loop",))
PACKAGES = ("tensorflow", "tf-agents", "ale-py", "gym", "numpy", "keras")
NEEDED_BYTES = 4 * 10**9  # the stock loop holds 3.7 GB

Rounds = list[list[Measurement]]
"""The measurements of each round, in the order of CONTENDERS: stock first."""


def machine() -> dict[str, Any]:
    """Return what the numbers depend on: processor, cores, memory, versions."""
    return {
        "processor": _processor(),
        "cores": len(psutil.Process().cpu_affinity())
        if hasattr(psutil.Process, "cpu_affinity")
        else os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in PACKAGES},
        },
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor() or platform.machine()
    values: dict[str, str] = {}
    for line in cpuinfo.read_text().splitlines():
        name, _, value = line.partition(":")
        values[name.strip()] = value.strip()
    words = values.get("flags", "").split()
    bfloat16 = [word for word in ("amx_bf16", "avx512_bf16") if word in words]
    model = values.get("model name", platform.machine())
    return f"{model} ({', '.join(bfloat16) or 'no bfloat16 arithmetic'})"


def run_contender(contender: Sequence[str], flag_values: Sequence[str]) -> Measurement:
    """Measure a module, the first word of `contender`, in a process of its own.

    Raises:
      UserError: what it says to its user.
      RuntimeError: if it fails otherwise; its traceback is in the message.
    """
    done = subprocess.run(
        [sys.executable, "-m", *contender, *flag_values],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == errors.USAGE_EXIT_STATUS:
        raise errors.UserError(done.stderr.strip().removeprefix("error: "))
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        raise RuntimeError(f"{contender[0]} ended with status {done.returncode}:\n{done.stderr}")
    return Measurement.from_json(lines[-1])


def race(
    rounds: int,
    flag_values: Sequence[str],
    report: Callable[[str], None],
    contenders: Sequence[Sequence[str]] = CONTENDERS,
) -> Rounds:
    """Measure all contenders in turn, `rounds` times."""
    results: Rounds = []
    for number in range(1, rounds + 1):
        load = psutil.getloadavg()[0]
        results.append([run_contender(contender, flag_values) for contender in contenders])
        times = "   ".join(f"{run.name} {run.ms_per_iteration:.1f} ms" for run in results[-1])
        report(f"round {number} of {rounds}   {times}   (load at the start {load:.1f})")
    return results


def ratios(results: Rounds) -> list[list[float]]:
    """Return how many times as fast as the stock loop each contender was, round by round."""
    return [
        [
            runs[0].ms_per_iteration / run.ms_per_iteration
            for runs, run in zip(results, column, strict=True)
        ]
        for column in zip(*results, strict=True)
    ]


def fastest_ratios(results: Rounds) -> list[float]:
    """Return the ratios of the contenders' fastest chunks, in whatever rounds they were."""
    fastest = [min(run.fastest_ms for run in column) for column in zip(*results, strict=True)]
    return [fastest[0] / time for time in fastest]


def machine_lines(facts: dict[str, Any]) -> list[str]:
    """Return the machine as text."""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return [
        f"machine    {facts['processor']}, {facts['cores']} cores, "
        f"{facts['memory_bytes'] / 1e9:.1f} GB, {facts['system']}",
        f"software   {versions}",
    ]


def table_lines(results: Rounds) -> list[str]:
    """Return the table of all contenders and the ratios of the rounds."""
    columns = [list(column) for column in zip(*results, strict=True)]

    def row(label: str, cell: Callable[[list[Measurement]], str]) -> str:
        return f"{label:<38}" + "".join(f"{cell(column):>39}" for column in columns)

    def spread(runs: list[Measurement]) -> str:
        times = [run.ms_per_iteration for run in runs]
        return f"{statistics.median(times):.1f} ({min(times):.1f} to {max(times):.1f})"

    def part(name: str) -> Callable[[list[Measurement]], str]:
        def cell(runs: list[Measurement]) -> str:
            times = [getattr(run, name) for run in runs]
            return "in one graph" if None in times else f"{statistics.median(times):.1f}"

        return cell

    def largest(name: str) -> Callable[[list[Measurement]], str]:
        return lambda runs: f"{max(getattr(run, name) for run in runs) / 1e9:.2f} GB"

    def ratio_row(label: str, values: list[float]) -> str:
        return f"{label:<38}" + "".join(f"{value:>39.2f}" for value in values)

    by_round = ratios(results)
    full = f"{measurement.REPLAY_TRANSITIONS:,} transitions"
    return [
        row("", lambda runs: runs[0].name),
        row("", lambda runs: runs[0].setting),
        row("trained on", lambda runs: runs[0].device),
        row("ms per iteration: median (min to max)", spread),
        row("  of these, playing", part("collect_ms")),
        row("  of these, sampling and training", part("train_ms")),
        row("  fastest chunk", lambda runs: f"{min(run.fastest_ms for run in runs):.1f}"),
        row(
            "ALE frames per second",
            lambda runs: f"{statistics.median(run.frames_per_second for run in runs):,.0f}",
        ),
        row(f"memory of {full}", largest("replay_bytes")),
        row("whole process at the end", largest("resident_bytes")),
        row("whole process at its largest", largest("peak_bytes")),
        ratio_row("ratio to stock: median of the rounds", list(map(statistics.median, by_round))),
        ratio_row("  least", list(map(min, by_round))),
        ratio_row("  greatest", list(map(max, by_round))),
        ratio_row("  of the fastest chunks", fastest_ratios(results)),
    ]


def summary(facts: dict[str, Any], results: Rounds) -> dict[str, Any]:
    """Return everything as plain JSON values."""
    return {
        "machine": facts,
        "update_period_agent_steps": measurement.UPDATE_PERIOD_AGENT_STEPS,
        "random_agent_steps": measurement.RANDOM_AGENT_STEPS,
        "replay_transitions": measurement.REPLAY_TRANSITIONS,
        "rounds": [[run.summary() for run in runs] for runs in results],
        "ratios": ratios(results),
        "median_ratios": [statistics.median(values) for values in ratios(results)],
        "fastest_ratios": fastest_ratios(results),
    }


def check_before_work(json_file: Path | None) -> None:
    """Refuse what would fail after minutes of work.

    Raises:
      UserError: if the memory or the folder of `json_file` is not there.
    """
    free = psutil.virtual_memory().available
    if free < NEEDED_BYTES:
        raise errors.UserError(
            f"the stock loop needs {NEEDED_BYTES / 1e9:.0f} GB of memory and "
            f"{free / 1e9:.1f} GB are free; close other programs"
        )
    if json_file is None:
        return
    if json_file.is_dir():
        raise errors.UserError(f"--json {json_file} is a folder; give the name of a file")
    if not os.access(json_file.parent, os.W_OK):
        raise errors.UserError(f"--json {json_file}: its folder is not there or cannot be written")


def main() -> None:
    """Race as the flags say and print the table."""
    values = flags.FLAGS
    json_file = Path(values.json) if values.json else None
    check_before_work(json_file)
    facts = machine()
    print("\n".join(machine_lines(facts)))
    print(
        f"setting    Breakout, batch {values.batch_size}, a training step every "
        f"{measurement.UPDATE_PERIOD_AGENT_STEPS} agent steps, {values.iterations:,} "
        f"iterations a round after {values.warmup_iterations:,} untimed ones,\n"
        f"           {measurement.RANDOM_AGENT_STEPS:,} random agent steps before "
        f"(the recipe says 20,000)\n",
        flush=True,
    )
    names = ("batch_size", "iterations", "warmup_iterations")
    flag_values = [f"--{name}={values[name].value}" for name in names]
    stock = (*STOCK, "--onednn") if values.stock_onednn else STOCK
    contenders = (stock, *CONTENDERS[1:])
    results = race(values.rounds, flag_values, lambda line: print(line, flush=True), contenders)
    print("\n" + "\n".join(table_lines(results)))
    if json_file:
        json_file.write_text(json.dumps(summary(facts, results), indent=2) + "\n")


if __name__ == "__main__":
    measurement.define_flags()
    flags.DEFINE_integer("rounds", 3, "how often both are measured", 1, 1_000)
    flags.DEFINE_bool("stock_onednn", False, "give the stock loop this project's kernels too")
    flags.DEFINE_string("json", None, "a file for the numbers")
    errors.run_main(main, onednn=False)
