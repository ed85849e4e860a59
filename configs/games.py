"""What the name of a game tells: which kind it is, and how long its frames are held."""

from __future__ import annotations

import re

GRID = "grid"
"""This project's own small game; see `envs.grid`."""

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
    }
)
"""Settings that mean nothing to other games, which do not look at them."""

ATARI_FRAMES_PER_AGENT_STEP = 4

_GYM_ID = re.compile(r".+-v\d+")
_ATARI_ID = re.compile(r".+NoFrameskip-v\d+")


def is_atari(game: str) -> bool:
    """Whether `game` is named as Atari games are: `Breakout`, and neither `grid` nor a gym id."""
    if game == GRID:
        return False
    return _GYM_ID.fullmatch(game) is None or _ATARI_ID.fullmatch(game) is not None


def frames_per_agent_step(game: str) -> int:
    """Return for how many frames an action is held: 4 in Atari games, 1 in others."""
    return ATARI_FRAMES_PER_AGENT_STEP if is_atari(game) else 1
