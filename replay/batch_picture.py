"""A sampled batch as one picture: what the network is shown, and what is said of it.

    t-3   t-2   t-1    t    next        a row for each transition; next: the newest frame of the
    LEFT, reward +1, Q 2.31 ...         observation behind the window

No TensorFlow here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from replay.arrays import Window

_MARGIN, _TEXT_HEIGHT, _FONT_SIZE = 4, 20, 14  # pixels
_PAPER, _INK = 255, 0


def batch_picture(window: Window, captions: Sequence[str]) -> Image.Image:
    """Return a gray picture with a row for each of the first transitions of a batch.

    Args:
      window: observations uint8 [B, height, width, stack], newest frame last.
      captions: one line for each row; as many as there are to be, at most B.
    """
    first, then = window.observation, window.next_observation
    height, width, stack = first.shape[1:]
    frames = [*np.moveaxis(first, -1, 0), then[..., -1]]  # each [B, height, width]
    cell_width, row_height = width + _MARGIN, height + _TEXT_HEIGHT + _MARGIN
    # One margin more sets off what came next.
    size = ((stack + 1) * cell_width + 2 * _MARGIN, len(captions) * row_height + _MARGIN)
    picture = Image.new("L", size, _PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(_FONT_SIZE)
    for row, caption in enumerate(captions):
        top = row * row_height + _MARGIN
        for column, frame in enumerate(frames):
            left = column * cell_width + _MARGIN + (_MARGIN if column == stack else 0)
            picture.paste(Image.fromarray(frame[row]), (left, top))
        draw.text((_MARGIN, top + height), caption, _INK, font)
    return picture


def caption(
    window: Window, index: int, meanings: Sequence[str], q_value: float, td_error: float
) -> str:
    """Return what happened in a transition of a batch, and what the agent makes of it.

    Args:
      window: the batch.
      index: of the transition.
      meanings: of the actions, by number.
      q_value: of the action taken.
      td_error: target less Q-value.
    """
    action, steps = int(window.action[index]), int(window.valid[index].sum())
    end = "" if window.discounts[index].all() else ", the end"
    return (
        f"{meanings[action]}; in {steps} steps {window.rewards[index].sum():+g}{end}; "
        f"Q {q_value:.2f}, TD error {td_error:+.2f}"
    )
