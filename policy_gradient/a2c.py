"""A2C and its games."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from policy_gradient.a2c_agent import A2CAgent
from policy_gradient.learner import Learner, row, stacked
from policy_gradient.networks import ActorCriticNetwork


class A2CLearner(Learner):
    """Plays `n_step` agent steps of all games at once, one batch of the network for each."""

    def _build_agent(self, time_step_spec: ts.TimeStep, action_spec: Any) -> tf_agent.TFAgent:
        config = self._config
        self._network = ActorCriticNetwork(time_step_spec.observation, action_spec, config)
        return A2CAgent(
            time_step_spec,
            action_spec,
            self._network,
            self._optimizer,
            n_step=config.n_step,
            discount=config.discount,
            value_weight=config.value_weight,
            entropy_weight=config.entropy_weight,
            train_step_counter=self._train_steps,
        )

    def weights(self) -> list[tf.Variable]:
        """Return all weights that the optimizer updates."""
        return self._network.trainable_weights

    def _play(self) -> trajectory.Trajectory:
        rows = []
        for _ in range(self._config.n_step):
            before = self._time_step
            action = self._act(before.observation)
            with self.time_spent.on("emulating"):
                self._time_step = self.env.step(action)
            self._agent_steps.assign_add(int(np.sum(~before.is_last())))
            rows.append(row(before, action, self._time_step))
        rows.append(row(self._time_step, np.zeros_like(action), self._time_step))
        return stacked(rows, axis=1)

    def _losses(self, info: tf_agent.LossInfo) -> Mapping[str, tf.Tensor]:
        return {"loss": info.loss, **info.extra._asdict()}
