"""Time steps for policies that are only asked what they would do."""

from __future__ import annotations

import tensorflow as tf
from tf_agents.trajectories import time_step as ts


def in_a_game(observation: tf.Tensor) -> ts.TimeStep:
    """Return time steps amid games, reward 0 and discount 1, of observations [B, ...]."""
    batch = tf.shape(observation)[:1]
    return ts.TimeStep(
        step_type=tf.fill(batch, ts.StepType.MID),
        reward=tf.zeros(batch),
        discount=tf.ones(batch),
        observation=observation,
    )
