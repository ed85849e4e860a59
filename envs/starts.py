"""How games and lives begin, in both pipelines: what is played before the agent's first action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from configs import Config
from configs.games import BLINKING_GAMES


class Starts(NamedTuple):
    """What is played before the agent may act.

    Attributes:
      life: numbers of the game's own actions, played when a life begins: FIRE once, NOOP many
        times, or nothing.
      noop_max_frames: a game begins with 0 to this many frames of NOOP.
    """

    life: tuple[int, ...]
    noop_max_frames: int


def starts(config: Config, meanings: Sequence[str]) -> Starts:
    """Return the starts of `config.game`, whose actions have `meanings`.

    FIRE is looked up by its meaning: in Backgammon it is action 0, in MsPacman there is none.
    """
    way = config.life_start
    if way == "auto":
        way = "skip" if config.game in BLINKING_GAMES else "fire"
    life: tuple[int, ...] = ()
    if way == "fire" and "FIRE" in meanings:
        life = (meanings.index("FIRE"),)
    elif way == "skip" and "NOOP" in meanings:
        life = (meanings.index("NOOP"),) * config.skip_start_agent_steps
    return Starts(life, config.noop_start_max_frames)


def emulator_seed(seed: int, slot: int) -> int:
    """Return the seed of game number `slot`, from 0 to 2**31 - 1."""
    return int(np.random.SeedSequence(seed, spawn_key=(slot,)).generate_state(1)[0] >> 1)


class NoopDraws:
    """Draws the frames of NOOP that begin each game, as the C++ emulator does.

    Mnih et al. 2015, extended data table 1, "no-op max". The emulator has a std::mt19937 with the
    game's seed, and libstdc++ makes 0 to n of a word w by (w (n + 1)) >> 32 (Lemire, "Fast random
    integer generation in an interval", 2019; its rejection, one word in 2**27, is left out).

    Args:
      seed: of the emulator.
      max_frames: the greatest draw; 0: nothing is drawn.
    """

    def __init__(self, seed: int, max_frames: int) -> None:
        self.seed(seed)
        self._max_frames = max_frames

    def seed(self, seed: int) -> None:
        """Draw what an emulator that is loaded with `seed` draws."""
        self._words = np.random.RandomState(seed)  # the same Mersenne twister

    def draw(self) -> int:
        """Return the number of frames for the next game."""
        if not self._max_frames:
            return 0
        word = int.from_bytes(self._words.bytes(4), "little")
        return word * (self._max_frames + 1) >> 32
