"""Q-value iteration: what each action is worth, from a process that is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tabular.mdp import Mdp


class Solution(NamedTuple):
    """Optimal Q-values.

    Attributes:
      q_values: float64 [S, A], -inf where a state has not that action.
      sweeps: how often all of them were computed anew.
    """

    q_values: np.ndarray
    sweeps: int


def first_q_values(mdp: Mdp) -> np.ndarray:
    """Return zeros, float64 [S, A], and -inf where a state has not that action."""
    return np.where(mdp.possible, 0.0, -np.inf)


def backup(mdp: Mdp, q_values: np.ndarray, discount: float) -> np.ndarray:
    """Return what Q-values are by those of the next states, float64 [S, A].

    Bellman's equation of optimality (Sutton and Barto, 2018, equation 3.20):

        Q(s, a) = sum over s' of P(s' | s, a) (R(s, a, s') + discount max Q(s', .))
    """
    targets = mdp.rewards + discount * q_values.max(axis=-1)  # [S, A, S]
    return np.where(mdp.possible, (mdp.probabilities * targets).sum(axis=-1), -np.inf)


def distance(mdp: Mdp, some: np.ndarray, others: np.ndarray) -> float:
    """Return the greatest difference between two tables of Q-values, of the possible actions."""
    return float(np.abs(some[mdp.possible] - others[mdp.possible]).max())


def q_value_iteration(mdp: Mdp, discount: float, tolerance: float = 1e-9) -> Solution:
    """Return the Q-values of the best policy, each within `tolerance`.

    A sweep brings them nearer to the solution by the factor `discount` at least, so that they are
    within change * discount / (1 - discount) of it behind a sweep that changed them by `change`.

    Args:
      mdp: whose probabilities and rewards are known.
      discount: from 0 to below 1.
      tolerance: above 0.
    """
    q_values, sweeps, error = first_q_values(mdp), 0, np.inf
    while error > tolerance:
        before, q_values = q_values, backup(mdp, q_values, discount)
        change = distance(mdp, q_values, before)
        error = change * discount / (1 - discount)
        sweeps += 1
    return Solution(q_values, sweeps)


def greedy(q_values: np.ndarray) -> np.ndarray:
    """Return the best action of each state, int64 [S]."""
    return q_values.argmax(axis=-1)
