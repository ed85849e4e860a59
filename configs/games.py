"""What the name of a game tells: which kind it is, and how long its frames are held."""

from __future__ import annotations

import re
from typing import NamedTuple


class OwnGame(NamedTuple):
    """An environment of this project: one that neither the emulator nor gym has.

    Attributes:
      made_by: module and class, `envs.grid:Grid`: one game as a PyEnvironment, with observations
        float32 [n], actions from 0, a new game after each LAST, and `render()` for films. After
        `seed`, which is called before a `reset`, the games depend on nothing but that seed and
        the actions.
      observation_size: n.
      steps_per_sec: agent steps in a second of a film.
    """

    made_by: str
    observation_size: int
    steps_per_sec: int


OWN_GAMES: dict[str, OwnGame] = {
    "grid": OwnGame("envs.grid:Grid", observation_size=16, steps_per_sec=2),
}
"""This project's own games, by the name that `--game` takes; docs/extending.md adds one."""

BLINKING_GAMES = frozenset({"SpaceInvaders"})
"""Games whose lives begin with blinking, in which nothing can be hit: `--life_start auto` skips."""

ATARI_SETTINGS = frozenset(
    {
        "env_pipeline",
        "life_start",
        "skip_start_agent_steps",
        "noop_start_max_frames",
        "sticky_action_probability",
        "life_loss_terminal",
        "random_shift_pixels",
        "stack_on_device",
        "subtract_background",
    }
)
"""Settings that mean nothing to other games, which do not look at them."""

ATARI_FRAMES_PER_AGENT_STEP = 4

_GYM_ID = re.compile(r".+-v\d+")
_ATARI_ID = re.compile(r".+NoFrameskip-v\d+")


def is_atari(game: str) -> bool:
    """Whether `game` is named as Atari games are: `Breakout`, no name of ours and no gym id."""
    if game in OWN_GAMES:
        return False
    return _GYM_ID.fullmatch(game) is None or _ATARI_ID.fullmatch(game) is not None


def frames_per_agent_step(game: str) -> int:
    """Return for how many frames an action is held: 4 in Atari games, 1 in others."""
    return ATARI_FRAMES_PER_AGENT_STEP if is_atari(game) else 1
