"""What runs have written down: their CSV files as curves, and a copy of just these files."""

from __future__ import annotations

import csv
import dataclasses
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from configs.games import frames_per_agent_step
from configs.programs import program_of
from configs.recipe import NO_PART_OF_A_RECIPE
from evaluation.files import read_object

FILES = ("config.json", "metrics.csv", "evaluations.csv")
"""All that a report is made from."""

AXES = ("iteration", "frames", "minutes")
"""What a score can be seen against: training steps, ALE frames of training, minutes of work."""

# In which runs whose mean is taken may differ: not in how long they are trained.
_OWN = NO_PART_OF_A_RECIPE - {"iterations"} | {"seed", "game"}


class DamagedFileError(ValueError):
    """A run's file cannot be used; the message is a sentence that names it."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """Scores against each axis.

    Attributes:
      axes: float64 [n] for each of AXES, growing.
      scores: float64 [n], raw.
    """

    axes: Mapping[str, np.ndarray]
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def at(self, axis: str, place: float) -> float | None:
        """Return the score at a place on an axis, on a straight line between its neighbors.

        None before the first score and after the last.
        """
        x = self.axes[axis]
        if not len(x) or not x[0] <= place <= x[-1]:
            return None
        return float(np.interp(place, x, self.scores))


@dataclasses.dataclass(frozen=True)
class Record:
    """What one run has written down.

    Attributes:
      path: of its folder.
      variant: the name of the first folder below the one that was read.
      game: as `Breakout`.
      seed: of the run.
      settings: all of them, by name.
      training: mean score of the last 30 games in training.
      evaluation: mean score of the evaluation games.
      ends: how far the run has come on each of AXES.
    """

    path: Path
    variant: str
    game: str
    seed: int
    settings: Mapping[str, Any]
    training: Curve
    evaluation: Curve
    ends: Mapping[str, float]


def read_records(folder: Path) -> tuple[list[Record], list[str]]:
    """Return the runs in a folder, by variant, game and seed, and a sentence for each left out.

    A run is a folder with a config.json; what is inside of it is no other run.
    """
    records, left_out = [], []
    for path in _run_paths(folder):
        below = path.relative_to(folder).parts
        try:
            records.append(_read(path, below[0] if below else folder.resolve().name))
        except DamagedFileError as error:
            left_out.append(f"left out {'/'.join(below) or path}: {error}")
    return sorted(records, key=lambda r: (r.variant, r.game, r.seed, r.path)), left_out


def _run_paths(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders.sort()
        if "config.json" in files:
            folders.clear()
            yield Path(root)


def collect(records: Sequence[Record], folder: Path, into: Path) -> int:
    """Copy the FILES of runs that were read in `folder` into another; return how many."""
    copied = 0
    for record in records:
        target = into / record.path.relative_to(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copyfile(record.path / name, target / name)
            copied += 1
    return copied


def differences(records: Sequence[Record]) -> list[str]:
    """Return a sentence for each variant whose runs on one game are not one training repeated."""
    sentences = []
    for variant, game in dict.fromkeys((record.variant, record.game) for record in records):
        runs = [
            {**program_of(record.settings).settings.before(), **record.settings}
            for record in records
            if (record.variant, record.game) == (variant, game)
        ]
        names = {name for settings in runs for name in settings} - _OWN
        differing = [
            name
            for name in sorted(names)
            if any(settings.get(name) != runs[0].get(name) for settings in runs)
        ]
        if differing:
            sentences.append(
                f"the runs of {variant} on {game} differ in {', '.join(differing)}: their mean is "
                "not that of one recipe trained for one number of iterations"
            )
    return sentences


def _read(path: Path, variant: str) -> Record:
    settings = _read_settings(path / "config.json")
    metrics = _read_rows(path / "metrics.csv", [*AXES, "score_mean_30_games"])
    if not len(metrics["iteration"]):
        raise DamagedFileError("metrics.csv has no row yet")
    evaluations = _read_rows(path / "evaluations.csv", ["iteration", "score_mean"])
    # Where training begins, and each row: evaluations.csv knows the iteration only.
    begin = {"iteration": 0.0, "minutes": 0.0}
    held = frames_per_agent_step(settings["game"])
    begin["frames"] = float(held * settings.get("initial_collect_steps", 0))
    known = {axis: np.concatenate([[begin[axis]], metrics[axis]]) for axis in AXES}
    # Behind the last row of a run that goes on, nobody knows the frames and minutes yet.
    is_known = evaluations["iteration"] <= metrics["iteration"][-1]
    place = evaluations["iteration"][is_known]
    has_score = ~np.isnan(metrics["score_mean_30_games"])  # none before the first game ends
    return Record(
        path=path,
        variant=variant,
        game=settings["game"],
        seed=settings["seed"],
        settings=settings,
        training=Curve(
            {axis: metrics[axis][has_score] for axis in AXES},
            metrics["score_mean_30_games"][has_score],
        ),
        evaluation=Curve(
            {axis: np.interp(place, known["iteration"], known[axis]) for axis in AXES},
            evaluations["score_mean"][is_known],
        ),
        ends={axis: float(metrics[axis][-1]) for axis in AXES},
    )


def _read_settings(file: Path) -> dict[str, Any]:
    """Return a run's settings; unlike a resume, a report reads those of older programs too."""
    try:
        settings = read_object(file)["config"]
        if not isinstance(settings["game"], str) or type(settings["seed"]) is not int:
            raise TypeError("game must be a text, and seed a whole number")
        steps = settings.get("initial_collect_steps", 0)
        if type(steps) is not int or not 0 <= steps < 2**53:
            raise TypeError("initial_collect_steps must be a whole number")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(f"{file.name} is broken ({error})") from error
    return dict(settings)


def _read_rows(file: Path, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """Return columns of a CSV file, float64 [rows]; a score that is not there is NaN.

    Raises:
      DamagedFileError: if the file or a column is missing, if a line has a field too few or
        too many or one that is no number, or if iterations do not grow.
    """
    values: list[list[float]] = []
    try:
        with file.open(newline="") as content:
            rows = csv.reader(content)
            header = next(rows, [])
            missing = [name for name in columns if name not in header]
            if missing:
                raise DamagedFileError(f"{file.name} has no column {missing[0]}")
            places = [header.index(name) for name in columns]
            for row in rows:
                where = f"line {rows.line_num} of {file.name}"
                if len(row) != len(header):
                    raise DamagedFileError(f"{where} has {len(row)} of {len(header)} fields")
                values.append(_numbers([row[place] for place in places], columns, where))
                if len(values) > 1:
                    _check_growing(columns, values[-2], values[-1], where)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DamagedFileError(f"{file.name} cannot be read ({error})") from error
    table = np.array(values, np.float64).reshape(-1, len(columns))
    return {name: table[:, number] for number, name in enumerate(columns)}


def _check_growing(
    columns: Sequence[str], before: Sequence[float], here: Sequence[float], where: str
) -> None:
    for name, one, two in zip(columns, before, here, strict=True):
        if name == "iteration" and two <= one:
            raise DamagedFileError(f"{where} has an iteration that does not grow")
        if name in AXES and two < one:
            raise DamagedFileError(f"{where} has {name} that fall")


def _numbers(fields: Sequence[str], columns: Sequence[str], where: str) -> list[float]:
    numbers = []
    for name, field in zip(columns, fields, strict=True):
        if not field and name == "score_mean_30_games":
            numbers.append(math.nan)
            continue
        try:
            number = float(field)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise DamagedFileError(f"{where} has {field!r} as {name}")
        numbers.append(number)
    return numbers
