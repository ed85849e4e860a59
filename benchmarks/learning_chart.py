"""Draws scores against minutes: `python -m benchmarks.learning_chart --race=learning.json`.

The file is that which `benchmarks.learning` writes with `--json`. matplotlib draws; it comes with
requirements.txt.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from benchmarks import machine
from benchmarks.chart import matplotlib_figures
from benchmarks.learned import GAMES_OF_A_MEAN, OWN_NAME, Learned
from console import errors

_SIZE_INCHES = (8.3, 4.2)  # about the width of a README at 100 dots an inch
_DOTS_PER_INCH = 200  # twice, for dense screens
_THEIRS, _OURS, _INK, _GRID = ("#9aa4af", "#d97706"), "#1f6feb", "#24292f", "#d8dee4"


def read(file: Path) -> list[Learned]:
    """Return the learners in a file that the benchmark wrote.

    Raises:
      UserError: if the file is not there or holds no such race.
    """
    try:
        learners = [Learned.from_values(one) for one in json.loads(file.read_text())["learners"]]
        if not learners or not all(one.scores for one in learners):
            raise ValueError("nobody has played")
        return learners
    except OSError as error:
        raise errors.UserError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise errors.UserError(
            f"{file} holds no race for scores; give a file that benchmarks.learning wrote with "
            "--json"
        ) from error


def draw(learners: Sequence[Learned], out: Path) -> None:
    """Write a picture: training scores as lines, the games afterwards as dots at their ends.

    Args:
      learners: at least one.
      out: its ending names the format.

    Raises:
      UserError: if matplotlib is not installed.
    """
    figure = matplotlib_figures().Figure(figsize=_SIZE_INCHES, layout="constrained")
    axis = figure.subplots()
    theirs = itertools.cycle(_THEIRS)
    for one in learners:
        color = _OURS if one.name.startswith(OWN_NAME) else next(theirs)
        minutes, scores = [x for x, _ in one.curve], [y for _, y in one.curve]
        axis.plot(minutes, scores, color=color, label=one.name)
        axis.plot([one.minutes], [one.score_mean], "o", color=color)
        axis.annotate(
            f"{one.score_mean:.1f}",
            (one.minutes, one.score_mean),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=_INK,
        )
    axis.set_xlim(0, 1.08 * max(one.minutes for one in learners))  # room for the numbers
    axis.set_ylim(bottom=0)
    axis.set_xlabel("minutes of training, from the start of the program", color=_INK)
    axis.set_ylabel("score", color=_INK)
    axis.set_title(
        f"Breakout: last {GAMES_OF_A_MEAN} games in training, and dots: "
        f"{len(learners[0].scores)} whole games afterwards",
        loc="left",
        fontsize=10,
        color=_INK,
    )
    axis.grid(color=_GRID)
    axis.legend(loc="upper left", frameon=False)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    figure.savefig(out, dpi=_DOTS_PER_INCH, facecolor="white")


def main() -> None:
    """Read the race and draw it."""
    if not flags.FLAGS.race:
        raise errors.UserError("no race was named; give --race the file that --json wrote")
    out = Path(flags.FLAGS.out)
    machine.check_output("out", out)
    draw(read(Path(flags.FLAGS.race)), out)
    print(f"wrote {out}")


if __name__ == "__main__":
    flags.DEFINE_string("race", None, "the file that --json wrote")
    flags.DEFINE_string("out", "docs/scores.png", "the picture")
    errors.run_main(main, onednn=False)
