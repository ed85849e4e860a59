"""What a policy expects of its games, against what they return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tf_agents.trajectories import trajectory

from configs import Config
from evaluation.watch import PlayedGame

UNSEEN = 0.01
"""A step counts if no more than this share of its return lies behind a time limit."""


class ValuedPlay:
    """The greedy choice, which keeps the Q-values of what is played.

    Give `choose` to `play_games`, `observe` to its observers, and the games to `compare`.

    Args:
      q_values: observation [B, ...] -> Q-values float32 [B, A].
    """

    def __init__(self, q_values: Callable[[np.ndarray], Any]) -> None:
        self._q_values = q_values
        self._of_this_step: np.ndarray | None = None
        self._q_chosen: list[np.ndarray] = []
        self._rewards: list[np.ndarray] = []
        self._discounts: list[np.ndarray] = []

    def choose(self, observation: np.ndarray) -> np.ndarray:
        """Return the actions with the greatest Q-values, int64 [B]."""
        self._of_this_step = np.asarray(self._q_values(observation))
        return self._of_this_step.argmax(axis=-1)

    def observe(self, step: trajectory.Trajectory) -> None:
        """Keep what `compare` needs of a step of all slots."""
        q_chosen = np.full(step.action.shape, np.nan, np.float32)  # where all slots act at random
        if self._of_this_step is not None:
            q_played = self._of_this_step[: len(step.action)]  # asked about more: asked_in_full
            q_chosen = np.take_along_axis(q_played, step.action[:, None], axis=1)[:, 0]
        self._of_this_step = None
        self._q_chosen.append(q_chosen)
        self._rewards.append(step.reward)
        self._discounts.append(step.discount)

    def compare(self, config: Config, games: Sequence[PlayedGame]) -> dict[str, float]:
        """Return the mean Q-value of the actions played and the mean return that followed them.

        Rewards are clipped and lost lives end what is counted as in learning, and both means are
        over the same steps of all games. A step from which a game went on beyond its time limit
        has a return that nobody saw; see UNSEEN.

        Args:
          config: of the run.
          games: what `play_games` returned, with this object as choice and observer.

        Returns:
          `q_value_mean` and `return_mean`; nothing if no step has both.
        """
        expected, returned = [], []
        for game in games:
            here = slice(game.first_step, len(game.history))
            q_chosen, rewards, discounts = (
                np.array([of_slots[game.slot] for of_slots in steps[here]], np.float64)
                for steps in (self._q_chosen, self._rewards, self._discounts)
            )
            if config.life_loss_terminal:
                discounts[list(game.lives_lost)] = 0.0
            if config.reward_clip:
                rewards = rewards.clip(-config.reward_clip, config.reward_clip)
            returns, unseen = discounted_returns(rewards, config.discount * discounts)
            counts = (unseen <= UNSEEN) & ~np.isnan(q_chosen)
            expected.append(q_chosen[counts])
            returned.append(returns[counts])
        if not sum(map(len, expected)):
            return {}
        return {
            "q_value_mean": float(np.concatenate(expected).mean()),
            "return_mean": float(np.concatenate(returned).mean()),
        }


def discounted_returns(rewards: np.ndarray, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what follows each step of a game, discounted, and how much of it nobody saw.

    Args:
      rewards: [n], of each step.
      factors: [n], by which what follows the step counts; 0 where an episode ends.

    Returns:
      the returns, float64 [n], and the weights of what follows the last step in them, float64 [n].
    """
    returns, unseen = np.empty(len(rewards)), np.empty(len(rewards))
    value, weight = 0.0, 1.0
    for step in reversed(range(len(rewards))):
        value = rewards[step] + factors[step] * value
        weight *= factors[step]
        returns[step], unseen[step] = value, weight
    return returns, unseen
