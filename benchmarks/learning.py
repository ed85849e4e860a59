"""Races learners for scores on one machine: `python -m benchmarks.learning --minutes=10`.

This project, Stable-Baselines3's DQN and the stock TF-Agents loop train on Breakout one after the
other, each for the same time by the clock and with the machine for itself, and then play whole
games. `race.py` compares the time of a training step; this compares what comes of it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from absl import flags

from benchmarks import learned, machine, peer_environment, project_learner, race
from benchmarks.learned import Learned
from benchmarks.race import Contender
from console import errors
from evaluation import aggregates

_FLAGS_OF_THE_RACE = {"game", "iterations", "logdir", "resume", "seed"}


def contenders(python: str, train_flags: str = "") -> tuple[Contender, ...]:
    """Return the learners; `python` runs Stable-Baselines3.

    Args:
      python: a Python that has it.
      train_flags: of this project, which is the first: if they are wrong, it is said at once.
    """
    return (
        Contender("benchmarks.project_learner", (f"--train_flags={train_flags}",)),
        Contender("benchmarks.sb3_learner", python=python),
        Contender("benchmarks.stock_learner"),
    )


def check_train_flags(train_flags: str) -> None:
    """Refuse flags that are the race's.

    Raises:
      UserError: if there are such.
    """
    for word in shlex.split(train_flags):
        name = word.lstrip("-").partition("=")[0]
        if name in _FLAGS_OF_THE_RACE:
            raise errors.UserError(
                f"--train_flags has --{name}, which the race decides: all play Breakout, for "
                "--minutes, by --seed; leave it out"
            )


def table_lines(results: Sequence[Learned]) -> list[str]:
    """Return what came of each, side by side."""

    def score(one: Learned) -> str:
        return f"{one.score_mean:.1f}"

    def interval(one: Learned) -> str:
        found = aggregates.interval(aggregates.mean, [one.scores])
        return f"{found.low:.1f} to {found.high:.1f}" if found else "of one game: none"

    def training(one: Learned) -> str:
        return f"{one.curve[-1][1]:.1f}" if one.curve else "no game ended"

    rows: dict[str, Callable[[Learned], str]] = {
        "": lambda one: one.name,
        "setting": lambda one: one.setting,
        "minutes of training": lambda one: f"{one.minutes:.1f}",
        "agent steps": lambda one: f"{one.agent_steps:,}",
        "train steps": lambda one: f"{one.train_steps:,}",
        "training score, last 30 games": training,
        "score of whole games afterwards": score,
        "  95 % interval, over these games": interval,
        "  least to greatest": lambda one: f"{min(one.scores):g} to {max(one.scores):g}",
    }
    return race.aligned([(label, [cell(one) for one in results]) for label, cell in rows.items()])


def main() -> None:
    """Race as the flags say and print the table."""
    values = flags.FLAGS
    json_file = Path(values.json) if values.json else None
    machine.check_output("json", json_file)
    check_train_flags(values.train_flags)

    def report(line: str) -> None:
        print(line, flush=True)

    python = peer_environment.python_with_room(report)
    facts = machine.facts()
    report("\n".join(machine.lines(facts)))
    report(
        f"setting    Breakout, {values.minutes:g} minutes each, then {values.games} whole games at "
        f"epsilon {learned.EPSILON}\n"
    )
    results = []
    for contender in contenders(python, values.train_flags):
        one = Learned.from_values(race.run(contender, learned.flag_values()))
        report(f"{one.name}: {one.score_mean:.1f} after {one.minutes:.1f} minutes")
        results.append(one)
        if json_file:  # after each: the next one may fail
            json_file.write_text(json.dumps(summary(facts, results), indent=2) + "\n")
    report("\n" + "\n".join(table_lines(results)))


def summary(facts: dict[str, Any], results: Sequence[Learned]) -> dict[str, Any]:
    """Return a race as plain JSON values; `benchmarks.learning_chart` draws them."""
    return {"machine": facts, "learners": [json.loads(one.to_json()) for one in results]}


if __name__ == "__main__":
    learned.define_flags(least_minutes=1.0)
    flags.DEFINE_string("json", None, "a file for the numbers")
    project_learner.define_flags()
    peer_environment.define_flags()
    errors.run_main(main, onednn=False)
