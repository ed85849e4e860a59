"""What one contender of the race for scores reports, and the clock and rules that all share.

This file imports no TensorFlow, so that the virtual environment of a peer can run it.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import psutil
from absl import flags

from console import errors

flags.disclaim_key_flags()  # they are those of the program, and shown by its --help

OWN_NAME = "this project"
GAMES_OF_A_MEAN = 30
EPSILON = 0.001  # of the games afterwards
# A peer's published settings are for 10 million agent steps. Of some minutes they would spend most
# at random, so all begin to learn, and to play as they have learned, as early as this project.
RANDOM_AGENT_STEPS = 5_000
EPSILON_DECAY_AGENT_STEPS = 20_000
EPSILON_FINAL = 0.02


@dataclasses.dataclass(frozen=True)
class Learned:
    """What a contender has learned in its time.

    Attributes:
      name: the contender.
      setting: what of its setting is worth a word, as `1 game, batch 32`.
      minutes: from the start of its process to the end of its training.
      agent_steps: played in training, by all its games together.
      train_steps: updates of its network.
      curve: (minutes, mean score of the last 30 games in training), growing in time.
      scores: raw, of whole games afterwards, at EPSILON.
    """

    name: str
    setting: str
    minutes: float
    agent_steps: int
    train_steps: int
    curve: list[tuple[float, float]]
    scores: list[float]

    @property
    def score_mean(self) -> float:
        """Mean of the games afterwards."""
        return statistics.fmean(self.scores)

    def to_json(self) -> str:
        """Return all of it as one line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Learned:
        """Read what `to_json` wrote; further values are passed over."""
        fields = {field.name: values[field.name] for field in dataclasses.fields(cls)}
        return cls(**fields | {"curve": [(x, y) for x, y in values["curve"]]})


class Clock:
    """Counts from the start of this process, so that nobody's imports are free.

    Args:
      minutes: that it lets pass.
      now: seconds since the epoch.
    """

    def __init__(self, minutes: float, now: Callable[[], float] = time.time) -> None:
        self._limit = minutes
        self._now = now
        self._start = psutil.Process().create_time()

    @property
    def minutes(self) -> float:
        """Since the start."""
        return self.minutes_at(self._now())

    def minutes_at(self, time_sec: float) -> float:
        """Return how far it was at a time, in seconds since the epoch."""
        return (time_sec - self._start) / 60

    @property
    def is_over(self) -> bool:
        """Whether training has to end."""
        return self.minutes >= self._limit


class ScoreCurve:
    """The scores of games in training as a curve, a point for each `period_minutes` at most."""

    def __init__(self, clock: Clock, period_minutes: float = 0.25) -> None:
        self._clock = clock
        self._period = period_minutes
        self._last = collections.deque[float](maxlen=GAMES_OF_A_MEAN)
        self.points: list[tuple[float, float]] = []

    def add(self, score: float) -> None:
        """Count a whole game, by its raw score."""
        self._last.append(score)
        minutes = self._clock.minutes
        if not self.points or minutes >= self.points[-1][0] + self._period:
            self.points.append((minutes, statistics.fmean(self._last)))

    def end(self) -> None:
        """Add a point for the end of training, if any game has ended."""
        if self._last:
            self.points.append((self._clock.minutes, statistics.fmean(self._last)))


def define_flags(least_minutes: float = 0.0) -> None:
    """Define the flags that every contender takes."""
    flags.DEFINE_float("minutes", 10.0, "of training, for each", least_minutes)
    flags.DEFINE_integer("games", 30, "whole games to play afterwards", 1, 10_000)
    flags.DEFINE_integer("seed", 1, "of training", 0, 2**31 - 1)


def flag_values() -> list[str]:
    """Return the flags of `define_flags` as a command line gives them on to a contender."""
    return [f"--{name}={flags.FLAGS[name].value}" for name in ("minutes", "games", "seed")]


def print_learned(learn: Callable[[float, int, int], Learned]) -> NoReturn:
    """Parse the flags of a contender, let it learn, and print one line of JSON.

    Args:
      learn: takes minutes, games and seed. TensorFlow has the kernels that it chooses by itself.
    """
    define_flags()
    values = flags.FLAGS
    errors.run_main(
        lambda: print(learn(values.minutes, values.games, values.seed).to_json()), onednn=False
    )
