"""A Markov decision process (Bellman, 1957): a chain whose steps are chosen, and rewarded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_Outcomes = Sequence[Sequence[Sequence[float] | None]]  # [S][A][S], None: there is no such action


class Mdp(NamedTuple):
    """States, actions and what comes of them.

    Attributes:
      probabilities: float64 [S, A, S], of each next state; 0 where `possible` is not.
      rewards: float64 [S, A, S], of the step to that state.
      possible: bool [S, A], which actions a state has.
    """

    probabilities: np.ndarray
    rewards: np.ndarray
    possible: np.ndarray

    def step(self, state: int, action: int, generator: np.random.Generator) -> tuple[int, float]:
        """Draw where `action` leads from `state`; return the next state and the reward."""
        # A draw by generator.choice(p=...) would take twenty times as long as this.
        reached = self.probabilities[state, action].cumsum()
        next_state = int(reached.searchsorted(generator.random() * reached[-1], side="right"))
        return next_state, float(self.rewards[state, action, next_state])


def mdp_of(probabilities: _Outcomes, rewards: Sequence[Sequence[Sequence[float]]]) -> Mdp:
    """Return the process that nested lists describe.

    Args:
      probabilities: by state, action and next state; None for an action that a state has not.
      rewards: by the same.

    Raises:
      ValueError: if probabilities do not sum to 1, or a state has no action.
    """
    possible = np.array([[row is not None for row in actions] for actions in probabilities])
    nothing = [0.0] * len(probabilities)
    table = np.array([[row or nothing for row in actions] for actions in probabilities])
    if (table < 0).any() or not np.allclose(table.sum(axis=-1), possible):
        raise ValueError("the probabilities of an action must be 0 or more and sum to 1")
    if not possible.any(axis=-1).all():
        raise ValueError("each state must have an action")
    return Mdp(table, np.array(rewards, float), possible)


THREE_STATES = mdp_of(
    probabilities=[
        [[0.7, 0.3, 0.0], [1.0, 0.0, 0.0], [0.8, 0.2, 0.0]],
        [[0.0, 1.0, 0.0], None, [0.0, 0.0, 1.0]],
        [None, [0.8, 0.1, 0.1], None],
    ],
    rewards=[
        [[10, 0, 0], [0, 0, 0], [0, 0, 0]],
        [[0, 0, 0], [0, 0, 0], [0, 0, -50]],
        [[0, 0, 0], [40, 0, 0], [0, 0, 0]],
    ],
)
"""Is it worth -50 to reach s2, where +40 is to be had? A. Géron's book (2019), chapter 18."""
