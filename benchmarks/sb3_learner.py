"""Lets Stable-Baselines3's DQN learn; `benchmarks.learning` runs it under that library's Python.

Nothing of this project that needs TensorFlow is imported here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import learned

_BATCH_SIZE = 32
_AGENT_STEPS = 10_000_000  # the clock ends it before
_SLOTS = 10  # games side by side afterwards
_NOT_A_TRAINING_SEED = 10_000


def learn(minutes: float, games: int, seed: int) -> learned.Learned:
    """Train until the time is over, then play whole games with the last weights."""
    import stable_baselines3
    import torch
    from stable_baselines3.common import callbacks

    from benchmarks import sb3_recipe

    clock = learned.Clock(minutes)
    curve = learned.ScoreCurve(clock)

    class Watch(callbacks.BaseCallback):
        """Notes the whole games and ends training when the time is over."""

        def _on_step(self) -> bool:
            for score in scores_of(self.locals["infos"]):
                curve.add(score)
            return not clock.is_over

    # Its epsilon falls from its first agent step on, on a line that has to be at 1 where it learns.
    fall = learned.EPSILON_DECAY_AGENT_STEPS
    until = learned.RANDOM_AGENT_STEPS + fall
    model = sb3_recipe.new_model(
        sb3_recipe.new_environment(1, seed),
        batch_size=_BATCH_SIZE,
        random_agent_steps=learned.RANDOM_AGENT_STEPS,
        exploration_initial_eps=learned.EPSILON_FINAL + (1 - learned.EPSILON_FINAL) * until / fall,
        exploration_final_eps=learned.EPSILON_FINAL,
        exploration_fraction=until / _AGENT_STEPS,
        seed=seed,
    )
    model.learn(_AGENT_STEPS, callback=Watch())
    curve.end()
    minutes_of_training = clock.minutes
    env = sb3_recipe.new_environment(min(games, _SLOTS), seed + _NOT_A_TRAINING_SEED)
    return learned.Learned(
        name=f"Stable-Baselines3 {stable_baselines3.__version__}",
        setting=f"1 game, batch {_BATCH_SIZE}, torch {torch.__version__}, {model.device.type}",
        minutes=minutes_of_training,
        agent_steps=model.num_timesteps,
        train_steps=model._n_updates,
        curve=curve.points,
        scores=play(env, model, games, np.random.default_rng(seed)),
    )


def play(env: Any, model: Any, games: int, generator: np.random.Generator) -> list[float]:
    """Return the raw scores of whole games, played by the greedy policy but for EPSILON.

    Slot i of S plays games i, i + S ..., however long they take: short games, which are bad ones,
    must not count more often.

    Args:
      env: a VecEnv of S games.
      model: with Stable-Baselines3's `predict`.
      games: how many.
      generator: decides which actions are random.
    """
    slots = env.num_envs
    left = [len(range(slot, games, slots)) for slot in range(slots)]
    scores: list[float] = []
    observation = env.reset()
    while any(left):
        actions, _ = model.predict(observation, deterministic=True)
        at_random = generator.random(slots) < learned.EPSILON
        actions = np.where(at_random, generator.integers(env.action_space.n, size=slots), actions)
        observation, _, _, infos = env.step(actions)
        for slot, info in enumerate(infos):
            finished = scores_of([info])
            if finished and left[slot]:
                left[slot] -= 1
                scores += finished
    return scores


def scores_of(infos: list[dict[str, Any]]) -> list[float]:
    """Return the raw scores of the whole games that ended; its Monitor sees all lives of a game."""
    return [float(info["episode"]["r"]) for info in infos if "episode" in info]


if __name__ == "__main__":
    learned.print_learned(learn)
