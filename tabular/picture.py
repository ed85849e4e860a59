"""The error of Q-learning, step by step, as a picture; imports matplotlib where it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from console.errors import UserError, importing

_MOST_POINTS = 2_000  # of a curve; the dots of the picture are fewer


def check_installed() -> None:
    """Raise UserError if matplotlib, which draws, is not installed."""
    with importing("matplotlib"):
        importlib.import_module("matplotlib.figure")


def draw(errors: Mapping[float, np.ndarray], file: Path) -> None:
    """Draw a curve for each discount.

    Args:
      errors: float [steps + 1] by discount, of `learning.Learned`.
      file: PNG, 150 dots an inch.

    Raises:
      UserError: if the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # no screen is needed
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    plot = figure.subplots()
    for discount, values in errors.items():
        steps = np.unique(np.linspace(0, len(values) - 1, _MOST_POINTS).astype(int))
        plot.plot(steps, values[steps], label=f"discount {discount:g}", linewidth=1)
    plot.set_yscale("log")
    plot.set_xlabel("steps")
    plot.set_ylabel("greatest error of a Q-value")
    plot.set_title("Q-learning against value iteration")
    plot.grid(alpha=0.3, which="both")
    plot.legend()
    try:
        figure.savefig(file, dpi=150)
    except OSError as error:
        raise UserError(f"--picture {file} cannot be written ({error.strerror})") from error
