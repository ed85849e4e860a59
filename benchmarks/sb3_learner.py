"""Lets Stable-Baselines3's DQN learn; `benchmarks.learning` runs it under that library's Python.

Nothing of this project that needs TensorFlow is imported here.
"""

from __future__ import annotations

import ale_py
import numpy as np

from benchmarks import learned

# RL Baselines3 Zoo's settings of DQN for Atari, but for its schedules; see benchmarks/README.md.
_GAME = "BreakoutNoFrameskip-v4"
_BATCH_SIZE = 32
_UPDATE_PERIOD_AGENT_STEPS = 4
_AGENT_STEPS = 10_000_000  # the clock ends it before
_SLOTS = 10  # games side by side afterwards


def learn(minutes: float, games: int, seed: int) -> learned.Learned:
    """Train until the time is over, then play whole games."""
    import gymnasium
    import stable_baselines3
    import torch
    from stable_baselines3.common import callbacks, env_util, vec_env

    clock = learned.Clock(minutes)
    curve = learned.ScoreCurve(clock)

    class Watch(callbacks.BaseCallback):
        """Notes the whole games and ends training when the time is over."""

        def _on_step(self) -> bool:
            for info in self.locals["infos"]:
                if "episode" in info:  # its Monitor sees raw rewards and games of all lives
                    curve.add(float(info["episode"]["r"]))
            return not clock.is_over

    gymnasium.register_envs(ale_py)
    model = stable_baselines3.DQN(
        "CnnPolicy",
        vec_env.VecFrameStack(env_util.make_atari_env(_GAME, n_envs=1, seed=seed), 4),
        learning_rate=1e-4,
        buffer_size=100_000,
        learning_starts=learned.RANDOM_AGENT_STEPS,
        batch_size=_BATCH_SIZE,
        train_freq=_UPDATE_PERIOD_AGENT_STEPS,
        gradient_steps=1,
        target_update_interval=1_000,
        exploration_fraction=learned.EPSILON_DECAY_AGENT_STEPS / _AGENT_STEPS,
        exploration_final_eps=learned.EPSILON_FINAL,
        optimize_memory_usage=False,
        seed=seed,
    )
    model.learn(_AGENT_STEPS, callback=Watch())
    minutes_of_training = clock.minutes

    slots = min(games, _SLOTS)
    env = vec_env.VecFrameStack(env_util.make_atari_env(_GAME, n_envs=slots, seed=seed + 10_000), 4)
    generator = np.random.default_rng(seed)
    # Slot i plays games i, i + slots, ...: whoever is fast must not count more often.
    left = [len(range(slot, games, slots)) for slot in range(slots)]
    scores: list[float] = []
    observation = env.reset()
    while any(left):
        actions, _ = model.predict(observation, deterministic=True)
        at_random = generator.random(slots) < learned.EPSILON
        actions = np.where(at_random, generator.integers(env.action_space.n, size=slots), actions)
        observation, _, _, infos = env.step(actions)
        for slot, info in enumerate(infos):
            if "episode" in info and left[slot]:
                left[slot] -= 1
                scores.append(float(info["episode"]["r"]))

    return learned.Learned(
        name=f"Stable-Baselines3 {stable_baselines3.__version__}",
        setting=f"1 game, batch {_BATCH_SIZE}, torch {torch.__version__}, {model.device.type}",
        minutes=minutes_of_training,
        agent_steps=model.num_timesteps,
        train_steps=model._n_updates,
        curve=curve.points,
        scores=scores,
    )


if __name__ == "__main__":
    learned.print_learned(learn, onednn=False)
