"""The table of games that `train.py --list_games` prints."""

from __future__ import annotations

from configs import reference_scores
from configs.game_list import Game, games

_ALL_ACTIONS = 18  # of the joystick: nine directions, each with and without FIRE
_HEADER = ("game", "lives", "random", "human", "FIRE", "actions")


def games_table() -> str:
    """Return every game with its lives, reference scores and actions, in aligned columns."""
    rows = [_HEADER, *map(_row, games().values())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        name, *numbers, actions = row
        cells = [
            name.ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(numbers, widths[1:-1], strict=True)),
            actions,
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def _row(game: Game) -> tuple[str, ...]:
    scores = reference_scores.random_and_human_score(game.name)
    random, human = ("-", "-") if scores is None else (f"{score:,.1f}" for score in scores)
    actions = ", ".join(game.actions)
    if len(game.actions) == _ALL_ACTIONS:
        actions = "all of the joystick"
    fire = "yes" if game.has_fire else "no"
    return game.name, str(game.lives), random, human, fire, f"{len(game.actions)}: {actions}"
