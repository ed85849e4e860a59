"""Races this project's loop against Stable-Baselines3's DQN: `python -m benchmarks.peers`.

That library runs in a virtual environment of its own, which this command makes where it is not
there yet. Then it is raced against this project with the same algorithm, and with Double DQN, in
alternating rounds; see `race.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

from absl import flags

from benchmarks import machine, measurement, peer_environment, race
from benchmarks.race import Contender
from console import errors


def contenders(python: str) -> tuple[Contender, ...]:
    """Return the peer, which `python` runs, and this project twice."""
    return (
        Contender("benchmarks.sb3_loop", python=python),
        Contender("benchmarks.project_loop", ("--like=sb3",)),
        Contender("benchmarks.project_loop", ("--like=double",)),
    )


def main() -> None:
    """Race as the flags say and print the table."""
    values = flags.FLAGS
    json_file = Path(values.json) if values.json else None
    machine.check_output("json", json_file)

    def report(line: str) -> None:
        print(line, flush=True)

    python = peer_environment.python_with_room(report)
    facts = machine.facts()
    report("\n".join(machine.lines(facts)))
    report(
        f"setting    Breakout, batch {values.batch_size}, a training step every "
        f"{measurement.UPDATE_PERIOD_AGENT_STEPS} agent steps, {values.iterations:,} "
        f"iterations a round after {values.warmup_iterations:,} untimed ones,\n"
        f"           {measurement.RANDOM_AGENT_STEPS:,} random agent steps before\n"
    )
    results = race.race(values.rounds, contenders(python), measurement.flag_values(), report)
    report("\n" + "\n".join(race.table_lines(results)))
    if json_file:
        text = json.dumps({"machine": facts, **race.summary(results)}, indent=2)
        json_file.write_text(text + "\n")


if __name__ == "__main__":
    measurement.define_flags(batch_size=32)
    flags.DEFINE_integer("rounds", 3, "how often all are measured", 1, 1_000)
    flags.DEFINE_string("json", None, "a file for the numbers")
    peer_environment.define_flags()
    errors.run_main(main, onednn=False)
