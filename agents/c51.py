"""C51: Bellemare et al., "A Distributional Perspective on Reinforcement Learning", 2017.

TF-Agents has a CategoricalDqnAgent. Its projection is used here; its loss knows neither importance
weights, nor Double DQN, nor TD errors, and its n-step targets reach across a time limit.
"""

from __future__ import annotations

import functools

import tensorflow as tf
from tf_agents.agents.categorical_dqn import categorical_dqn_agent

from agents import dqn
from agents.distributional import DistributionalAgent
from agents.values import Categorical
from configs import Config


class CategoricalAgent(DistributionalAgent):
    """Learns the probabilities of N evenly spaced returns."""

    def _divergence(
        self, outputs: tf.Tensor, next_outputs: tf.Tensor, reward: tf.Tensor, factor: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the cross-entropy (algorithm 1), and as priority the Kullback-Leibler divergence.

        The latter is Rainbow's priority (Hessel et al. 2018, "The Integrated Agent"): the
        cross-entropy less what no learning can take away.
        """
        support = self.form.support
        target = categorical_dqn_agent.project_distribution(
            reward + factor * support[None, :], tf.nn.softmax(next_outputs), support
        )
        cross_entropy = tf.nn.softmax_cross_entropy_with_logits(labels=target, logits=outputs)
        entropy = -tf.reduce_sum(tf.math.xlogy(target, target), axis=-1)
        return cross_entropy, tf.maximum(tf.stop_gradient(cross_entropy) - entropy, 0.0)


def value_form(config: Config) -> Categorical:
    """Return what the networks say of each action: logits of `atoms` returns."""
    return Categorical(config.atoms, config.value_max)


build = functools.partial(dqn.build, agent_class=CategoricalAgent)
