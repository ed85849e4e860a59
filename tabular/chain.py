"""A Markov chain: a walk from state to state that depends on nothing but where it is."""

from __future__ import annotations

import numpy as np

FOUR_STATES = np.array(
    [
        [0.7, 0.2, 0.0, 0.1],
        [0.0, 0.0, 0.9, 0.1],
        [0.0, 1.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
"""float64 [4, 4], from state and to state; s3 is the end. A. Géron's book (2019), chapter 18."""


def walk(probabilities: np.ndarray, most_steps: int, generator: np.random.Generator) -> list[int]:
    """Walk from state 0 until a state that is never left.

    Args:
      probabilities: float [S, S], from state and to state; each row sums to 1.
      most_steps: after so many the walk is cut off.
      generator: draws the steps.

    Returns:
      the states, the first and the last among them: at most `most_steps` + 1.
    """
    states = [0]
    for _ in range(most_steps):
        state = states[-1]
        if probabilities[state, state] == 1:
            break
        states.append(int(generator.choice(len(probabilities), p=probabilities[state])))
    return states


def mean_lengths(probabilities: np.ndarray) -> np.ndarray:
    """Return how many steps a walk takes on average until it ends, float64 [S], by first state.

    A walk from s takes one step and then as many as from where that leads: of the states that are
    left, with Q the probabilities between them, the lengths are (I - Q)^-1 1 (Kemeny and Snell,
    "Finite Markov Chains", 1960, section 3.3).

    Raises:
      numpy.linalg.LinAlgError: if there are states from which no walk ends.
    """
    lengths = np.zeros(len(probabilities))
    left = np.flatnonzero(np.diag(probabilities) < 1)
    between = probabilities[np.ix_(left, left)]
    lengths[left] = np.linalg.solve(np.eye(len(left)) - between, np.ones(len(left)))
    return lengths
