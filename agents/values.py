"""What a network says of each action: its expected return, or a distribution of returns."""

from __future__ import annotations

from typing import Protocol

import tensorflow as tf


class ValueForm(Protocol):
    """How the numbers that a network has for an action stand for its value.

    Attributes:
      size: N, how many numbers each action has.
    """

    size: int

    def mean(self, outputs: tf.Tensor) -> tf.Tensor:
        """Return the expected returns, float32 [...], of outputs float32 [..., N]."""
        ...


class Expectation:
    """One number: the expected return itself."""

    size = 1

    def mean(self, outputs: tf.Tensor) -> tf.Tensor:
        """Return outputs [..., 1] as [...]."""
        return tf.squeeze(outputs, axis=-1)


class Categorical:
    """Logits of N returns that are evenly spaced.

    Bellemare et al., "A Distributional Perspective on Reinforcement Learning", 2017, section 4.

    Args:
      size: N, 51 in the paper.
      value_max: the greatest return; the least is the same below 0; 10 in the paper.
    """

    def __init__(self, size: int, value_max: float) -> None:
        self.size = size
        self.support = tf.linspace(-value_max, value_max, size)  # [N]
        self.support = tf.cast(self.support, tf.float32)

    def mean(self, outputs: tf.Tensor) -> tf.Tensor:
        """Return the mean of the distributions whose logits are [..., N]."""
        return tf.reduce_sum(tf.nn.softmax(outputs) * self.support, axis=-1)


class Quantiles:
    """N returns, at the middles of N equal shares of probability.

    Dabney et al., "Distributional Reinforcement Learning with Quantile Regression", 2018,
    section 3.

    Args:
      size: N, 200 in the paper.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.levels = (tf.range(size, dtype=tf.float32) + 0.5) / size  # [N]

    def mean(self, outputs: tf.Tensor) -> tf.Tensor:
        """Return the mean of the quantiles [..., N]."""
        return tf.reduce_mean(outputs, axis=-1)
