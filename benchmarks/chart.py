"""Draws races as bars: `python -m benchmarks.chart --races=throughput.json,peers.json`.

The files are those that `benchmarks.throughput` and `benchmarks.peers` write with `--json`; each is
a panel of its own. matplotlib draws; it comes with requirements.txt.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

from benchmarks import machine, race
from benchmarks.measurement import UPDATE_PERIOD_AGENT_STEPS
from console import errors

_WIDTH_INCHES = 8.3  # about the width of a README at 100 dots an inch
_BAR_INCHES = 0.42
_PANEL_INCHES = 0.75  # title and margin
_AXIS_INCHES = 0.45
_DOTS_PER_INCH = 200  # twice, for dense screens
_OURS, _THEIRS, _INK, _GRID = "#1f6feb", "#9aa4af", "#24292f", "#d8dee4"


@dataclasses.dataclass(frozen=True)
class Bar:
    """One contender.

    Attributes:
      label: its name.
      ms: per iteration, the median of the rounds.
      least_ms: of the rounds.
      greatest_ms: of the rounds.
      frames_per_second: ALE frames, the median of the rounds.
      ratio: how many times as fast as the first, the median of the rounds.
    """

    label: str
    ms: float
    least_ms: float
    greatest_ms: float
    frames_per_second: float
    ratio: float


@dataclasses.dataclass(frozen=True)
class Panel:
    """One race: the first bar is what the others are compared to."""

    batch_size: int
    device: str
    bars: list[Bar]


def read(file: Path) -> Panel:
    """Return the race in a file that a benchmark wrote.

    Raises:
      UserError: if the file is not there or holds no race.
    """
    try:
        values = json.loads(file.read_text())
        return panel_of(race.rounds_of(values))
    except OSError as error:
        raise errors.UserError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise errors.UserError(
            f"{file} holds no race; give a file that benchmarks.throughput or benchmarks.peers "
            "wrote with --json"
        ) from error


def panel_of(results: race.Rounds) -> Panel:
    """Return what is drawn of a race."""
    bars = []
    for runs, ratios in zip(zip(*results, strict=True), race.ratios(results), strict=True):
        times = [one.ms_per_iteration for one in runs]
        bars.append(
            Bar(
                runs[0].name,
                statistics.median(times),
                min(times),
                max(times),
                statistics.median(one.frames_per_second for one in runs),
                statistics.median(ratios),
            )
        )
    first = results[0][0]
    return Panel(first.batch_size, first.device, bars)


def matplotlib_figures() -> Any:
    """Return the module matplotlib.figure.

    Raises:
      UserError: if matplotlib is not installed.
    """
    with errors.importing("matplotlib"):
        return importlib.import_module("matplotlib.figure")


def draw(panels: Sequence[Panel], out: Path) -> None:
    """Write a picture of all panels, on one scale that begins at 0.

    Raises:
      UserError: if matplotlib is not installed.
    """
    figures = matplotlib_figures()
    counts = [len(panel.bars) for panel in panels]
    heights = [_PANEL_INCHES + _BAR_INCHES * count for count in counts]
    figure = figures.Figure(
        figsize=(_WIDTH_INCHES, sum(heights) + _AXIS_INCHES), layout="constrained"
    )
    axes = figure.subplots(
        len(panels), sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    widest = max(bar.greatest_ms for panel in panels for bar in panel.bars)
    for axis, panel in zip(axes, panels, strict=True):
        _draw_panel(axis, panel)
        axis.set_xlim(0, widest * 1.38)  # room for the numbers
    axes[-1].set_xlabel("milliseconds per iteration, less is better", color=_INK)
    figure.savefig(out, dpi=_DOTS_PER_INCH, facecolor="white")


def _draw_panel(axis: Any, panel: Panel) -> None:
    places = range(len(panel.bars))
    for place, bar in zip(places, panel.bars, strict=True):
        axis.barh(
            place,
            bar.ms,
            height=0.66,
            color=_OURS if place else _THEIRS,
            xerr=[[bar.ms - bar.least_ms], [bar.greatest_ms - bar.ms]],
            error_kw={"ecolor": _INK, "elinewidth": 1, "capsize": 2},
        )
        faster = f"   {bar.ratio:.2f} times as fast" if place else ""
        axis.annotate(
            f"{bar.ms:.1f} ms, {bar.frames_per_second:,.0f} frames/s{faster}",
            (bar.greatest_ms, place),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=_INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    axis.set_yticks(list(places), [bar.label for bar in panel.bars], fontsize=10, color=_INK)
    axis.invert_yaxis()
    axis.set_title(
        f"batch {panel.batch_size}, one training step and {UPDATE_PERIOD_AGENT_STEPS} agent steps, "
        f"Breakout, {panel.device}",
        loc="left",
        fontsize=10,
        color=_INK,
    )
    axis.grid(axis="x", color=_GRID)
    axis.set_axisbelow(True)
    axis.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def main() -> None:
    """Read the races and draw them."""
    files, out = flags.FLAGS.races, Path(flags.FLAGS.out)
    if not files:
        raise errors.UserError("no race was named; give --races the files that --json wrote")
    machine.check_output("out", out)
    draw([read(Path(file)) for file in files], out)
    print(f"wrote {out}")


if __name__ == "__main__":
    flags.DEFINE_list("races", [], "the files that --json wrote, with commas between")
    flags.DEFINE_string("out", "docs/speed.png", "the picture")
    errors.run_main(main, onednn=False)
