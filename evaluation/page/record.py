"""What a run's files say, whatever state they are in: what is damaged is left out, and said.

Everything here is data that others may have written: nothing is executed, and no name in a file is
followed.
"""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from configs import ConfigError
from configs.programs import Program, program_of
from configs.settings import Settings
from console.errors import UserError
from evaluation.files import read_object
from evaluation.policies import MODEL_FILE, POLICIES_OF_A_RUN

CONFIG, METRICS, EVALUATIONS, WARNINGS = (
    "config.json",
    "metrics.csv",
    "evaluations.csv",
    "warnings.csv",
)
MOST_BYTES = 100_000_000
"""A file that is larger is no file of a run."""

_GREATEST_NUMBER = 1e15  # what is beyond is as good as infinite, and could not be drawn

Columns = Mapping[str, np.ndarray]
"""Columns of a CSV file by name, float64 [rows]; NaN where there is no number."""


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """What a run has written down.

    Attributes:
      path: of its folder.
      preset: that its numbers began from; empty where config.json does not say.
      settings: all of them by name, as they stand in config.json.
      config: the same, checked; None where another program wrote them, or damage.
      sessions: for each time that it was started or resumed, what was noted then.
      metrics: of metrics.csv; has `iteration`.
      evaluations: of evaluations.csv; has `iteration`.
      warnings: the iteration and the sentence of each; None where the run has kept none.
      has_policy: whether one was exported.
      has_checkpoint: whether it could go on.
      remarks: a sentence for each thing that is missing or damaged.
    """

    path: Path
    preset: str
    settings: Mapping[str, Any]
    config: Settings | None
    sessions: Sequence[Mapping[str, Any]]
    metrics: Columns
    evaluations: Columns
    warnings: Sequence[tuple[str, str]] | None
    has_policy: bool
    has_checkpoint: bool
    remarks: Sequence[str]

    @property
    def game(self) -> str:
        """The name of the game, `a game` where it is not known."""
        return str(self.settings.get("game", "a game"))

    @property
    def program(self) -> Program:
        """What trains such runs."""
        return program_of(self.settings)

    @property
    def iterations_done(self) -> int:
        """The iteration of the last row, 0 before the first."""
        ends = [columns["iteration"] for columns in (self.metrics, self.evaluations)]
        return int(max([0.0, *(end[-1] for end in ends if len(end))]))


def read_run(path: Path) -> RunRecord:
    """Read a run's folder.

    Raises:
      UserError: if there is no run in it.
    """
    if not path.is_dir():
        raise UserError(f"there is no run's folder {path}; name one that exists")
    if not (path / CONFIG).is_file():
        raise UserError(f"there is no run in {path}: it has no {CONFIG}; name a run's folder")
    remarks: list[str] = []
    content = _read_config(path / CONFIG, remarks)
    settings = content.get("config")
    settings = settings if isinstance(settings, dict) else {}
    sessions = content.get("sessions")
    sessions = sessions if isinstance(sessions, list) else []
    preset = content.get("preset")
    return RunRecord(
        path=path,
        preset=preset if isinstance(preset, str) else "",
        settings=settings,
        config=_config(settings, remarks),
        sessions=[session for session in sessions if isinstance(session, dict)],
        metrics=_read_columns(path / METRICS, remarks),
        evaluations=_read_columns(path / EVALUATIONS, remarks),
        warnings=_read_warnings(path / WARNINGS, remarks),
        has_policy=any((path / name / MODEL_FILE).is_file() for name in POLICIES_OF_A_RUN),
        has_checkpoint=any(path.glob("checkpoints/[0-9]*")),
        remarks=remarks,
    )


def _read_config(file: Path, remarks: list[str]) -> dict[str, Any]:
    try:
        return read_object(file)
    except (OSError, ValueError) as error:
        remarks.append(f"{file.name} is broken, so that the settings are not known: {error}")
        return {}


def _config(settings: Mapping[str, Any], remarks: list[str]) -> Settings | None:
    if not settings:
        return None
    try:
        return program_of(settings).settings.from_dict(settings)
    except (ConfigError, TypeError, ValueError) as error:
        remarks.append(f"the settings are not those of this program: {error}")
        return None


def _rows(file: Path, remarks: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each whole line with its number, and remark on the others."""
    damaged: list[int] = []
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES / 1e6:.0f} MB")
        if not file.is_file():  # a pipe would never end
            raise ValueError("it is no file")
        with file.open(newline="", encoding="utf-8") as content:
            rows = csv.reader(content)
            header = next(rows, [])
            if not header:
                raise ValueError("it is empty")
            for row in rows:
                if len(row) == len(header):
                    yield rows.line_num, dict(zip(header, row, strict=True))
                else:
                    damaged.append(rows.line_num)
    except FileNotFoundError:
        remarks.append(f"there is no {file.name}")
    except (OSError, ValueError, csv.Error) as error:  # text that is no UTF-8 is a ValueError
        remarks.append(f"{file.name} cannot be read to its end: {error}")
    if damaged:
        remarks.append(_left_out(file, damaged, "has not as many fields as the header"))


def _read_columns(file: Path, remarks: list[str]) -> Columns:
    """Return the columns of lines whose iterations grow."""
    names: list[str] = ["iteration"]
    values: list[list[float]] = []
    backward: list[int] = []
    for line, row in _rows(file, remarks):
        names = ["iteration", *(name for name in row if name != "iteration")]
        numbers = [number(row.get(name, "")) for name in names]
        if numbers[0] > (values[-1][0] if values else -1.0):
            values.append(numbers)
        else:
            backward.append(line)
    if backward:
        remarks.append(_left_out(file, backward, "has no iteration that grows"))
    table = np.array(values, np.float64).reshape(-1, len(names))
    return {name: table[:, number] for number, name in enumerate(names)}


def _read_warnings(file: Path, remarks: list[str]) -> list[tuple[str, str]] | None:
    """Return what was warned of; None for runs of programs that did not write it down."""
    if not file.exists():
        return None
    return [(row.get("iteration", ""), row.get("warning", "")) for _, row in _rows(file, remarks)]


def number(field: str) -> float:
    """Return the number that a text is; NaN for what is none, or as good as infinite."""
    try:
        value = float(field)
    except ValueError:
        return math.nan
    return value if abs(value) < _GREATEST_NUMBER else math.nan


def _left_out(file: Path, lines: Sequence[int], why: str) -> str:
    shown = f"line {lines[0]}"
    if len(lines) > 1:
        shown = f"{len(lines)} lines, the first of them line {lines[0]}, each of which"
    return f"left out of {file.name}: {shown} {why}"
