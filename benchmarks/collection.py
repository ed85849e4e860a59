"""Compares collection alone, 8 games, with the bare emulator: `python -m benchmarks.collection`."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from absl import flags

from benchmarks import collection_rates, machine, race
from benchmarks.collection_rates import GAMES, CollectionRates
from benchmarks.race import Contender
from console import errors

CONTENDER = Contender("benchmarks.collection_rates")
BAR = 0.70  # of the bare emulator


def shares(rates: CollectionRates) -> dict[str, list[float]]:
    """Return what share of the bare emulator's rate each kind of collection reaches, by chunk."""
    return {
        name: [rate / bare for rate, bare in zip(getattr(rates, name), rates.bare, strict=True)]
        for name in ("at_random", "acting")
    }


def table_lines(rates: CollectionRates) -> list[str]:
    """Return the table: agent steps a second, frames a second, share of the bare emulator."""
    by_chunk = {"bare": [1.0], **shares(rates)}
    columns = [getattr(rates, name) for name in by_chunk]
    return race.aligned(
        [
            (
                f"collection alone, {GAMES} games",
                [
                    "bare emulator",
                    "here at random",
                    f"here with the network ({rates.device}, epsilon {rates.epsilon:g})",
                ],
            ),
            ("agent steps per second", [f"{statistics.median(rate):,.0f}" for rate in columns]),
            ("  least", [f"{min(rate):,.0f}" for rate in columns]),
            ("  greatest", [f"{max(rate):,.0f}" for rate in columns]),
            ("ALE frames per second", [f"{4 * statistics.median(rate):,.0f}" for rate in columns]),
            (
                f"share of the bare emulator: median of the chunks (bar {BAR:.2f})",
                [f"{statistics.median(share):.2f}" for share in by_chunk.values()],
            ),
        ]
    )


def summary(rates: CollectionRates) -> dict[str, Any]:
    """Return everything as plain JSON values."""
    return {"games": GAMES, **vars(rates), "shares": shares(rates)}


def main() -> None:
    """Measure as the flags say and print the table."""
    values = flags.FLAGS
    json_file = Path(values.json) if values.json else None
    machine.check_output("json", json_file)
    facts = machine.facts()
    print("\n".join(machine.lines(facts)) + "\n", flush=True)
    flag_values = [f"--{name}={values[name].value}" for name in ("chunks", "chunk_agent_steps")]
    rates = CollectionRates(**race.run(CONTENDER, flag_values))
    print("\n".join(table_lines(rates)))
    if json_file:
        json_file.write_text(json.dumps({"machine": facts, **summary(rates)}, indent=2) + "\n")


if __name__ == "__main__":
    collection_rates.define_flags()
    flags.adopt_module_key_flags(collection_rates)
    flags.DEFINE_string("json", None, "a file for the numbers")
    errors.run_main(main)
