"""What was played since an emulator was loaded, from which a resume plays it again.

The C++ emulator has no calls for its state, and in some games what is on the screen depends on what
was played before, across resets. But a loaded ROM, a seed and the actions since decide everything.
So they do in gym's games, where a load makes the game anew, with a seed:

    load      seed s                     seed s'
    games     | game | game | .. | game  | game | ..
    actions   0                   10,000 | 0            kept: those since the last load
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from tf_agents.trajectories import time_step as ts

from envs.starts import emulator_seed

RESET = 255
"""Stands for `reset` among the actions; no game has so many."""

# The first game behind so many actions begins with a load. A load takes a tenth of a second on one
# core, and a resume plays 1,000 to 2,000 actions a second again.
RELOAD_PERIOD_AGENT_STEPS = 10_000


class OtherGamesError(ValueError):
    """What was played again does not end as it did when its state was taken."""


class Plays:
    """What one of the games side by side has played since its emulator was loaded.

    Args:
      seed: of all games side by side.
      slot: the number of this one.
    """

    def __init__(self, seed: int, slot: int) -> None:
        self._slot = slot
        self._first_seed = self._next_seed = emulator_seed(seed, slot)
        self._is_loaded = False
        self.seed = -1
        self.actions = bytearray()

    @property
    def is_loaded(self) -> bool:
        """Whether anything was played."""
        return self._is_loaded

    @property
    def load_is_due(self) -> bool:
        """Whether the next game begins with a load."""
        return not self._is_loaded or len(self.actions) >= RELOAD_PERIOD_AGENT_STEPS

    def load(self) -> int:
        """Note that the emulator is loaded now; return its seed."""
        self.seed, self._is_loaded = self._next_seed, True
        self._next_seed = emulator_seed(self.seed, self._slot)
        self.actions.clear()
        return self.seed

    def add(self, action: int) -> None:
        """Note an action, RESET among them, before it is played."""
        self.actions.append(action)

    def play_again_from(self, seed: int) -> None:
        """Make a load with `seed` due."""
        self._next_seed, self._is_loaded = seed, False

    def begin_anew(self) -> None:
        """Make the first load of all due."""
        self.play_again_from(self._first_seed)


def to_arrays(plays: Sequence[Plays], time_step: ts.TimeStep) -> dict[str, np.ndarray]:
    """Return all that `from_arrays` and `check` need.

    Args:
      plays: of the games side by side.
      time_step: where they stand, with batch.

    Returns:
      `seed` and `checksum`, int64 [num_envs], and `actions_0`, ..., uint8, of each game.
    """
    return {
        "seed": np.array([each.seed for each in plays], np.int64),
        "checksum": _checksums(time_step),
        **{
            f"actions_{place}": np.frombuffer(bytes(each.actions), np.uint8)
            for place, each in enumerate(plays)
        },
    }


def from_arrays(state: dict[str, np.ndarray]) -> list[tuple[int, list[int]]]:
    """Return the seed of the last load, and all actions from there on, of each game."""
    seeds = state["seed"].tolist()
    return [(seed, state[f"actions_{place}"].tolist()) for place, seed in enumerate(seeds)]


def check(state: dict[str, np.ndarray], time_step: ts.TimeStep) -> None:
    """Raise OtherGamesError if `time_step` is not the one that `state` was taken at."""
    if not np.array_equal(state["checksum"], _checksums(time_step)):
        raise OtherGamesError("the games, played again, do not reach the picture they had")


def _checksums(time_step: ts.TimeStep) -> np.ndarray:
    """Return a checksum of each game's time step, int64 [num_envs]."""
    fields = (time_step.step_type, time_step.reward, time_step.discount, time_step.observation)
    return np.array(
        [
            zlib.crc32(b"".join(part.tobytes() for part in game))
            for game in zip(*fields, strict=True)
        ],
        np.int64,
    )
