"""Writes configs/games.csv, a row for each game in ale-py: `python -m scripts.games_table`."""

from __future__ import annotations

import csv
from pathlib import Path

from ale_py import Action

from configs.game_list import COLUMNS
from envs import ale

TABLE = Path(__file__).parent.parent / "configs" / "games.csv"


def row_of(game: str) -> dict[str, str]:
    """Return the row of a game; its lives are counted one frame after the start of a game."""
    emulator = ale.new_emulator(ale.rom_of(game), seed=0, sticky_action_probability=0.0)
    emulator.act(Action.NOOP)  # before it Amidar and DemonAttack have other lives
    actions = " ".join(action.name for action in emulator.getMinimalActionSet())
    return dict(zip(COLUMNS, (game, str(emulator.lives()), actions), strict=True))


if __name__ == "__main__":
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(row_of, ale.ROMS))
