"""Learning curves as a picture; matplotlib is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.errors import importing
from experiments.comparison import Band, band
from experiments.records import AXES, Curve, Record

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROWS = ("evaluation", "training")
_LABELS = {
    "evaluation": "evaluation score",
    "training": "training score, last 30 games",
    "iteration": "iterations",
    "frames": "ALE frames",
    "minutes": "minutes",
}
_STYLES = ("-", "--", ":", "-.")
_COLORS = 10  # of matplotlib's cycle; further variants get another style
_LEGEND_COLUMNS = 4  # at most
_WIDTH, _HEIGHT, _LEGEND_ROW = 13.0, 7.0, 0.25  # inches


def draw(records: Sequence[Record], game: str, file: Path) -> None:
    """Draw the curves of one game: two kinds of score against iterations, frames and minutes.

    A line is the mean over the runs of a variant, as far as all of them have come, and the shade
    around it goes from the least run to the greatest. A dot is an evaluation of one of them, or a
    training score that has no neighbor.

    Args:
      records: at least one; those of other games are not drawn.
      game: as `Breakout`.
      file: PNG, 150 dots an inch.

    Raises:
      UserError: if matplotlib is not installed.
      OSError: if the file cannot be written.
    """
    with importing("matplotlib"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # no screen is needed
        from matplotlib.figure import Figure
        from matplotlib.ticker import EngFormatter, MaxNLocator
    runs = [record for record in records if record.game == game]
    variants = list(dict.fromkeys(record.variant for record in runs))
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    FigureCanvasAgg(figure)
    plots = figure.subplots(len(_ROWS), len(AXES), sharex="col", sharey="row", squeeze=False)
    for number, variant in enumerate(variants):
        own = [record for record in runs if record.variant == variant]
        seeds = f"{len(own)} seed{'s' if len(own) > 1 else ''}"
        for kind, row in zip(_ROWS, plots, strict=True):
            curves: list[Curve] = [getattr(record, kind) for record in own]
            for axis, plot in zip(AXES, row, strict=True):
                _draw_band(plot, band(curves, axis), number, f"{variant} ({seeds})", kind)
    for kind, row in zip(_ROWS, plots, strict=True):
        row[0].set_ylabel(_LABELS[kind])
        for axis, plot in zip(AXES, row, strict=True):
            plot.grid(alpha=0.3)
            plot.set_xlim(0, 1.03 * max(record.ends[axis] for record in runs))
            plot.xaxis.set_major_locator(MaxNLocator(6))
            if axis != "minutes":
                plot.xaxis.set_major_formatter(EngFormatter(sep=""))  # 20k
    for axis, plot in zip(AXES, plots[-1], strict=True):
        plot.set_xlabel(_LABELS[axis])
    figure.suptitle(f"{game}: mean over seeds, shaded from the least to the greatest")
    _add_legend(figure, *plots[_ROWS.index("training")][0].get_legend_handles_labels())
    figure.savefig(file, dpi=150, metadata={"Software": None})


def _add_legend(figure: Figure, handles: Sequence[Artist], labels: Sequence[str]) -> None:
    """Put a legend below the plots, in as many columns as fit, and make the figure higher by it."""
    for columns in range(min(_LEGEND_COLUMNS, len(labels)), 0, -1):
        legend = figure.legend(handles, labels, loc="outside lower center", ncols=columns)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            break
        legend.remove()
    figure.set_size_inches(_WIDTH, _HEIGHT + _LEGEND_ROW * -(-len(labels) // columns))


def _draw_band(plot: Axes, curve: Band | None, number: int, label: str, kind: str) -> None:
    """Draw one variant; one without a curve keeps its color and its place in the legend."""
    style = _STYLES[number // _COLORS % len(_STYLES)]
    color = f"C{number % _COLORS}"
    is_point = curve is not None and len(curve.x) == 1
    marker = "." if is_point or kind == "evaluation" else ""
    if curve is None:
        plot.plot([], [], color=color, linestyle=style, marker=marker, label=label)
        return
    plot.plot(curve.x, curve.mean, color=color, linestyle=style, marker=marker, label=label)
    plot.fill_between(curve.x, curve.least, curve.greatest, color=color, alpha=0.15, linewidth=0)
