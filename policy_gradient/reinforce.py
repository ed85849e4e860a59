"""REINFORCE and its games."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.agents.reinforce import reinforce_agent
from tf_agents.networks import actor_distribution_network, value_network
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from envs import suite
from policy_gradient.learner import Learner, row, stacked


class ReinforceLearner(Learner):
    """Plays one whole game in each slot; the slots that are done wait for the others.

    Were they to play on, short games, which are bad games, would count too often. The games stand
    behind one another in one sequence: TF-Agents' ReinforceAgent would take what fills up a batch
    of games for returns of 0 when it normalizes.
    """

    env: suite.SideBySide

    def _build_agent(self, time_step_spec: ts.TimeStep, action_spec: Any) -> tf_agent.TFAgent:
        config, seen = self._config, time_step_spec.observation
        layers = (config.dense_units,) * config.dense_layers
        self._actor = actor_distribution_network.ActorDistributionNetwork(
            seen, action_spec, fc_layer_params=layers, activation_fn=tf.keras.activations.tanh
        )
        self._baseline = None
        if config.baseline:
            self._baseline = value_network.ValueNetwork(
                seen, fc_layer_params=layers, activation_fn=tf.keras.activations.tanh
            )
        return reinforce_agent.ReinforceAgent(
            time_step_spec,
            action_spec,
            self._actor,
            self._optimizer,
            value_network=self._baseline,
            value_estimation_loss_coef=config.value_weight,
            gamma=config.discount,
            normalize_returns=config.normalize_returns,
            entropy_regularization=config.entropy_weight or None,
            train_step_counter=self._train_steps,
        )

    def weights(self) -> list[tf.Variable]:
        """Return all weights that the optimizer updates."""
        baseline = self._baseline.trainable_weights if self._baseline else []
        return self._actor.trainable_weights + baseline

    def _play(self) -> trajectory.Trajectory:
        games = self.env.envs
        rows: list[list[trajectory.Trajectory]] = [[] for _ in games]
        steps = [self._begun(game) for game in games]
        playing = list(range(len(games)))
        while playing:
            actions = self._act(np.stack([step.observation for step in steps]))
            with self.time_spent.on("emulating"):
                for slot in playing:
                    before, steps[slot] = steps[slot], games[slot].step(actions[slot])
                    rows[slot].append(row(before, actions[slot], steps[slot]))
            playing = [slot for slot in playing if not steps[slot].is_last()]
        self._agent_steps.assign_add(sum(map(len, rows)))
        sequence = stacked([step for game in rows for step in game], axis=0)
        return tf.nest.map_structure(lambda field: field[np.newaxis], sequence)

    @staticmethod
    def _begun(game: Any) -> ts.TimeStep:
        """Return the FIRST of the next game: that of a game that is over comes by a step."""
        step = game.current_time_step()
        return game.step(np.int64(0)) if step.is_last() else step

    def _losses(self, info: tf_agent.LossInfo) -> Mapping[str, tf.Tensor]:
        losses = {"loss": info.loss, "policy_loss": info.extra.policy_gradient_loss}
        if self._config.baseline and self._config.value_weight:
            losses["value_loss"] = info.extra.value_estimation_loss / self._config.value_weight
        if self._config.entropy_weight:
            losses["entropy"] = (
                -info.extra.entropy_regularization_loss / self._config.entropy_weight
            )
        return losses
