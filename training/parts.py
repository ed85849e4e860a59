"""The parts of a run, built from its config and wired together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tf_agents.drivers import dynamic_step_driver
from tf_agents.environments import tf_py_environment
from tf_agents.metrics import tf_metrics
from tf_agents.trajectories import time_step as ts

import agents
from agents.n_step import n_step_transition
from configs import Config
from envs import suite
from replay.uniform import UniformReplay

LOSS_FIELDS = ("loss", "td_error_abs", "q_value")


@dataclasses.dataclass(frozen=True)
class Parts:
    """What a run consists of; nothing here knows of files.

    Attributes:
      config: with its precision decided.
      env: the games, as a batched PyEnvironment that reports finished games.
      agent: a TF-Agents agent.
      replay: the observer of the driver.
      variables: everything that TensorFlow keeps, by name, for a checkpoint.
      agent_steps: returns the number of actions chosen so far, at random or not.
      collect_at_random: acts at random until so many actions have been chosen in all.
      iterate: runs a number of iterations; returns means over them, by LOSS_FIELDS.
    """

    config: Config
    env: suite.AtariGames
    agent: Any
    replay: UniformReplay
    variables: dict[str, Any]
    agent_steps: Callable[[], int]
    collect_at_random: Callable[[int], None]
    iterate: Callable[[int], dict[str, float]]


def build(config: Config, games_seed: int | None = None) -> Parts:
    """Build all parts; `config.precision` must be decided, not "auto".

    One seed feeds all generators: weights, exploration, replay and, unless `games_seed` is given,
    the games.
    """
    tf.keras.utils.set_random_seed(config.seed)
    seed = config.seed if games_seed is None else games_seed
    env = suite.load(config, config.num_envs, seed)
    tf_env = tf_py_environment.TFPyEnvironment(env)
    agent = agents.build(tf_env.time_step_spec(), tf_env.action_spec(), config)
    replay = UniformReplay(
        agent.collect_data_spec, config.replay_capacity, config.num_envs, seed=config.seed
    )
    agent_steps = tf_metrics.EnvironmentSteps()
    # How many there should be by now. Games side by side overshoot: what one iteration collects
    # too much, a later one leaves out, so that `update_period` is kept to in the long run.
    agent_steps_due = tf.Variable(0, dtype=tf.int64, name="agent_steps_due")
    missing = tf.Variable(0, dtype=tf.int32, name="agent_steps_missing")

    def driver(policy: Any) -> dynamic_step_driver.DynamicStepDriver:
        return dynamic_step_driver.DynamicStepDriver(
            tf_env, policy, observers=[replay.add_batch, agent_steps], num_steps=missing
        )

    random_driver, collect_driver = driver(agent.random_policy), driver(agent.collect_policy)

    @tf.function
    def collect_at_random(until: tf.Tensor) -> None:
        agent_steps_due.assign(until)
        missing.assign(tf.cast(until - agent_steps.result(), tf.int32))
        random_driver.run(tf_env.current_time_step())

    @tf.function
    def iterate(count: tf.Tensor) -> tf.Tensor:
        """Run `count` iterations in one graph, so that Python is asked once for many."""
        time_step = tf_env.current_time_step()
        sums = tf.zeros([len(LOSS_FIELDS)], tf.float64)
        for _ in tf.range(count):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            agent_steps_due.assign_add(config.update_period)
            missing.assign(tf.cast(agent_steps_due - agent_steps.result(), tf.int32))
            time_step, _ = collect_driver.run(time_step)
            sums += tf.cast(train_once(), tf.float64)
        return sums / tf.cast(count, tf.float64)

    def train_once() -> tf.Tensor:
        window = replay.sample(config.batch_size, config.n_step)
        info = agent.train(
            n_step_transition(*window, discount=config.discount, reward_clip=config.reward_clip)
        )
        error = tf.reduce_mean(tf.abs(info.extra.td_error))
        return tf.stack([info.loss, error, tf.reduce_mean(info.extra.q_value)])

    def iterate_many(count: int) -> dict[str, float]:
        means = iterate(tf.constant(count)).numpy()
        return dict(zip(LOSS_FIELDS, map(float, means), strict=True))

    return Parts(
        config=config,
        env=env,
        agent=agent,
        replay=replay,
        variables={
            "agent": agent,
            "agent_steps": agent_steps.environment_steps,
            "agent_steps_due": agent_steps_due,
        },
        agent_steps=lambda: int(agent_steps.result()),
        collect_at_random=lambda until: collect_at_random(tf.constant(until, tf.int64)),
        iterate=iterate_many,
    )


def greedy_choice(policy: Any) -> Callable[[Any], Any]:
    """Return a function from observations uint8 [B, ...] to the policy's actions int64 [B]."""

    @tf.function
    def choose(observation: tf.Tensor) -> tf.Tensor:
        time_step = ts.restart(observation, batch_size=observation.shape[0])
        return policy.action(time_step).action

    return lambda observation: choose(tf.constant(observation)).numpy()
