"""Draws what `benchmarks.soak` has watched, and says what grew.

python -m benchmarks.soak_chart --csv=soak.csv --out=docs/reliability/soak.png
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import flags

from benchmarks import soak
from benchmarks.chart import matplotlib_figures
from console import errors

_BAR_PERCENT = 3.0
_OURS, _INK, _GRID = "#1f6feb", "#24292f", "#d8dee4"


class Growth(NamedTuple):
    """What grew in a run.

    Attributes:
      iterations: at the end.
      at: the iteration that memory is measured from.
      full_at: the iteration at which the replay was full, or as full as it became.
      gb_at: memory at `at`, in 1e9 bytes.
      gb_full: at `full_at`.
      gb_end: at the end.
      open_files: least and greatest, from `at` on.
      threads: the same.
      speeds: iterations a second in the first and in the last tenth of the iterations.
    """

    iterations: int
    at: int
    full_at: int
    gb_at: float
    gb_full: float
    gb_end: float
    open_files: tuple[int, int]
    threads: tuple[int, int]
    speeds: tuple[float, float]

    def sentences(self) -> list[str]:
        """Return what is to be said of it."""
        over_at, over_full = (100 * (self.gb_end / gb - 1) for gb in (self.gb_at, self.gb_full))
        verdict = "within" if over_full <= _BAR_PERCENT else "above"
        first, last = self.speeds
        return [
            f"memory after {self.iterations:,} iterations: {self.gb_end:.3f} GB, "
            f"{over_full:+.1f} % against {self.gb_full:.3f} GB at iteration {self.full_at:,}, "
            f"from which on the replay is full ({verdict} the bar of {_BAR_PERCENT:g} %)",
            f"against {self.gb_at:.3f} GB at iteration {self.at:,}: {over_at:+.1f} %",
            f"open files from there on: {_range(self.open_files)}; threads: {_range(self.threads)}",
            f"iterations a second: {first:.1f} in the first tenth, {last:.1f} in the last "
            f"({last / first:.2f} times)",
        ]


def growth(samples: dict[str, np.ndarray], at: int) -> Growth:
    """Return what grew in samples, by `soak.COLUMNS`.

    Args:
      samples: in the order in which they were taken.
      at: the iteration that memory is measured from; the last sample's if it is beyond.
    """
    iteration, replay = samples["iteration"], samples["replay_transitions"]
    place_full = int(np.argmax(replay >= replay.max()))
    place_at = min(int(np.searchsorted(iteration, at)), len(iteration) - 1)
    gb = samples["resident_bytes"] / 1e9
    end = float(iteration[-1])
    tenths = np.interp([0.1 * end, 0.9 * end], iteration, samples["minutes"]) * 60
    first_sec = tenths[0] - samples["minutes"][0] * 60
    last_sec = samples["minutes"][-1] * 60 - tenths[1]
    ranges = [
        (int(column[place_at:].min()), int(column[place_at:].max()))
        for column in (samples["open_files"], samples["threads"])
    ]
    return Growth(
        iterations=int(end),
        at=int(iteration[place_at]),
        full_at=int(iteration[place_full]),
        gb_at=float(gb[place_at]),
        gb_full=float(gb[place_full]),
        gb_end=float(gb[-1]),
        open_files=ranges[0],
        threads=ranges[1],
        speeds=((0.1 * end - float(iteration[0])) / first_sec, 0.1 * end / last_sec),
    )


def draw(samples: dict[str, np.ndarray], grown: Growth, out: Path) -> None:
    """Draw memory, open files and threads, and speed, by iteration.

    Raises:
      UserError: if matplotlib is not installed.
    """
    figures = matplotlib_figures()
    figure = figures.Figure(figsize=(8.3, 6.5), layout="constrained")
    memory, files, speed = figure.subplots(3, sharex=True)
    iteration = samples["iteration"]
    memory.plot(iteration, samples["resident_bytes"] / 1e9, color=_OURS)
    memory.axvline(grown.full_at, color=_INK, linewidth=0.8, linestyle=":")
    memory.annotate(
        "replay full", (grown.full_at, 0), xytext=(4, 6), textcoords="offset points", fontsize=8
    )
    memory.set_ylabel("resident memory, GB")
    files.plot(iteration, samples["open_files"], color=_OURS, label="open files")
    files.plot(iteration, samples["threads"], color=_INK, linestyle="--", label="threads")
    files.legend(loc="lower right", fontsize=8, frameon=False)
    files.set_ylabel("number")
    begun = samples["iterations_per_sec"] > 0
    speed.plot(iteration[begun], samples["iterations_per_sec"][begun], color=_OURS, linewidth=0.8)
    speed.set_ylabel("iterations a second")
    speed.set_xlabel("iterations")
    for axis in (memory, files, speed):
        axis.set_ylim(bottom=0)
        axis.grid(color=_GRID)
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle("\n".join(grown.sentences()), x=0.01, ha="left", fontsize=8, color=_INK)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=150, facecolor="white")


def _range(least_and_greatest: tuple[int, int]) -> str:
    least, greatest = least_and_greatest
    return f"{least}" if least == greatest else f"{least} to {greatest}"


def main() -> None:
    """Read the samples, draw them, and say what grew."""
    values = flags.FLAGS
    if not values.csv:
        raise errors.UserError("no samples were named; give --csv what benchmarks.soak wrote")
    samples = soak.read(Path(values.csv))
    grown = growth(samples, values.at)
    draw(samples, grown, Path(values.out))
    print("\n".join([*grown.sentences(), f"wrote {values.out}"]))


if __name__ == "__main__":
    flags.DEFINE_string("csv", None, "what benchmarks.soak wrote")
    flags.DEFINE_string("out", "docs/reliability/soak.png", "the picture")
    flags.DEFINE_integer("at", 20_000, "memory is also measured from this iteration", 0, 10**9)
    errors.run_main(main, onednn=False)
