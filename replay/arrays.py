"""The arrays that go in and out of the ring of frames. No TensorFlow here."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

_ALIGNMENT_BYTES = 64  # EIGEN_MAX_ALIGN_BYTES of TensorFlow's wheels


class Window(NamedTuple):
    """B stretches of up to n agent steps, none of which leaves its episode.

    Attributes:
      observation: uint8 [B, height, width, stack], where the stretch begins; [B, stack, height,
        width] as `FrameRing.sample` gives it without `stacked`.
      action: int64 [B], chosen there.
      rewards: float32 [B, n], raw; 0 where not valid.
      discounts: float32 [B, n], of the environment: 0 at a termination; 1 where not valid.
      valid: bool [B, n]; False behind the end of an episode.
      next_observation: of the same shape, behind the last valid step.
    """

    observation: np.ndarray
    action: np.ndarray
    rewards: np.ndarray
    discounts: np.ndarray
    valid: np.ndarray
    next_observation: np.ndarray


class WeightedWindow(NamedTuple):
    """Windows that were drawn by priority.

    Attributes:
      window: the B windows.
      weights: float32 [B], importance, above 0 to 1: what each counts for in learning.
      ids: int64 [B], where each begins; by these its priority can be changed.
    """

    window: Window
    weights: np.ndarray
    ids: np.ndarray


class Rows(NamedTuple):
    """Consecutive rows of the ring, as they are kept: arrays [rows, games, ...]."""

    frame: np.ndarray
    age: np.ndarray
    step_type: np.ndarray
    next_step_type: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    discount: np.ndarray


def empty_aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return an array that begins where TensorFlow takes it without a copy."""
    count = math.prod(shape)
    raw = np.empty(count * dtype.itemsize + _ALIGNMENT_BYTES, np.uint8)
    offset = -raw.ctypes.data % _ALIGNMENT_BYTES
    return raw[offset : offset + count * dtype.itemsize].view(dtype).reshape(shape)
