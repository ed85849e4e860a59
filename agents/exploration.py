"""Epsilon-greedy exploration whose randomness a checkpoint can hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tf_agents.policies import tf_policy
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts


class EpsilonGreedyPolicy(tf_policy.TFPolicy):
    """Acts at random with probability epsilon, else as `greedy` does.

    TF-Agents' own draws from stateful ops, whose state no checkpoint holds, and runs the network
    even where every action is random.

    Args:
      greedy: the policy of the other actions.
      epsilon: returns the share of random actions, a float32 scalar from 0 to 1.
      generator: draws whether to explore, and the random actions.
    """

    def __init__(
        self,
        greedy: tf_policy.TFPolicy,
        epsilon: Callable[[], tf.Tensor | float],
        generator: tf.random.Generator,
    ) -> None:
        super().__init__(greedy.time_step_spec, greedy.action_spec, name="EpsilonGreedyPolicy")
        self._greedy = greedy
        self._epsilon = epsilon
        self._generator = generator

    def _variables(self) -> list[tf.Variable]:
        return [*self._greedy.variables(), self._generator.state]

    def _action(
        self,
        time_step: ts.TimeStep,
        policy_state: Any,
        seed: Any = None,
    ) -> policy_step.PolicyStep:
        del seed  # the generator has its own
        spec = self.action_spec
        batch = tf.shape(time_step.step_type)  # [B]
        # The actions must wait for the time step even where they do not look at it: a driver steps
        # the environment as soon as it has them.
        with tf.control_dependencies([time_step.step_type]):
            explores = self._generator.uniform(batch) < self._epsilon()
            random = self._generator.uniform(batch, spec.minimum, spec.maximum + 1, spec.dtype)
        greedy = tf.cond(
            tf.reduce_all(explores),
            lambda: random,
            lambda: self._greedy_action(time_step),
        )
        return policy_step.PolicyStep(tf.where(explores, random, greedy), policy_state, ())

    def _greedy_action(self, time_step: ts.TimeStep) -> tf.Tensor:
        # Whoever plays may have put the rest on the processor; the network stays with its weights.
        with tf.device(None):
            return self._greedy.action(time_step).action
