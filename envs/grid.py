"""A walk to the opposite corner of a small grid: an environment whose values are known exactly."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from tf_agents.environments import py_environment
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts

SIZE = 4
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""What up, down, left and right add to row and column."""

GOAL_REWARD = 10.0
OUTSIDE_REWARD = -1.0

_CELL_PIXELS = 40
_PAPER, _LINE, _GOAL, _WALKER = (255, 255, 255), (200, 200, 200), (80, 160, 80), (200, 60, 60)


def step(cell: int, action: int) -> tuple[int, float, bool]:
    """Return where `action` leads from `cell`, its reward, and whether the game is over.

    Cells are numbered row by row. A step outside leads nowhere.
    """
    row, column = divmod(cell, SIZE)
    down, right = MOVES[action]
    row, column = row + down, column + right
    if not (0 <= row < SIZE and 0 <= column < SIZE):
        return cell, OUTSIDE_REWARD, True
    cell = row * SIZE + column
    is_goal = cell == SIZE * SIZE - 1
    return cell, GOAL_REWARD if is_goal else 0.0, is_goal


class Grid(py_environment.PyEnvironment):
    """From cell (0, 0) to cell (3, 3): +10 there, -1 outside, and either ends the game.

    Actions are up, down, left and right. Observations are float32 [16], 1 at the cell of the walker
    and 0 elsewhere: with these no cell's value disturbs another's, as two coordinates would.
    """

    def __init__(self) -> None:
        super().__init__(handle_auto_reset=True)
        self._cell = 0

    def observation_spec(self) -> array_spec.BoundedArraySpec:
        """float32 [16] from 0 to 1."""
        return array_spec.BoundedArraySpec((SIZE * SIZE,), np.float32, 0.0, 1.0, "observation")

    def action_spec(self) -> array_spec.BoundedArraySpec:
        """int64 [], a number of MOVES."""
        return array_spec.BoundedArraySpec((), np.int64, 0, len(MOVES) - 1, "action")

    def seed(self, seed: int) -> None:
        """Nothing here is left to chance."""

    def render(self, mode: str = "rgb_array") -> np.ndarray:
        """Return a picture of the grid, uint8 [160, 160, 3]."""
        if mode != "rgb_array":
            raise ValueError(f"render mode {mode!r} is unknown; only 'rgb_array' is there")
        image = Image.new("RGB", (SIZE * _CELL_PIXELS, SIZE * _CELL_PIXELS), _PAPER)
        draw = ImageDraw.Draw(image)
        for cell in range(SIZE * SIZE):
            top, left = (_CELL_PIXELS * place for place in divmod(cell, SIZE))
            box = (left, top, left + _CELL_PIXELS - 1, top + _CELL_PIXELS - 1)
            draw.rectangle(box, _GOAL if cell == SIZE * SIZE - 1 else None, _LINE)
            if cell == self._cell:
                draw.ellipse((box[0] + 8, box[1] + 8, box[2] - 8, box[3] - 8), _WALKER)
        return np.asarray(image)

    def _reset(self) -> ts.TimeStep:
        self._cell = 0
        return ts.restart(self._observation())

    def _step(self, action: np.ndarray) -> ts.TimeStep:
        self._cell, reward, is_over = step(self._cell, int(action))
        if is_over:
            return ts.termination(self._observation(), reward)
        return ts.transition(self._observation(), reward)

    def _observation(self) -> np.ndarray:
        observation = np.zeros(SIZE * SIZE, np.float32)
        observation[self._cell] = 1
        return observation
