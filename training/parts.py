"""The parts of a run, built from its config and wired together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tf_agents.environments import tf_py_environment

import agents
from configs import Config
from configs.games import is_atari
from envs import suite
from envs.vector_game import STACK_SIZE
from evaluation.time_steps import in_a_game
from replay.prioritized import PrioritizedReplay
from replay.uniform import UniformReplay
from training.iterations import Iterations
from training.time_spent import TimedEnvironment, TimeSpent


@dataclasses.dataclass(frozen=True)
class Parts:
    """What a run consists of; nothing here knows of files.

    Attributes:
      config: with its precision decided.
      env: the games, as a batched PyEnvironment that reports finished games.
      agent: a TF-Agents agent.
      replay: the observer of the driver.
      variables: everything that TensorFlow keeps, by name, for a checkpoint.
      iterations: plays and learns.
      time_spent: is told where the time of all this goes.
    """

    config: Config
    env: suite.Games
    agent: Any
    replay: UniformReplay
    variables: dict[str, Any]
    iterations: Iterations
    time_spent: TimeSpent

    def agent_steps(self) -> int:
        """Return the number of actions chosen so far, at random or not."""
        return self.iterations.agent_steps()

    def collect_at_random(self, until: int) -> None:
        """Act at random until so many actions have been chosen in all."""
        self.iterations.collect_at_random(until)

    def iterate(self, count: int) -> dict[str, float]:
        """Run `count` iterations; return means over them, by LOSS_FIELDS."""
        return self.iterations.run(count)


def build(config: Config, games_seed: int | None = None) -> Parts:
    """Build all parts; `config.precision` must be decided, not "auto".

    One seed feeds all generators: weights, exploration, replay and, unless `games_seed` is given,
    the games.
    """
    tf.keras.utils.set_random_seed(config.seed)
    seed = config.seed if games_seed is None else games_seed
    env = suite.load(config, config.num_envs, seed)
    spent = TimeSpent()
    tf_env = tf_py_environment.TFPyEnvironment(TimedEnvironment(env, spent))
    agent = agents.build(tf_env.time_step_spec(), tf_env.action_spec(), config)
    replay = _replay(config, agent.collect_data_spec, spent)
    iterations = Iterations(config, tf_env, agent, replay, spent)
    return Parts(
        config=config,
        env=env,
        agent=agent,
        replay=replay,
        variables={"agent": agent, **iterations.variables_to_keep},
        iterations=iterations,
        time_spent=spent,
    )


def _replay(config: Config, data_spec: Any, spent: TimeSpent) -> UniformReplay:
    place = (data_spec, config.replay_capacity, config.num_envs)
    common: dict[str, Any] = {
        "seed": config.seed,
        "stack_size": STACK_SIZE if is_atari(config.game) else 1,
        "stack_on_device": stacks_on_device(config),
        "random_shift_pixels": config.random_shift_pixels if is_atari(config.game) else 0,
        "on_sampled": lambda seconds: spent.add("sampling", seconds),
    }
    if not config.prioritized:
        return UniformReplay(*place, **common)
    return PrioritizedReplay(
        *place,
        n_step=config.n_step,
        exponent=config.priority_exponent,
        weight_initial=config.priority_weight_initial,
        weight_batches=config.priority_weight_iterations,
        **common,
    )


def stacks_on_device(config: Config) -> bool:
    """Return whether TensorFlow, and not the replay, stacks the frames of a batch.

    "auto" stays what it is in a run's config: a resume on another machine may choose otherwise,
    since the bytes are the same.
    """
    if config.stack_on_device == "auto":
        return bool(tf.config.list_physical_devices("GPU"))
    return config.stack_on_device == "yes"


def q_values_of(q_policy: Any) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a function from observations, uint8 [B, ...], to Q-values, float32 [B, A].

    Args:
      q_policy: a TF-Agents QPolicy, whose logits are the Q-values.
    """

    def q_values(observation: tf.Tensor) -> tf.Tensor:
        return q_policy.distribution(in_a_game(observation)).action.logits

    return q_values
