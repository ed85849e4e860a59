"""Q-learning: what each action is worth, from steps of a process that is not known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tabular.mdp import Mdp
from tabular.values import distance, first_q_values


class LearningRate(NamedTuple):
    """initial / (1 + decay * steps): it falls slowly enough to reach everything, and to 0.

    Its sum over all steps is infinite and that of its squares is not, which is what Q-learning
    needs to come to the optimal values (Watkins and Dayan, 1992, theorem); a constant one has the
    second not, and stays as noisy as it is large.
    """

    initial: float
    decay: float

    def at(self, step: int) -> float:
        """Return the rate of the step behind `step` others."""
        return self.initial / (1 + self.decay * step)


class Learned(NamedTuple):
    """What came of it.

    Attributes:
      q_values: float64 [S, A], -inf where a state has not that action.
      errors: float64 [steps + 1], the greatest distance to the truth before the first step and
        behind each.
    """

    q_values: np.ndarray
    errors: np.ndarray


def q_learning(
    mdp: Mdp, discount: float, steps: int, rate: LearningRate, seed: int, truth: np.ndarray
) -> Learned:
    """Walk through `mdp` at random from state 0 and learn from each step (Watkins, 1989).

        Q(s, a) += rate (r + discount max Q(s', .) - Q(s, a))

    It learns the values of the best policy, not of the one that walks, which takes each action that
    a state has as often as the others. Nothing but the steps is seen of `mdp`.

    Args:
      mdp: is walked through.
      discount: from 0 to below 1.
      steps: of the walk.
      rate: from 0 to 1 at every step.
      seed: the same seed walks the same way.
      truth: float [S, A], what `errors` are measured by; nothing is learned from it.
    """
    generator = np.random.default_rng(seed)
    actions = [np.flatnonzero(row) for row in mdp.possible]
    q_values, state = first_q_values(mdp), 0
    errors = [distance(mdp, q_values, truth)]
    for step in range(steps):
        action = int(actions[state][generator.integers(len(actions[state]))])
        next_state, reward = mdp.step(state, action, generator)
        target = reward + discount * q_values[next_state].max()
        q_values[state, action] += rate.at(step) * (target - q_values[state, action])
        state = next_state
        errors.append(distance(mdp, q_values, truth))
    return Learned(q_values, np.array(errors))
