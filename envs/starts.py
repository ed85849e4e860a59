"""How a game and a life begin: the actions played before the agent's first, in both pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from configs import Config

# The cannon blinks and cannot be hit for a while after it appears.
_BLINKING_GAMES = frozenset({"SpaceInvaders"})


class Starts(NamedTuple):
    """What is played before the agent may act, as numbers of the game's own action set.

    Attributes:
      life: played when a life begins: FIRE once, NOOP many times, or nothing.
      noop: the number of NOOP, or None where the game has none.
      noop_max_agent_steps: a game begins with 1 to this many NOOPs; 0: with none.
    """

    life: tuple[int, ...]
    noop: int | None
    noop_max_agent_steps: int

    def noops(self, generator: np.random.Generator) -> tuple[int, ...]:
        """Draw the NOOPs that begin a game: Mnih et al. 2015, extended data table 1, "no-op max".

        One number is drawn even when none is used, so that options do not shift later draws.
        """
        count = int(generator.integers(1, max(self.noop_max_agent_steps, 1), endpoint=True))
        if self.noop is None or self.noop_max_agent_steps == 0:
            return ()
        return (self.noop,) * count


def starts(config: Config, meanings: Sequence[str]) -> Starts:
    """Return the starts of `config.game`, whose actions have `meanings`.

    FIRE is looked up by its meaning: in Backgammon it is action 0, in MsPacman there is none.
    """
    way = config.life_start
    if way == "auto":
        way = "skip" if config.game in _BLINKING_GAMES else "fire"
    noop = meanings.index("NOOP") if "NOOP" in meanings else None
    life: tuple[int, ...] = ()
    if way == "fire" and "FIRE" in meanings:
        life = (meanings.index("FIRE"),)
    elif way == "skip" and noop is not None:
        life = (noop,) * config.skip_start_agent_steps
    return Starts(life, noop, config.noop_start_max_agent_steps)


def slot_generator(seed: int, slot: int) -> tuple[int, np.random.Generator]:
    """Return the emulator's seed and the generator of no-op starts for game number `slot`."""
    emulator, draws = np.random.SeedSequence(seed, spawn_key=(slot,)).spawn(2)
    return int(emulator.generate_state(1)[0] >> 1), np.random.default_rng(draws)
