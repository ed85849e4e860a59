"""Races this project's loop against the stock TF-Agents loop: `python -m benchmarks.throughput`.

The stock loop, this project with the same algorithm, and this project with Double DQN, in
alternating rounds (see `race.py`); in the same rounds the floor of both algorithms, and at the end
collection alone.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from absl import flags

from benchmarks import collection, machine, measurement, race
from benchmarks.collection_rates import CollectionRates
from benchmarks.race import Contender, Rounds
from console import errors

RACERS = (
    Contender("benchmarks.stock_loop"),
    Contender("benchmarks.project_loop", ("--like=stock",)),
    Contender("benchmarks.project_loop", ("--like=double",)),
)


def _floor_of(place: int, *flag_values: str) -> race.Racer:
    """Return the floor of the racer in `place`, in the precision that it chose in the round."""
    return lambda runs: Contender(
        "benchmarks.floor", (f"--precision={runs[place].precision}", *flag_values)
    )


FLOORS = (_floor_of(1), _floor_of(2, "--double"))
"""What the racers of this project cannot be faster than, in their order."""

FLOOR_BAR = 1.25
GPU_BAR_FRAMES_PER_SEC = 6_200
"""Of Double DQN on one GPU, at GPU_BAR_BATCH_SIZE."""
GPU_BAR_BATCH_SIZE = 32
_NEEDED_BYTES = 4 * 10**9  # the stock loop holds 3.7 GB


def split(results: Rounds) -> tuple[Rounds, Rounds]:
    """Return the measurements of RACERS and those of FLOORS."""
    return race.only(results, slice(len(RACERS))), race.only(results, slice(len(RACERS), None))


def floor_ratios(results: Rounds) -> list[list[float]]:
    """Return how many times its floor each racer of this project takes, round by round."""
    racers, floors = split(results)
    return [
        [
            one.ms_per_iteration / floor.ms_per_iteration
            for one, floor in zip(racer_column, floor_column, strict=True)
        ]
        for racer_column, floor_column in zip(
            list(zip(*racers, strict=True))[1:], zip(*floors, strict=True), strict=True
        )
    ]


def floor_lines(results: Rounds) -> list[str]:
    """Return the table of the floor: its two parts, their sum, and the distance to it."""
    racers, floors = split(results)
    columns = list(zip(*floors, strict=True))

    def parts(name: str) -> list[str]:
        return [f"{statistics.median(getattr(one, name) for one in runs):.1f}" for runs in columns]

    by_round = floor_ratios(results)
    return race.aligned(
        [
            ("distance to the floor", [one.name for one in racers[0][1:]]),
            ("arithmetic of both", [race.precisions(runs) for runs in columns]),
            ("bare Keras training step, ms", parts("train_ms")),
            ("bare emulator, ms", parts("collect_ms")),
            ("floor: their sum, ms, median (min to max)", [race.spread(runs) for runs in columns]),
            (
                f"times the floor: median of the rounds (bar {FLOOR_BAR})",
                [f"{statistics.median(values):.2f}" for values in by_round],
            ),
            ("  least", [f"{min(values):.2f}" for values in by_round]),
            ("  greatest", [f"{max(values):.2f}" for values in by_round]),
        ]
    )


def gpu_lines(results: Rounds) -> list[str]:
    """Return what Double DQN did on a GPU against its bar; nothing without a GPU."""
    runs = [racers[-1] for racers in split(results)[0]]
    device, batch_size = runs[0].device, runs[0].batch_size
    if device == "CPU":
        return []
    speed = statistics.median(one.frames_per_second for one in runs)
    if batch_size != GPU_BAR_BATCH_SIZE:
        judged = f"its bar is for --batch_size={GPU_BAR_BATCH_SIZE}"
    else:
        is_met = speed >= GPU_BAR_FRAMES_PER_SEC
        judged = f"bar {GPU_BAR_FRAMES_PER_SEC:,}: {'met' if is_met else 'not met'}"
    return [f"on {device}: {runs[0].name}, batch {batch_size}, {speed:,.0f} frames/s ({judged})"]


def summary(facts: dict[str, Any], results: Rounds, collected: CollectionRates) -> dict[str, Any]:
    """Return everything as plain JSON values.

    Args:
      facts: of `machine.facts`.
      results: of RACERS and FLOORS.
      collected: the rates of collection alone.
    """
    racers, floors = split(results)
    return {
        "machine": facts,
        **race.summary(racers),
        "floor_rounds": race.summary(floors)["rounds"],
        "floor_ratios": floor_ratios(results),
        "collection": collection.summary(collected),
    }


def main() -> None:
    """Race as the flags say and print the tables."""
    values = flags.FLAGS
    json_file = Path(values.json) if values.json else None
    machine.check_output("json", json_file)
    machine.check_memory(_NEEDED_BYTES, "the stock loop")
    facts = machine.facts()
    print("\n".join(machine.lines(facts)))
    print(
        f"setting    Breakout, batch {values.batch_size}, a training step every "
        f"{measurement.UPDATE_PERIOD_AGENT_STEPS} agent steps, {values.iterations:,} "
        f"iterations a round after {values.warmup_iterations:,} untimed ones,\n"
        f"           {measurement.RANDOM_AGENT_STEPS:,} random agent steps before "
        f"(the recipe says 20,000)\n",
        flush=True,
    )
    stock = Contender(RACERS[0].module, ("--onednn",) if values.stock_onednn else ())
    racers = (stock, *RACERS[1:], *FLOORS)

    def report(line: str) -> None:
        print(line, flush=True)

    results = race.race(values.rounds, racers, measurement.flag_values(), report)
    print("\n" + "\n".join(race.table_lines(split(results)[0])))
    print("\n" + "\n".join(floor_lines(results)), flush=True)
    for line in gpu_lines(results):
        print(f"\n{line}", flush=True)
    collected = CollectionRates(**race.run(collection.CONTENDER))
    print("\n" + "\n".join(collection.table_lines(collected)))
    if json_file:
        text = json.dumps(summary(facts, results, collected), indent=2)
        json_file.write_text(text + "\n")


if __name__ == "__main__":
    measurement.define_flags()
    flags.DEFINE_integer("rounds", 3, "how often all are measured", 1, 1_000)
    flags.DEFINE_bool("stock_onednn", False, "give the stock loop this project's kernels too")
    flags.DEFINE_string("json", None, "a file for the numbers")
    errors.run_main(main, onednn=False)
