"""The report of one whole game."""

from __future__ import annotations

from typing import NamedTuple


class FinishedGame(NamedTuple):
    """A game that ended, by game over or by the time limit.

    Attributes:
      slot: which of the games side by side it was.
      score: sum of the raw rewards of the whole game, all lives.
      agent_steps: how many actions the agent chose.
      frames: ALE frames, those of the starts among them.
    """

    slot: int
    score: float
    agent_steps: int
    frames: int
