"""What a decision depends on: where a blur of the picture moves the Q-values."""

from __future__ import annotations

import functools
from collections.abc import Callable

import cv2
import numpy as np

# Greydanus et al., "Visualizing and Understanding Atari Agents", 2018, section 3: a Gaussian mask
# of 5 pixels, and a blur of 3.
_MASK_SIGMA = 5.0
_BLUR_SIGMA = 3.0
_PIXELS = 84
_SPACING = 6  # pixels between the places that are tried; the paper tries every fifth

GRID = _PIXELS // _SPACING
"""So many places are tried in each direction."""


def saliency(q_values: Callable[[np.ndarray], np.ndarray], observation: np.ndarray) -> np.ndarray:
    """Return how far a blur at each place moves the advantages, float32 [14, 14].

    Greydanus et al. 2018, equations 1 and 2: the picture is blurred around one place after another,
    in all four frames at once. The distance is taken between advantages, the Q-values less their
    mean, because what moves all Q-values alike changes no decision. It is Euclidean; the paper has
    half its square.

    Args:
      q_values: observations uint8 [B, 84, 84, 4] -> float32 [B, A]; called once.
      observation: uint8 [84, 84, 4].
    """
    masks = _masks()[..., None]  # [P, 84, 84, 1]
    sharp = observation.astype(np.float32)
    blurred = cv2.GaussianBlur(sharp, (0, 0), _BLUR_SIGMA)
    changed = np.rint(sharp + masks * (blurred - sharp)).astype(np.uint8)
    values = q_values(np.concatenate([observation[None], changed]))
    advantages = values - values.mean(axis=1, keepdims=True)
    distances = np.linalg.norm(advantages[1:] - advantages[0], axis=1)
    return distances.reshape(GRID, GRID).astype(np.float32)


@functools.cache
def _masks() -> np.ndarray:
    """Return a Gaussian around each place, float32 [P, 84, 84], 1 at the place itself."""
    places = np.arange(GRID) * _SPACING + _SPACING / 2
    offsets = np.arange(_PIXELS) + 0.5 - places[:, None]
    bells = np.exp(-(offsets**2) / (2 * _MASK_SIGMA**2)).astype(np.float32)  # [14, 84]
    rows, columns = bells[:, None, :, None], bells[None, :, None, :]
    return (rows * columns).reshape(GRID * GRID, _PIXELS, _PIXELS)
