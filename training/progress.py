"""How far a run has come: the small state that the loop and its logs share."""

from __future__ import annotations

import collections
import dataclasses
import math
import statistics
from collections.abc import Callable, Mapping
from typing import Any

from envs.finished_game import FinishedGame

RECENT_GAMES = 30


@dataclasses.dataclass
class Progress:
    """Counters of a run; JSON values all, so that a checkpoint can hold them.

    Attributes:
      iteration: training steps done.
      seconds: of work, over all resumes.
      games_finished: whole games in training.
      logged_iteration: of the last row of metrics.csv.
      evaluated_iteration: of the last evaluation.
      checkpoint_iteration: of the last checkpoint.
      best_score: greatest mean score of an evaluation.
      recent_games: score and length in agent steps of the last 30 games.
      losses: means over the iterations since the last row of metrics.csv, by LOSS_FIELDS.
      iterations_of_losses: how many these are.
    """

    iteration: int = 0
    seconds: float = 0.0
    games_finished: int = 0
    logged_iteration: int = 0
    evaluated_iteration: int = 0
    checkpoint_iteration: int = 0
    best_score: float | None = None
    recent_games: list[list[float]] = dataclasses.field(default_factory=list)
    losses: dict[str, float] = dataclasses.field(default_factory=dict)
    iterations_of_losses: int = 0

    def add_games(self, games: list[FinishedGame]) -> None:
        """Count finished games."""
        self.games_finished += len(games)
        recent = collections.deque(self.recent_games, RECENT_GAMES)
        recent.extend([game.score, game.agent_steps] for game in games)
        self.recent_games = list(recent)

    def add_losses(self, count: int, means: Mapping[str, float]) -> None:
        """Add `count` iterations, over which `means` were taken, to those of the next row."""
        self.iterations_of_losses += count
        weight = count / self.iterations_of_losses
        for name, mean in means.items():
            before = self.losses.get(name, 0.0)
            self.losses[name] = before + weight * (mean - before)

    def begin_row(self) -> None:
        """Note that a row of metrics.csv was written now."""
        self.logged_iteration = self.iteration
        self.losses, self.iterations_of_losses = {}, 0

    def is_due(self, last: int, period: int) -> bool:
        """Whether a multiple of `period` was reached since `last`, which need not be one."""
        return period > 0 and self.iteration // period > last // period

    def recent(self) -> dict[str, float]:
        """Return the metrics of the last 30 games, none before the first."""
        if not self.recent_games:
            return {}
        scores, lengths = zip(*self.recent_games, strict=True)
        return {
            "score_mean_30_games": statistics.fmean(scores),
            "score_greatest_30_games": max(scores),
            "length_mean_30_games_agent_steps": statistics.fmean(lengths),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> Progress:
        """Build a progress from JSON values; what they do not name is as at the start.

        Raises:
          ValueError: if a name is unknown, or a value of a wrong type or below 0.
        """
        if not isinstance(values, dict):
            raise ValueError("the progress is no object")
        for name, value in values.items():
            if name not in _IS_RIGHT or not _IS_RIGHT[name](value):
                raise ValueError(f"the progress has {name} {value!r}")
        return cls(**values)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_list_of_pairs(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(map(_is_number, pair)) for pair in value
    )


_IS_RIGHT: dict[str, Callable[[Any], bool]] = {
    "iteration": _is_count,
    "seconds": lambda value: _is_number(value) and value >= 0,
    "games_finished": _is_count,
    "logged_iteration": _is_count,
    "evaluated_iteration": _is_count,
    "checkpoint_iteration": _is_count,
    "best_score": lambda value: value is None or _is_number(value),
    "recent_games": _is_list_of_pairs,
    "losses": lambda value: isinstance(value, dict) and all(map(_is_number, value.values())),
    "iterations_of_losses": _is_count,
}
