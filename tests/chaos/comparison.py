"""Compares a run that was killed with one that was not."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

from .forked_run import newest_checkpoint, unfinished
from .promises import check

# What a clock or the machine decides, in columns and in charts.
_CLOCKED = re.compile(r"minutes|resident_gb|.*_per_sec|.*_percent")
# With --no-weights: what the games in play do not decide.
_SURE_COLUMNS = {"iteration", "epsilon", "frames", "agent_steps", "replay_transitions", "game"}


def compare(killed: Path, whole: Path, *, weights: bool) -> None:
    """See that a run that was killed has what one that was not has; raise LostError if not."""
    for name in ("metrics.csv", "evaluations.csv", "games.csv"):
        _compare_rows(name, _rows(killed / name), _rows(whole / name), weights=weights)
    _compare_points(_points(killed), _points(whole), weights=weights)
    check(newest_checkpoint(killed) == newest_checkpoint(whole), "the last checkpoint is missing")
    check(not unfinished(killed), "something unfinished is left")
    for name in ("last", "best"):
        check((killed / "policies" / name / "saved_model.pb").exists(), f"no policy {name}")
    if weights:
        _compare_weights(killed, whole)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _compare_rows(
    name: str, killed: list[dict[str, str]], whole: list[dict[str, str]], *, weights: bool
) -> None:
    key = "game" if name == "games.csv" else "iteration"
    twice = [value for value, count in Counter(row[key] for row in killed).items() if count > 1]
    check(not twice, f"{name} has {key} {twice} twice")
    numbers = [int(row[key]) for row in killed]
    check(numbers == sorted(numbers), f"{name} is out of order")
    if key == "game":
        check(numbers == list(range(1, len(numbers) + 1)), f"{name} lacks a game: {numbers}")
        if not weights:
            return  # other games were played
    check(len(killed) == len(whole), f"{name} has {len(killed)} of {len(whole)} rows")
    for one, two in zip(killed, whole, strict=True):
        for column in two:
            # Two games side by side overshoot, or do not, as the games begin.
            loose = column in ("frames", "agent_steps", "replay_transitions") and not weights
            if _CLOCKED.fullmatch(column) or not (weights or column in _SURE_COLUMNS):
                continue
            slack = 8 if loose else 0
            same = one[column] == two[column] or (
                slack and abs(float(one[column]) - float(two[column])) <= slack
            )
            check(
                bool(same),
                f"{name}, {key} {two[key]}: {column} is {one[column]} and not {two[column]}",
            )


def _points(folder: Path) -> dict[str, list[int]]:
    """Return the steps of each chart, from the event files: TensorBoard itself hides doubles."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    points: dict[str, list[int]] = {}
    for path in sorted((folder / "tensorboard").glob("events.*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                points.setdefault(value.tag, []).append(event.step)
    return points


def _compare_points(
    killed: dict[str, list[int]], whole: dict[str, list[int]], *, weights: bool
) -> None:
    for tag, steps in whole.items():
        here = killed.get(tag, [])
        twice = [step for step, count in Counter(here).items() if count > 1]
        check(not twice, f"the chart {tag} has {twice} twice")
        # The first game may end sooner or later; a film comes with a better score.
        if weights or ("games" not in tag and tag != "evaluation/film"):
            check(sorted(here) == sorted(steps), f"the chart {tag} has {here} and not {steps}")


def _compare_weights(killed: Path, whole: Path) -> None:
    import numpy as np
    import tensorflow as tf

    from training.run_folder import RunFolder

    one, two = (
        tf.train.load_checkpoint(str(RunFolder(folder).checkpoint_paths()[-1] / "variables"))
        for folder in (killed, whole)
    )
    names = set(two.get_variable_to_shape_map())
    check(names == set(one.get_variable_to_shape_map()), "the checkpoints hold other variables")
    for name in sorted(names - {"_CHECKPOINTABLE_OBJECT_GRAPH"}):
        same = np.array_equal(one.get_tensor(name), two.get_tensor(name))
        check(same, f"{name.split('/.')[0]} differs from that of the run that was never killed")
