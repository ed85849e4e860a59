"""What is known of a game before it is played; imports no TensorFlow."""

from __future__ import annotations

import math

import numpy as np

from configs import Config
from configs.games import OWN_GAMES, is_atari
from envs import ale, gym_games

_ATARI_FRAME_BYTES = 84 * 84


def check(game: str) -> None:
    """Raise ValueError, one sentence, if there is no such game or it cannot be played here."""
    if is_atari(game):
        ale.rom_of(game)
    elif game not in OWN_GAMES:
        gym_games.observation_shape(game)


def frame_bytes(game: str) -> int:
    """Return what the replay keeps of an agent step's observation, in bytes."""
    if is_atari(game):
        return _ATARI_FRAME_BYTES
    if game in OWN_GAMES:
        size = OWN_GAMES[game].observation_size
    else:
        size = math.prod(gym_games.observation_shape(game))
    return size * np.dtype(np.float32).itemsize


def max_agent_steps(config: Config) -> int:
    """Return the time limit of a game: the setting's, or gym's own where that is shorter."""
    limit = config.max_agent_steps_per_game
    if is_atari(config.game) or config.game in OWN_GAMES:
        return limit
    return min(limit, gym_games.max_agent_steps(config.game) or limit)


def steps_per_sec(game: str) -> int:
    """Return the agent steps in a second of a film, of a game that is not Atari's."""
    if game in OWN_GAMES:
        return OWN_GAMES[game].steps_per_sec
    return gym_games.steps_per_sec(game)
