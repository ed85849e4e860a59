"""QR-DQN: Dabney et al., "Distributional Reinforcement Learning with Quantile Regression", 2018."""

from __future__ import annotations

import functools

import tensorflow as tf

from agents import dqn
from agents.distributional import DistributionalAgent
from agents.values import Quantiles
from configs import Config


class QuantileAgent(DistributionalAgent):
    """Learns N quantiles of the return."""

    def _divergence(
        self, outputs: tf.Tensor, next_outputs: tf.Tensor, reward: tf.Tensor, factor: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the quantile Huber loss with kappa 1 (equation 10), and it as priority.

        It is summed over the quantiles that are learned and averaged over the target's.
        """
        target = reward + factor * next_outputs
        error = target[:, None, :] - outputs[:, :, None]  # [B, learned, target]
        size = tf.abs(error)
        huber = tf.where(size <= 1, 0.5 * tf.square(error), size - 0.5)
        levels = self.form.levels[None, :, None]
        weight = tf.abs(levels - tf.cast(tf.stop_gradient(error) < 0, tf.float32))
        loss = tf.reduce_sum(tf.reduce_mean(weight * huber, axis=2), axis=1)
        return loss, tf.stop_gradient(loss)


def value_form(config: Config) -> Quantiles:
    """Return what the networks say of each action: `atoms` quantiles of its return."""
    return Quantiles(config.atoms)


build = functools.partial(dqn.build, agent_class=QuantileAgent)
