"""What is checked before any long work; imports no TensorFlow."""

from __future__ import annotations

import difflib

from agents import AGENTS
from configs import Config
from console.errors import UserError
from envs import ale
from replay.frame_ring import FrameRing
from training.machine import free_memory_bytes

_LIBRARIES_BYTES = 1_000_000_000  # TensorFlow, the networks and the emulators; measured: 0.7 to 0.9


def check(config: Config) -> None:
    """Check what a config asks for against this program and this machine.

    Raises:
      UserError: if the game or the algorithm is unknown, if the numbers of games and steps do not
        go together, or if the replay does not fit into memory.
    """
    check_settings(config)
    check_memory(config)


def check_settings(config: Config) -> None:
    """Check what a config asks for against this program.

    Raises:
      UserError: if the game or the algorithm is unknown, or if the numbers of games and steps do
        not go together.
    """
    try:
        ale.rom_of(config.game)
    except ValueError as error:
        raise UserError(str(error)) from error
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


def memory_needed_bytes(config: Config) -> int:
    """Return the memory that a run takes when its replay is full."""
    return FrameRing.bytes_needed(config.replay_capacity) + _LIBRARIES_BYTES


def check_memory(config: Config) -> None:
    """Raise UserError if the replay does not fit into memory."""
    needed = FrameRing.bytes_needed(config.replay_capacity)
    free = free_memory_bytes()
    if memory_needed_bytes(config) > free:
        fits = max(0, (free - _LIBRARIES_BYTES) // FrameRing.bytes_needed(1))
        raise UserError(
            f"a replay of {config.replay_capacity:,} transitions needs {needed / 1e9:.1f} GB and "
            f"{free / 1e9:.1f} GB of memory are free; --replay_capacity={fits // 1000 * 1000} fits"
        )
