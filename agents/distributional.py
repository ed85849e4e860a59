"""What agents have in common that learn a distribution of returns."""

from __future__ import annotations

import abc
from typing import Any

import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.trajectories import trajectory
from tf_agents.utils import common

from agents import value_form
from agents.dqn import DqnAgent, DqnLossInfo


class DistributionalAgent(DqnAgent):
    """DqnAgent with another loss: N numbers of each action are moved towards those of a target.

    Double DQN, n-step returns, dueling and noisy networks stay as they are. Args are DqnAgent's.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.form: Any = value_form(self._config)

    @abc.abstractmethod
    def _divergence(
        self, outputs: tf.Tensor, next_outputs: tf.Tensor, reward: tf.Tensor, factor: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the loss and the priority of each transition, float32 [B].

        Args:
          outputs: of the actions taken, float32 [B, N].
          next_outputs: of the target network, float32 [B, N].
          reward: n-step return, float32 [B, 1].
          factor: of the value behind it, float32 [B, 1].
        """

    def _loss(self, experience: Any, **kwargs: Any) -> tf_agent.LossInfo:
        weights, training = kwargs.get("weights"), kwargs.get("training", False)
        transition: trajectory.Transition = self._as_transition(experience)
        before, after = transition.time_step, transition.next_time_step
        actions = tf.cast(transition.action_step.action, tf.int32)
        outputs = tf.gather(
            self._q_network.outputs(before.observation, training), actions, batch_dims=1
        )  # [B, N]
        next_outputs = self._next_outputs(after.observation)
        reward = after.reward
        factor = self._gamma * after.discount
        loss, priority = self._divergence(
            outputs, tf.stop_gradient(next_outputs), reward[:, None], factor[:, None]
        )
        mask = tf.cast(~before.is_last(), tf.float32)
        q_value = self.form.mean(outputs)
        td_error = mask * (reward + factor * self.form.mean(next_outputs) - q_value)
        total = common.aggregate_losses(
            per_example_loss=mask * loss,
            sample_weight=weights,
            regularization_loss=self._q_network.losses,
        ).total_loss
        return tf_agent.LossInfo(
            total, DqnLossInfo(mask * loss, td_error, q_value, mask * priority)
        )

    def _next_outputs(self, observation: tf.Tensor) -> tf.Tensor:
        """Return what the target network says of the next action, float32 [B, N]."""
        outputs = self._target_q_network.outputs(observation, training=True)  # [B, A, N]
        action = self._next_action(observation, self.form.mean(outputs))
        return tf.gather(outputs, action, batch_dims=1)
