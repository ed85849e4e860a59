"""Watches a run as its rows come, and says in words what goes wrong."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Mapping

from configs import Config
from training.warnings import ROWS_OF_A_TREND, Facts, Row, warnings


class Health:
    """Watches a run as its rows come, and warns of each cause once.

    Args:
      config: of the run.
      gpu_unused: see Facts.
      dead_shares: measures Facts.dead_shares; called for the first ten rows that come, since most
        of what dies does so in the first thousand updates, and then ten times in a run.
    """

    def __init__(
        self,
        config: Config,
        gpu_unused: str | None = None,
        dead_shares: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._config = config
        self._facts = Facts(gpu_unused)
        self._dead_shares = dead_shares
        self._rows: collections.deque[Row] = collections.deque(maxlen=ROWS_OF_A_TREND + 1)
        self._evaluations: collections.deque[Row] = collections.deque(maxlen=1)
        self._said: set[str] = set()
        self._rows_seen = 0
        self._tenth = 0

    def evaluation(self, row: Row) -> None:
        """Keep a row of evaluations.csv for the warnings to come."""
        self._evaluations.append(row)

    def row(self, row: Row) -> list[str]:
        """Return what is to be said after a row of metrics.csv, one sentence for each new cause."""
        self._rows.append(row)
        self._rows_seen += 1
        tenth = int(row["iteration"] * 10 // self._config.iterations)
        if self._rows_seen <= 10 or tenth > self._tenth:
            self._facts = dataclasses.replace(self._facts, dead_shares=self._dead_shares())
        self._tenth = tenth
        found = warnings(self._config, list(self._rows), list(self._evaluations), self._facts)
        new = [sentence for cause, sentence in found.items() if cause not in self._said]
        self._said |= set(found)
        return new
