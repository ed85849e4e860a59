"""ale-py's vector emulator with nothing around it: what the games cost and no more."""

from __future__ import annotations

import numpy as np
from ale_py import roms
from ale_py._ale_py import ALEVectorInterface

_ACTIONS_DRAWN = 1_024  # before they come round again; drawing is not what is timed


class BareEmulator:
    """Plays games side by side at random, in one C++ interface with its own threads.

    Frame skip, picture size, NOOP starts and stack are this project's; FIRE is pressed by chance.

    Args:
      rom: the ROM's name, as `breakout`.
      num_games: agent steps that each `step` plays.
    """

    def __init__(self, rom: str, num_games: int) -> None:
        self._emulator = ALEVectorInterface(
            roms.get_rom_path(rom),
            num_envs=num_games,
            frame_skip=4,
            stack_num=4,
            noop_max=31,  # 0 to 30 frames
            use_fire_reset=False,
            reward_clipping=False,
        )
        num_actions = len(self._emulator.get_action_set())
        drawn = np.random.default_rng(1).integers(0, num_actions, (_ACTIONS_DRAWN, num_games))
        self._actions: list[list[int]] = drawn.tolist()
        self._full_strength = [1.0] * num_games  # of the paddle
        self._steps = 0
        self._emulator.reset(list(range(num_games)), list(range(num_games)))

    def step(self) -> np.ndarray:
        """Play one agent step of each game; return uint8 [num_games, 4, 84, 84]."""
        self._emulator.send(self._actions[self._steps % _ACTIONS_DRAWN], self._full_strength)
        self._steps += 1
        observations: np.ndarray = self._emulator.recv()[0]
        return observations
