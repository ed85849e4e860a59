"""Munchausen DQN: Vieillard, Pietquin and Geist, "Munchausen Reinforcement Learning", 2020.

With q the target network's values, t the temperature and p = softmax(q / t), equation 2 there:

    target = r + w t [log p(a | s)]_(l..0)  +  g sum_a' p(a' | s') (q(s', a') - t log p(a' | s'))
             the bonus                         the soft value, which is t log sum exp(q / t)
"""

from __future__ import annotations

import tensorflow as tf
from tf_agents.utils import common


def log_policy_bonus(
    values: tf.Tensor,
    actions: tf.Tensor,
    weight: float,
    temperature: float,
    log_policy_min: float,
) -> tf.Tensor:
    """Return what is added to the rewards, float32 [B].

    Args:
      values: of the target network where the actions were chosen, float32 [B, A].
      actions: int32 [B].
      weight: w above; alpha in the paper, 0.9.
      temperature: t above; tau in the paper, 0.03.
      log_policy_min: t log p is cut off below here; l0 in the paper, -1.
    """
    log_policy = temperature * tf.nn.log_softmax(values / temperature)
    chosen = common.index_with_actions(log_policy, actions)
    return weight * tf.clip_by_value(chosen, log_policy_min, 0.0)


def soft_value(values: tf.Tensor, temperature: float) -> tf.Tensor:
    """Return the value, float32 [B], of states whose actions have `values`, float32 [B, A]."""
    return temperature * tf.reduce_logsumexp(values / temperature, axis=-1)
