"""Acting by a policy: likeliest actions, and draws that a checkpoint can go on with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.time_steps import in_a_game

Choice = Callable[[np.ndarray], np.ndarray]
"""Observations [B, ...] to actions int64 [B]."""


class Sampler:
    """Draws actions from a policy's distribution by a generator of its own.

    TF-Agents' policies draw by stateful operations, whose state is in no checkpoint.

    Args:
      policy: a TF-Agents policy whose action is a Categorical distribution.
      seed: of the generator.

    Attributes:
      generator: for a checkpoint.
    """

    def __init__(self, policy: Any, seed: int) -> None:
        self.generator = tf.random.Generator.from_seed(seed, alg="philox")

        def draw(logits: tf.Tensor) -> tf.Tensor:
            drawn = tf.random.stateless_categorical(logits, 1, self.generator.make_seeds()[:, 0])
            return tf.squeeze(drawn, axis=-1)

        self._draw = _chooser(policy, draw)

    def __call__(self, observation: np.ndarray) -> np.ndarray:
        """Return an action, int64 [B], for each observation of [B, ...]."""
        return self._draw(observation)


def greedy_choice(policy: Any) -> Choice:
    """Return what chooses the likeliest actions of a policy as above."""
    return _chooser(policy, lambda logits: tf.argmax(logits, axis=-1))


def _chooser(policy: Any, of_logits: Callable[[tf.Tensor], tf.Tensor]) -> Choice:
    spec = policy.time_step_spec.observation

    @tf.function(input_signature=[tf.TensorSpec([None, *spec.shape], spec.dtype)])
    def choose(observation: tf.Tensor) -> tf.Tensor:
        return of_logits(policy.distribution(in_a_game(observation)).action.logits_parameter())

    return lambda observation: choose(tf.constant(observation)).numpy()
