"""Advantage actor-critic: Mnih et al., "Asynchronous Methods for Deep RL", 2016, section 4."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.policies import actor_policy, greedy_policy
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory
from tf_agents.utils import value_ops

from policy_gradient.networks import ActorCriticNetwork


class A2CLoss(NamedTuple):
    """The parts of the loss, float32 [].

    Attributes:
      policy_loss: - log probability of the action times its advantage, mean.
      value_loss: squared advantage, mean; without its weight.
      entropy: of the policy, mean, in nats.
    """

    policy_loss: tf.Tensor
    value_loss: tf.Tensor
    entropy: tf.Tensor


class A2CAgent(tf_agent.TFAgent):
    """Learns a policy and its values from n agent steps of several games.

    It learns from a Trajectory [B, n + 1] of B games. Row n is that of the state behind the n
    steps; its observation gives the value of the rest, and nothing else of it is read. Rows whose
    step type is LAST are no steps (their action begins a new game) and count for nothing.

    Args:
      time_step_spec: of a game.
      action_spec: int [], from 0.
      network: policy and values.
      optimizer: of its weights.
      n_step: length of the return, in agent steps.
      discount: per agent step.
      value_weight: of the value loss.
      entropy_weight: of the entropy, which is to be great.
      train_step_counter: int64 [], is counted up by `train`.
    """

    def __init__(
        self,
        time_step_spec: ts.TimeStep,
        action_spec: Any,
        network: ActorCriticNetwork,
        optimizer: tf.keras.optimizers.Optimizer,
        *,
        n_step: int,
        discount: float,
        value_weight: float,
        entropy_weight: float,
        train_step_counter: tf.Variable,
    ) -> None:
        collect_policy = actor_policy.ActorPolicy(time_step_spec, action_spec, network)
        super().__init__(
            time_step_spec,
            action_spec,
            greedy_policy.GreedyPolicy(collect_policy),
            collect_policy,
            train_sequence_length=n_step + 1,
            train_step_counter=train_step_counter,
        )
        self._network = network
        self._optimizer = optimizer
        self._discount = discount
        self._value_weight = value_weight
        self._entropy_weight = entropy_weight

    def _train(self, experience: trajectory.Trajectory, weights: Any = None) -> tf_agent.LossInfo:
        del weights
        with tf.GradientTape() as tape:
            info = self._loss(experience)
            tf.debugging.check_numerics(info.loss, "Loss is inf or nan")
        trained = self._network.trainable_weights
        gradients = tape.gradient(info.loss, trained)
        self._optimizer.apply_gradients(zip(gradients, trained, strict=True))
        self.train_step_counter.assign_add(1)
        return info

    def _loss(
        self,
        experience: trajectory.Trajectory,
        weights: Any = None,
        training: bool = False,
    ) -> tf_agent.LossInfo:
        del weights, training
        shape = tf.shape(experience.reward)  # [B, n + 1]
        observation = experience.observation
        flat = tf.reshape(observation, tf.concat([[-1], tf.shape(observation)[2:]], axis=0))
        logits, values = self._network.logits_and_values(flat)
        values = tf.reshape(values, shape)
        returns = tf.stop_gradient(self.returns(experience, values))  # [B, n]
        advantages = returns - values[:, :-1]
        log_policy = tf.nn.log_softmax(
            tf.reshape(logits, tf.concat([shape, [-1]], axis=0))[:, :-1]
        )  # [B, n, A]
        log_chosen = tf.gather(log_policy, experience.action[:, :-1], batch_dims=2)
        entropies = -tf.reduce_sum(tf.exp(log_policy) * log_policy, axis=-1)

        is_step = tf.cast(~experience.is_boundary()[:, :-1], tf.float32)

        def mean(each: tf.Tensor) -> tf.Tensor:
            return tf.math.divide_no_nan(tf.reduce_sum(is_step * each), tf.reduce_sum(is_step))

        parts = A2CLoss(
            policy_loss=-mean(log_chosen * tf.stop_gradient(advantages)),
            value_loss=mean(tf.square(advantages)),
            entropy=mean(entropies),
        )
        loss = (
            parts.policy_loss
            + self._value_weight * parts.value_loss
            - self._entropy_weight * parts.entropy
        )
        return tf_agent.LossInfo(loss, parts)

    def returns(self, experience: trajectory.Trajectory, values: tf.Tensor) -> tf.Tensor:
        """Return the discounted returns of the n steps, float32 [B, n].

        step t goes on:     reward + discount * return of t + 1, and behind step n the value there
        step t is the last: reward, if the game is over
                            reward + discount * value of t + 1, if its time was up

        Args:
          experience: [B, n + 1].
          values: float32 [B, n + 1].
        """
        after = experience.discount[:, :-1] * self._discount
        goes_on = tf.cast(~experience.is_last()[:, :-1], tf.float32)
        return value_ops.discounted_return(
            experience.reward[:, :-1] + (1 - goes_on) * after * values[:, 1:],
            goes_on * after,
            final_value=values[:, -1],
            time_major=False,
        )
