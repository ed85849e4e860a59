"""What a number of whole games say about a player, with the protocol they were played under."""

from __future__ import annotations

import dataclasses
import functools
import statistics
from collections.abc import Sequence
from typing import Any

from configs import Config, human_normalized_score
from configs.games import ATARI_FRAMES_PER_AGENT_STEP, is_atari
from envs import games
from evaluation import aggregates
from evaluation.aggregates import Interval
from evaluation.watch import PlayedGame

FRAMES_PER_SEC = 60
RANDOM_PLAYER = "random"


@dataclasses.dataclass(frozen=True)
class Report:
    """The scores of whole games, raw, and how they were gained.

    Attributes:
      game: as `Breakout`.
      policy: the exported policy's folder, or `random`.
      iteration: how long the policy was trained, None where that means nothing.
      epsilon: share of random actions.
      seed: of the evaluation.
      protocol: one line.
      scores: raw, one for each game, in the order of the games' numbers.
      lengths: agent steps of each game.
      frames: ALE frames of each game, starts included.
      distinct_games: how many differ in their actions or their score. A near-greedy policy in a
        game without chance plays the same game again and again, and each copy adds no knowledge.
    """

    game: str
    policy: str
    iteration: int | None
    epsilon: float
    seed: int
    protocol: str
    scores: tuple[float, ...]
    lengths: tuple[int, ...]
    frames: tuple[int, ...]
    distinct_games: int

    @classmethod
    def of_games(
        cls,
        config: Config,
        games: Sequence[PlayedGame],
        *,
        epsilon: float,
        seed: int,
        policy: str = RANDOM_PLAYER,
        iteration: int | None = None,
    ) -> Report:
        """Make the report of `games`, at least one, as `play_games` returned them.

        Raises:
          ValueError: if there is no game.
        """
        if not games:
            raise ValueError("a report needs at least one game")
        return cls(
            game=config.game,
            policy=policy,
            iteration=iteration,
            epsilon=epsilon,
            seed=seed,
            protocol=_protocol(config, len(games), epsilon, seed),
            scores=tuple(game.score for game in games),
            lengths=tuple(game.agent_steps for game in games),
            frames=tuple(game.frames for game in games),
            distinct_games=len({(game.score, game.actions) for game in games}),
        )

    @property
    def mean(self) -> float:
        """Mean score."""
        return statistics.fmean(self.scores)

    @property
    def median(self) -> float:
        """Median score."""
        return statistics.median(self.scores)

    @property
    def interquartile_mean(self) -> float:
        """Mean score of the games without the worst and the best quarter."""
        return aggregates.of_all(aggregates.interquartile_mean, [self.scores])

    @functools.cached_property
    def mean_interval_95(self) -> Interval | None:
        """95 % bootstrap interval of the mean over other games of this player; None for one game.

        About this policy, not about others that the same recipe would train.
        """
        return aggregates.interval(aggregates.mean, [self.scores])

    @functools.cached_property
    def interquartile_mean_interval_95(self) -> Interval | None:
        """95 % bootstrap interval of the interquartile mean; None for one game."""
        return aggregates.interval(aggregates.interquartile_mean, [self.scores])

    @property
    def std(self) -> float:
        """Standard deviation of these games, divided by n (not by n - 1): 0 for one game."""
        return statistics.pstdev(self.scores)

    @property
    def human_normalized(self) -> float | None:
        """Mean score with random play at 0 and a human tester at 1; None where unpublished."""
        return human_normalized_score(self.game, self.mean)

    def to_table(self) -> str:
        """Return the report as lines of aligned text, without a newline at the end."""
        count = len(self.scores)
        of_play = ""
        if is_atari(self.game):
            of_play = f", {statistics.fmean(self.frames) / FRAMES_PER_SEC:,.0f} s of play"
        rows = [
            ("game", self.game),
            ("policy", self.policy + self._training()),
            ("games", f"{count}, {self.distinct_games} of them distinct"),
            ("mean score", f"{self.mean:,.2f}{_shown(self.mean_interval_95)}"),
            ("median", f"{self.median:,.2f}"),
            (
                "interquartile mean",
                f"{self.interquartile_mean:,.2f}{_shown(self.interquartile_mean_interval_95)}",
            ),
            ("std", f"{self.std:,.2f} (population)"),
            ("least", f"{min(self.scores):,.2f}"),
            ("greatest", f"{max(self.scores):,.2f} in game {best_game(self.scores)}"),
            (
                "length",
                f"{statistics.fmean(self.lengths):,.0f} agent steps in the mean "
                f"({min(self.lengths):,} to {max(self.lengths):,}){of_play}",
            ),
            ("human-normalized", self._human_normalized_text()),
            ("protocol", self.protocol),
        ]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values: the attributes and the statistics, by their names."""
        return {
            **{
                field.name: list(value) if isinstance(value, tuple) else value
                for field in dataclasses.fields(self)
                for value in [getattr(self, field.name)]
            },
            "mean": self.mean,
            "mean_interval_95": _listed(self.mean_interval_95),
            "median": self.median,
            "interquartile_mean": self.interquartile_mean,
            "interquartile_mean_interval_95": _listed(self.interquartile_mean_interval_95),
            "std": self.std,
            "least": min(self.scores),
            "greatest": max(self.scores),
            "human_normalized": self.human_normalized,
        }

    def _training(self) -> str:
        return "" if self.iteration is None else f" (iteration {self.iteration:,})"

    def _human_normalized_text(self) -> str:
        if self.human_normalized is None:
            return "unknown: no scores of a human tester are published for this game"
        return f"{self.human_normalized:.3f} (random play 0, human tester 1)"


def best_game(scores: Sequence[float]) -> int:
    """Return the number, from 1, of the first game with the greatest score."""
    return scores.index(max(scores)) + 1


def _shown(interval: Interval | None) -> str:
    if interval is None:
        return ""
    return f" (95 % bootstrap interval {interval.low:,.2f} to {interval.high:,.2f})"


def _listed(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)


def _protocol(config: Config, count: int, epsilon: float, seed: int) -> str:
    whole = f"{count} whole game{'s' if count > 1 else ''}, epsilon {epsilon:g}"
    if not is_atari(config.game):
        return f"{whole}, limit {games.max_agent_steps(config):,} agent steps, seed {seed}"
    noops = config.noop_start_max_frames
    starts = f"0 to {noops} frames of NOOP at the start" if noops else "no NOOPs at the start"
    limit_frames = config.max_agent_steps_per_game * ATARI_FRAMES_PER_AGENT_STEP
    return (
        f"{whole}, {starts}, sticky actions {config.sticky_action_probability:g}, "
        f"limit {limit_frames:,} frames, seed {seed}"
    )
