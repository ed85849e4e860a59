"""What each game is, in a table that scripts/games_table.py writes."""

from __future__ import annotations

import csv
import functools
from importlib import resources
from typing import NamedTuple

COLUMNS = ("game", "lives", "background", "actions")


class Game(NamedTuple):
    """One game of ale-py.

    Attributes:
      name: as gym has it, `SpaceInvaders`.
      lives: as the emulator counts them at the start of a game; 0 where it counts none.
      background: gray of its background, 0 to 255: the median of its pictures in random play.
      actions: the meaning of each, by number: `("NOOP", "FIRE", "RIGHT", "LEFT")`.
    """

    name: str
    lives: int
    background: int
    actions: tuple[str, ...]

    @property
    def has_fire(self) -> bool:
        """Whether FIRE alone is an action."""
        return "FIRE" in self.actions


@functools.cache
def games() -> dict[str, Game]:
    """Return every game by its name, in the order of the alphabet."""
    text = resources.files("configs").joinpath("games.csv").read_text()
    return {
        row["game"]: Game(
            row["game"],
            int(row["lives"]),
            int(row["background"]),
            tuple(row["actions"].split()),
        )
        for row in csv.DictReader(text.splitlines())
    }
