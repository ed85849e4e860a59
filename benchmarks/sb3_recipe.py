"""Stable-Baselines3's DQN with RL Baselines3 Zoo's settings for Atari, but for its schedules.

It is imported under that library's own Python, and needs nothing of this project's.
"""

from __future__ import annotations

from typing import Any

import ale_py
import gymnasium
import stable_baselines3
from stable_baselines3.common import env_util, vec_env

from benchmarks import measurement

GAME = "BreakoutNoFrameskip-v4"
TARGET_UPDATE_INTERVAL_AGENT_STEPS = 1_000


def new_environment(games: int, seed: int) -> vec_env.VecEnv:
    """Return games side by side, observations uint8 [games, 84, 84, 4]; a life is an episode."""
    gymnasium.register_envs(ale_py)
    return vec_env.VecFrameStack(env_util.make_atari_env(GAME, n_envs=games, seed=seed), 4)


def new_model(
    environment: vec_env.VecEnv, *, batch_size: int, random_agent_steps: int, **schedule: Any
) -> stable_baselines3.DQN:
    """Return a DQN agent with the Nature network, Adam and a target that is copied.

    Args:
      environment: what it trains in.
      batch_size: transitions per training step.
      random_agent_steps: before it learns.
      **schedule: its arguments for exploration, and `seed`.
    """
    return stable_baselines3.DQN(
        "CnnPolicy",
        environment,
        learning_rate=1e-4,
        buffer_size=measurement.REPLAY_TRANSITIONS,
        learning_starts=random_agent_steps,
        batch_size=batch_size,
        train_freq=measurement.UPDATE_PERIOD_AGENT_STEPS,
        gradient_steps=1,
        target_update_interval=TARGET_UPDATE_INTERVAL_AGENT_STEPS,
        optimize_memory_usage=False,
        **schedule,
    )
