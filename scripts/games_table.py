"""Writes configs/games.csv, a row for each game in ale-py: `python -m scripts.games_table`."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from ale_py import Action

from configs import Config
from configs.game_list import COLUMNS
from envs import ale, suite

TABLE = Path(__file__).parent.parent / "configs" / "games.csv"

_BACKGROUND_AGENT_STEPS = 400


def row_of(game: str) -> dict[str, str]:
    """Return the row of a game; its lives are counted one frame after the start of a game."""
    emulator = ale.new_emulator(ale.rom_of(game), seed=0, sticky_action_probability=0.0)
    emulator.act(Action.NOOP)  # before it Amidar and DemonAttack have other lives
    actions = [action.name for action in emulator.getMinimalActionSet()]
    background = background_of(game, len(actions))
    values = (game, str(emulator.lives()), str(background), " ".join(actions))
    return dict(zip(COLUMNS, values, strict=True))


def background_of(game: str, num_actions: int) -> int:
    """Return the median gray, 0 to 255, of all pixels of 400 agent steps of random play.

    The mean would lie between the colors; the most frequent gray is a small thing's in games whose
    background has many.
    """
    env = suite.load(Config(game=game), num_envs=1, seed=0)
    env.reset()
    generator = np.random.default_rng(0)
    pixels = np.zeros(256, np.int64)  # of each gray
    for action in generator.integers(num_actions, size=(_BACKGROUND_AGENT_STEPS, 1)):
        newest = env.step(action).observation[0, :, :, -1]
        pixels += np.bincount(newest.ravel(), minlength=256)
    return int(np.searchsorted(pixels.cumsum(), pixels.sum() / 2))


if __name__ == "__main__":
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(row_of, ale.ROMS))
