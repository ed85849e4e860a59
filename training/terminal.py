"""Where a run was started: a progress bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

import tqdm


class Terminal:
    """Shows how far a run is.

    Args:
      iterations: that the run is to have.
      iteration: that it stands at.
    """

    def __init__(self, iterations: int, iteration: int) -> None:
        self._iterations = iterations
        self._bar = tqdm.tqdm(
            total=iterations,
            initial=iteration,
            unit="it",
            dynamic_ncols=True,
            smoothing=0.05,
            disable=not sys.stderr.isatty(),
        )

    def say(self, sentence: str) -> None:
        """Print a line, above the progress bar where there is one."""
        try:
            self._bar.write(sentence, file=sys.stdout)
            sys.stdout.flush()
        except OSError:  # the terminal or the pipe is gone, which is no reason to lose a run
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def begin_training(self, iteration: int) -> None:
        """Let the bar's clock begin here, behind the random play."""
        self._bar.reset(self._iterations)
        self._bar.initial = self._bar.n = self._bar.last_print_n = iteration
        self._bar.refresh()

    def advance(self, iterations: int, shown: Callable[[], Mapping[str, str]]) -> None:
        """Move the bar, and write beside it what `shown` returns, which is asked only then."""
        self._bar.update(iterations)
        if not self._bar.disable:
            self._bar.set_postfix(shown(), refresh=False)

    def row(
        self, iteration: int, shown: Callable[[], Mapping[str, str]], iterations_per_sec: float
    ) -> None:
        """Print a line for a row of metrics, where there is no bar."""
        if self._bar.disable:
            minutes_left = (self._iterations - iteration) / max(iterations_per_sec, 1e-9) / 60
            self.say(
                f"iteration {iteration:,} of {self._iterations:,}  "
                + "  ".join(f"{name} {value}" for name, value in shown().items())
                + f"  {minutes_left:.0f} min left"
            )

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()
