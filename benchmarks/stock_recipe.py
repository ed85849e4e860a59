"""The parts of the reference recipe on TF-Agents' public classes, as its notebook puts them.

Nothing here comes from this project but the registration of the games with gym. What the notebook
does, a careful user of TF-Agents would do; where it slips, the slip is mended without a change in
speed: the loss is taken per sample, and FIRE returns its own newest frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gym
import numpy as np
import tensorflow as tf
from tf_agents.agents.dqn import dqn_agent
from tf_agents.drivers import dynamic_step_driver
from tf_agents.environments import (
    atari_preprocessing,
    atari_wrappers,
    suite_atari,
    tf_py_environment,
)
from tf_agents.metrics import tf_metric, tf_metrics
from tf_agents.networks import q_network
from tf_agents.policies import random_tf_policy
from tf_agents.replay_buffers import tf_uniform_replay_buffer
from tf_agents.utils import common

import envs.ale  # noqa: F401 - registers BreakoutNoFrameskip-v4 with gym

ENVIRONMENT = "BreakoutNoFrameskip-v4"
MAX_AGENT_STEPS_PER_GAME = 27_000  # 108,000 ALE frames
TARGET_UPDATE_PERIOD_TRAIN_STEPS = 2_000
EPSILON_DECAY_AGENT_STEPS = 250_000  # 1,000,000 ALE frames
EPSILON_FINAL = 0.01


class AutoFire(atari_preprocessing.AtariPreprocessing):
    """Presses FIRE at the start of a game and after each lost life."""

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env)
        self._fire = env.unwrapped.get_action_meanings().index("FIRE")

    def reset(self) -> np.ndarray:
        """Start a game, the ball in play."""
        super().reset()
        return super().step(self._fire)[0]

    def step(self, action: int) -> tuple[np.ndarray, float, bool, dict[str, Any]]:
        """Hold `action` for four frames, and FIRE for four more where a life is lost."""
        lives = self.env.ale.lives()
        observation, reward, done, info = super().step(action)
        if self.env.ale.lives() < lives and not done:
            observation, fire_reward, done, info = super().step(self._fire)
            reward += fire_reward
        return observation, reward, done, info


def new_environment() -> tf_py_environment.TFPyEnvironment:
    """Return Breakout, observations uint8 [1, 84, 84, 4]."""
    return tf_py_environment.TFPyEnvironment(
        suite_atari.load(
            ENVIRONMENT,
            max_episode_steps=MAX_AGENT_STEPS_PER_GAME,
            gym_env_wrappers=[AutoFire, atari_wrappers.FrameStack4],
        )
    )


def new_agent(
    environment: tf_py_environment.TFPyEnvironment,
    update_period_agent_steps: int,
    epsilon_decay_agent_steps: int = EPSILON_DECAY_AGENT_STEPS,
    epsilon_final: float = EPSILON_FINAL,
) -> dqn_agent.DqnAgent:
    """Return a DQN agent with the Nature network, centered RMSprop and the Huber loss."""
    network = q_network.QNetwork(
        environment.observation_spec(),
        environment.action_spec(),
        preprocessing_layers=tf.keras.layers.Lambda(
            lambda observation: tf.cast(observation, tf.float32) / 255.0
        ),
        conv_layer_params=[(32, (8, 8), 4), (64, (4, 4), 2), (64, (3, 3), 1)],
        fc_layer_params=[512],
    )
    train_step = tf.Variable(0, dtype=tf.int64)
    epsilon = tf.keras.optimizers.schedules.PolynomialDecay(
        initial_learning_rate=1.0,
        decay_steps=epsilon_decay_agent_steps // update_period_agent_steps,
        end_learning_rate=epsilon_final,
    )
    agent = dqn_agent.DqnAgent(
        environment.time_step_spec(),
        environment.action_spec(),
        q_network=network,
        optimizer=tf.keras.optimizers.RMSprop(
            learning_rate=2.5e-4, rho=0.95, momentum=0.0, epsilon=1e-5, centered=True
        ),
        target_update_period=TARGET_UPDATE_PERIOD_TRAIN_STEPS,
        td_errors_loss_fn=common.element_wise_huber_loss,
        gamma=0.99,
        train_step_counter=train_step,
        epsilon_greedy=lambda: epsilon(train_step),
    )
    agent.initialize()
    return agent


def new_replay(
    agent: dqn_agent.DqnAgent, replay_transitions: int
) -> tf_uniform_replay_buffer.TFUniformReplayBuffer:
    """Return an empty memory for one game, 28,224 bytes a transition, allocated at once."""
    return tf_uniform_replay_buffer.TFUniformReplayBuffer(
        agent.collect_data_spec, batch_size=1, max_length=replay_transitions
    )


def new_random_driver(
    environment: tf_py_environment.TFPyEnvironment,
    replay: tf_uniform_replay_buffer.TFUniformReplayBuffer,
    agent_steps: int,
) -> dynamic_step_driver.DynamicStepDriver:
    """Return the driver that plays at random before training begins."""
    policy = random_tf_policy.RandomTFPolicy(
        environment.time_step_spec(), environment.action_spec()
    )
    return dynamic_step_driver.DynamicStepDriver(
        environment, policy, observers=[replay.add_batch], num_steps=agent_steps
    )


def new_metrics(games_of_a_mean: int = 10) -> list[tf_metric.TFStepMetric]:
    """Return what the notebook counts: games, agent steps, and the mean return and length."""
    return [
        tf_metrics.NumberOfEpisodes(),
        tf_metrics.EnvironmentSteps(),
        tf_metrics.AverageReturnMetric(buffer_size=games_of_a_mean),
        tf_metrics.AverageEpisodeLengthMetric(buffer_size=games_of_a_mean),
    ]


def new_collect_driver(
    environment: tf_py_environment.TFPyEnvironment,
    agent: dqn_agent.DqnAgent,
    replay: tf_uniform_replay_buffer.TFUniformReplayBuffer,
    agent_steps: int,
    train_metrics: Sequence[tf_metric.TFStepMetric],
) -> dynamic_step_driver.DynamicStepDriver:
    """Return the driver that plays with the agent before each training step."""
    return dynamic_step_driver.DynamicStepDriver(
        environment,
        agent.collect_policy,
        observers=[replay.add_batch, *train_metrics],
        num_steps=agent_steps,
    )


def new_dataset(
    replay: tf_uniform_replay_buffer.TFUniformReplayBuffer, batch_size: int
) -> tf.data.Dataset:
    """Return batches of transitions, sampled ahead by other threads."""
    return replay.as_dataset(
        sample_batch_size=batch_size, num_steps=2, num_parallel_calls=3
    ).prefetch(3)
