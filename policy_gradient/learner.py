"""An agent and the games that it learns from: an iteration plays, then learns from that alone."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from configs.policy_gradient import PolicyGradientConfig
from envs import suite
from policy_gradient.parallel_games import ParallelGames
from policy_gradient.sampling import Sampler, greedy_choice
from training.faults import games_from_python
from training.time_spent import TimeSpent

Games = suite.Games | ParallelGames
"""All have `pop_finished_games`, `lives`, `state` and `restore`."""


class Learner(abc.ABC):
    """An agent that plays and learns, an iteration at a time.

    Args:
      config: of the run.
      env: the games.
      spent: is told where the time goes.

    Attributes:
      env: the games.
      agent: of TF-Agents; its `policy` is the greedy one.
      time_spent: the same.
    """

    def __init__(self, config: PolicyGradientConfig, env: Games, spent: TimeSpent) -> None:
        self.env = env
        self.time_spent = spent
        self._config = config
        self._optimizer = build_optimizer(config)
        self._agent_steps = tf.Variable(0, dtype=tf.int64)
        self._train_steps = tf.Variable(0, dtype=tf.int64)
        self.agent = self._build_agent(
            tensor_spec.from_spec(env.time_step_spec()), tensor_spec.from_spec(env.action_spec())
        )
        self._sampler = Sampler(self.agent.collect_policy, config.seed)
        self._greedy = greedy_choice(self.agent.collect_policy)
        self._train = tf.function(self.agent.train, reduce_retracing=True)
        # They must be there before a checkpoint is read.
        self._optimizer._create_all_weights(self.weights())

    @property
    def variables(self) -> dict[str, Any]:
        """Everything that TensorFlow keeps, by name, for a checkpoint."""
        return {
            "agent": self.agent,
            "optimizer": self._optimizer,
            "generator": self._sampler.generator,
            "agent_steps": self._agent_steps,
            "train_steps": self._train_steps,
        }

    def agent_steps(self) -> int:
        """Return the number of actions chosen so far."""
        return int(self._agent_steps)

    def begin(self) -> None:
        """Begin the games, or go on with those of a checkpoint."""
        self._optimizer.learning_rate = self._config.learning_rate  # a resume may have another
        self._time_step = self.env.reset()

    def iterate(self) -> dict[str, float]:
        """Play, learn from it, and return the losses by name."""
        with games_from_python():
            experience = self._play()
        experience = experience._replace(reward=self._clipped(experience.reward))
        with self.time_spent.on("training"):
            info = self._train(experience)
            return {name: float(value) for name, value in self._losses(info).items()}

    def choose(self, observation: np.ndarray) -> np.ndarray:
        """Return the likeliest action, int64 [B], for each observation of [B, ...]."""
        return self._greedy(observation)

    def _act(self, observation: np.ndarray) -> np.ndarray:
        with self.time_spent.on("acting"):
            return self._sampler(observation)

    def _clipped(self, reward: np.ndarray) -> np.ndarray:
        most = self._config.reward_clip
        return np.clip(reward, -most, most) if most else reward

    @abc.abstractmethod
    def _build_agent(self, time_step_spec: ts.TimeStep, action_spec: Any) -> tf_agent.TFAgent:
        """Return the agent."""

    @abc.abstractmethod
    def weights(self) -> list[tf.Variable]:
        """Return all weights that the optimizer updates."""

    @abc.abstractmethod
    def _play(self) -> trajectory.Trajectory:
        """Return what an iteration learns from."""

    @abc.abstractmethod
    def _losses(self, info: tf_agent.LossInfo) -> Mapping[str, tf.Tensor]:
        """Return what is logged of an iteration."""


def row(before: ts.TimeStep, action: np.ndarray, after: ts.TimeStep) -> trajectory.Trajectory:
    """Return a step from one time step to the next, in numpy."""
    return trajectory.Trajectory(
        step_type=before.step_type,
        observation=before.observation,
        action=action,
        policy_info=(),
        next_step_type=after.step_type,
        reward=after.reward,
        discount=after.discount,
    )


def stacked(rows: Sequence[trajectory.Trajectory], axis: int) -> trajectory.Trajectory:
    """Return rows as one Trajectory with a new axis."""
    return tf.nest.map_structure(lambda *fields: np.stack(fields, axis), *rows)


def build_optimizer(config: PolicyGradientConfig) -> tf.keras.optimizers.Optimizer:
    """Return the optimizer of `config`, which shortens the gradient of all weights together.

    TF-Agents' own clipping shortens that of each weight by itself.
    """
    clipping = {"global_clipnorm": config.gradient_norm_max or None}
    if config.optimizer == "adam":
        return tf.keras.optimizers.legacy.Adam(
            config.learning_rate, epsilon=config.optimizer_epsilon, **clipping
        )
    return tf.keras.optimizers.legacy.RMSprop(
        config.learning_rate,
        rho=config.optimizer_decay,
        epsilon=config.optimizer_epsilon,
        **clipping,
    )
