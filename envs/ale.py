"""A gym 0.23 environment over `ale_py.ALEInterface`, and its registration for every ROM in ale-py.

ale-py registers its own environments with gymnasium only, which TF-Agents does not know. This file
imports neither TensorFlow nor cv2.
"""

from __future__ import annotations

import difflib
import functools
from typing import Any, ClassVar

import gym
import numpy as np
from ale_py import Action, ALEInterface, LoggerMode, roms

# These ROMs are for two players; the emulator ends the whole process when it is asked to load one.
_TWO_PLAYER_ROMS = frozenset({"combat", "joust", "maze_craze", "warlords"})

ROMS: dict[str, str] = {
    rom.title().replace("_", ""): rom
    for rom in sorted(roms.get_all_rom_ids())
    if rom not in _TWO_PLAYER_ROMS
}
"""Every playable game, as gym names it (`SpaceInvaders`), with its ROM (`space_invaders`)."""

# v4 has no sticky actions, v0 repeats the last action with this chance each frame:
# Machado et al., "Revisiting the Arcade Learning Environment", 2018, section 5.2.
_STICKY_ACTION_PROBABILITY = {"v4": 0.0, "v0": 0.25}


def rom_of(game: str) -> str:
    """Return the ROM of `game`.

    Raises:
      ValueError: if there is no such game; the nearest names are in the message.
    """
    if game in ROMS:
        return ROMS[game]
    by_lower_case = {name.lower(): name for name in ROMS}
    plain = game.lower().replace("_", "").replace(" ", "").replace("noframeskip-v4", "")
    near = difflib.get_close_matches(plain, list(by_lower_case), n=3, cutoff=0.5)
    names = ", ".join(by_lower_case[name] for name in near)
    hint = f"the nearest names are {names}" if near else f"one of {len(ROMS)} is Breakout"
    raise ValueError(f"there is no game called {game!r}; {hint}")


def new_emulator(rom: str, seed: int, sticky_action_probability: float) -> ALEInterface:
    """Return a silent emulator with `rom` loaded, seeded, at the start of a game."""
    ALEInterface.setLoggerMode(LoggerMode.Error)
    ale = ALEInterface()
    ale.setFloat("repeat_action_probability", sticky_action_probability)
    ale.setInt("random_seed", seed)
    ale.loadROM(roms.get_rom_path(rom))
    ale.reset_game()
    return ale


@functools.cache  # loading a ROM takes a tenth of a second
def action_meanings(game: str) -> tuple[str, ...]:
    """Return the meaning of each action of `game`, as `("NOOP", "FIRE", "RIGHT", "LEFT")`."""
    ale = new_emulator(rom_of(game), seed=0, sticky_action_probability=0.0)
    return tuple(action.name for action in ale.getMinimalActionSet())


class AleGame(gym.Env):
    """One game at 60 frames a second: an action is held for one frame.

    Observations are the screen, uint8 [height, width, 3]. Rewards are raw. `done` is game over, and
    nothing else; `info` holds `lives`.

    Args:
      rom: the ROM's name, as `space_invaders`.
      sticky_action_probability: chance that a frame repeats the previous action.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "render.modes": ["rgb_array"],
        "video.frames_per_second": 60,
    }

    def __init__(self, rom: str, sticky_action_probability: float = 0.0) -> None:
        self._rom = rom
        self._sticky_action_probability = sticky_action_probability
        self._load(seed=0)
        self._actions = self.ale.getMinimalActionSet()
        height, width = self.ale.getScreenDims()
        self.action_space = gym.spaces.Discrete(len(self._actions))
        self.observation_space = gym.spaces.Box(0, 255, (height, width, 3), np.uint8)

    def _load(self, seed: int) -> None:
        self.ale = new_emulator(self._rom, seed, self._sticky_action_probability)
        self._untouched = True

    def seed(self, seed: int | None = None) -> list[int]:
        """Load the game afresh with `seed` (0 to 2**31 - 1); call `reset` next."""
        self._load(seed or 0)
        return [seed or 0]

    def set_sticky_action_probability(self, probability: float) -> None:
        """Repeat the previous action with `probability` each frame, from the next `seed` on."""
        self._sticky_action_probability = probability

    def get_action_meanings(self) -> list[str]:
        """Return the name of each action, by number."""
        return [action.name for action in self._actions]

    def reset(self) -> np.ndarray:
        """Start a game and return its first screen."""
        if not self._untouched:  # a freshly loaded game stands at its start already
            self.ale.reset_game()
        self._untouched = False
        return self.render()

    def step(self, action: int) -> tuple[np.ndarray, float, bool, dict[str, Any]]:
        """Hold `action` for one frame."""
        self._untouched = False
        reward = float(self.ale.act(self._actions[action]))
        return self.render(), reward, self.ale.game_over(), {"lives": self.ale.lives()}

    def wait(self) -> None:
        """Hold NOOP for one frame, also in the games whose own actions have none."""
        self._untouched = False
        self.ale.act(Action.NOOP)

    def render(self, mode: str = "rgb_array") -> np.ndarray:
        """Return the screen, uint8 [height, width, 3]."""
        if mode != "rgb_array":
            raise ValueError(f"render mode {mode!r} is unknown; only 'rgb_array' is there")
        return self.ale.getScreenRGB()


def register_games() -> None:
    """Register `<Game>NoFrameskip-v4` and `-v0` with gym for every game; safe to call again.

    No step limit is registered: gym's own would turn running out of time into a death.
    """
    for game, rom in ROMS.items():
        for version, probability in _STICKY_ACTION_PROBABILITY.items():
            name = f"{game}NoFrameskip-{version}"
            if name not in gym.envs.registry.env_specs:
                gym.register(
                    id=name,
                    entry_point="envs.ale:AleGame",
                    order_enforce=False,
                    kwargs={"rom": rom, "sticky_action_probability": probability},
                )


register_games()
