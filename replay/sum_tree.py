"""A sum tree: draws indices in proportion to their values. No TensorFlow here.

Schaul et al., "Prioritized Experience Replay", 2016, appendix B.2.1. Each node is the sum of the
two below it; the values are the leaves, here of five indices:

    node     1                  total
             2        3
             4   5    6   7
             8 9 10 11 12 - - - (index 0 is node 8)
"""

from __future__ import annotations

import numpy as np


class SumTree:
    """Keeps `size` values that are not negative, 0 at first, and their sums.

    A changed value's sums are each added up anew from the two nodes below, never changed by a
    difference. So no error of rounding grows: whatever was set before, the sums are bit for bit
    those of a tree that was built from the same values at once.

    Args:
      size: number of values.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a sum tree of {size} values cannot be")
        self.size = size
        self._depth = (size - 1).bit_length()
        self._first_leaf = 1 << self._depth
        self._nodes = np.zeros(2 * self._first_leaf, np.float64)  # 16 to 32 bytes a value

    @property
    def total(self) -> float:
        """The sum of all values."""
        return float(self._nodes[1])

    @property
    def values(self) -> np.ndarray:
        """A copy of all values, float64 [size]."""
        return self._nodes[self._first_leaf : self._first_leaf + self.size].copy()

    def get(self, indices: np.ndarray) -> np.ndarray:
        """Return the values of `indices`, int64 [B], as float64 [B]."""
        return self._nodes[indices + self._first_leaf]

    def set(self, indices: np.ndarray, values: np.ndarray) -> None:
        """Set the values, float64 [B], of `indices`, int64 [B]; of equal ones the last counts.

        Raises:
          ValueError: if a value is negative or not finite; nothing is changed then.
        """
        _check(values)
        nodes = indices + self._first_leaf
        self._nodes[nodes] = values
        for _ in range(self._depth):
            nodes = nodes >> 1
            left = nodes << 1
            self._nodes[nodes] = self._nodes[left] + self._nodes[left + 1]

    def set_all(self, values: np.ndarray) -> None:
        """Set all values, float64 [size].

        Raises:
          ValueError: if they are not so many, or one is negative or not finite.
        """
        if values.shape != (self.size,):
            raise ValueError(f"{values.shape} values do not fit a sum tree of {self.size}")
        _check(values)
        self._nodes[:] = 0
        self._nodes[self._first_leaf : self._first_leaf + self.size] = values
        width = self._first_leaf
        while width > 1:  # the nodes of one level lie side by side
            pairs = self._nodes[width : 2 * width].reshape(-1, 2)
            width //= 2
            self._nodes[width : 2 * width] = pairs[:, 0] + pairs[:, 1]

    def find(self, targets: np.ndarray) -> np.ndarray:
        """Return where running sums of the values pass `targets`.

        Args:
          targets: float64 [B], from 0 to below `total`.

        Returns:
          int64 [B]: of each target, the index i for which the sum of the values before i is at most
          the target, and the sum up to i with i's own is above it. Never one whose value is 0,
          however sums and targets were rounded, unless all are.
        """
        nodes = np.ones(len(targets), np.int64)
        rest = targets
        for _ in range(self._depth):
            nodes = nodes << 1
            left = self._nodes[nodes]
            right = (rest >= left) & (self._nodes[nodes + 1] > 0)
            rest = np.where(right, rest - left, rest)
            nodes = nodes + right
        return nodes - self._first_leaf


def _check(values: np.ndarray) -> None:
    if not np.all(np.isfinite(values) & (values >= 0)):
        raise ValueError("the values of a sum tree must be finite and not negative")
