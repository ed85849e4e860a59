"""Random shifts of the picture, a few pixels each, by which a network learns that places are alike.

Kostrikov et al., "Image Augmentation Is All You Need", 2021, section 3.1: each picture is padded by
repeating its border, and cut out again at a random place. All frames of an observation are shifted
alike; the two observations of a window are not.
"""

from __future__ import annotations

import cv2
import numpy as np


def draw_shifts(generator: np.random.Generator, batch_size: int, pixels: int) -> np.ndarray:
    """Draw how far to shift both observations of windows: int64 [2, B, 2], 0 to 2 * `pixels`."""
    return generator.integers(0, 2 * pixels + 1, (2, batch_size, 2))


def shift(pictures: np.ndarray, shifts: np.ndarray, pixels: int) -> None:
    """Shift pictures in place.

    Args:
      pictures: uint8 [B, height, width] or [B, height, width, channels].
      shifts: int64 [B, 2]: how far the picture is moved up and to the left; `pixels` is not at all.
      pixels: width of the border that is repeated.
    """
    height, width = pictures.shape[1:3]
    border = (pixels, pixels, pixels, pixels, cv2.BORDER_REPLICATE)
    for picture, (down, right) in zip(pictures, shifts.tolist(), strict=True):
        padded = cv2.copyMakeBorder(picture, *border)
        picture[:] = padded[down : down + height, right : right + width]
