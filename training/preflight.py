"""What is checked before any long work; imports no TensorFlow."""

from __future__ import annotations

import difflib
from collections.abc import Collection

import psutil

from agents import AGENTS
from configs import Config
from configs.games import ATARI_SETTINGS, is_atari
from console.errors import UserError
from envs import games
from replay.frame_ring import FrameRing

_LIBRARIES_BYTES = 1_000_000_000  # TensorFlow, the networks and the emulators; measured: 0.7 to 0.9


def check(config: Config, asked: Collection[str] = ()) -> None:
    """Check what a config asks for against this program and this machine.

    Args:
      config: of the run.
      asked: the settings that the user named.

    Raises:
      UserError: if the game or the algorithm is unknown, if the user named a setting that means
        nothing to the game, if the numbers of games and steps do not go together, or if the replay
        does not fit into memory.
    """
    try:
        games.check(config.game)
    except ValueError as error:
        raise UserError(str(error)) from error
    if not is_atari(config.game):
        _check_small(config, asked)
    if config.agent not in AGENTS:
        near = difflib.get_close_matches(config.agent, AGENTS, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(AGENTS)}"
        raise UserError(f"there is no agent called {config.agent!r}; {hint}")
    shortest = config.num_envs * (config.n_step + 1)
    if config.initial_collect_steps < shortest:
        raise UserError(
            f"initial_collect_steps {config.initial_collect_steps} is too small for "
            f"{config.num_envs} games and n_step {config.n_step}: give at least {shortest}"
        )
    frame_bytes = games.frame_bytes(config.game)
    needed = FrameRing.bytes_needed(config.replay_capacity, frame_bytes)
    free = psutil.virtual_memory().available
    if needed + _LIBRARIES_BYTES > free:
        fits = max(0, (free - _LIBRARIES_BYTES) // FrameRing.bytes_needed(1, frame_bytes))
        raise UserError(
            f"a replay of {config.replay_capacity:,} transitions needs {needed / 1e9:.1f} GB and "
            f"{free / 1e9:.1f} GB of memory are free; --replay_capacity={fits // 1000 * 1000} fits"
        )


def _check_small(config: Config, asked: Collection[str]) -> None:
    """Refuse what means nothing to a game that is not Atari's; what a preset says is not read."""
    for name in asked:
        if name in ATARI_SETTINGS:
            raise UserError(f"--{name} is for Atari games only; leave it out with {config.game}")
    if config.precision == "bfloat16":
        raise UserError(
            f"the small network that plays {config.game} gains nothing by bfloat16; "
            "leave --precision out"
        )
