"""What the chain, value iteration and Q-learning come to, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tabular.chain import FOUR_STATES, mean_lengths, walk
from tabular.learning import Learned, LearningRate, q_learning
from tabular.mdp import THREE_STATES
from tabular.values import Solution, greedy, q_value_iteration

MOST_STEPS = 50  # of a walk that are printed
_BOUND_STEPS = 10_000  # of a walk; never met, as it ends with 0.1 in two steps: 0.9^5,000


class Comparison(NamedTuple):
    """One process with one discount, solved and learned."""

    solution: Solution
    learned: Learned


def chain_lines(walks: int, seed: int) -> list[str]:
    """Return walks through the chain and their mean lengths, measured and exact."""
    generator = np.random.default_rng(seed)
    walked = [walk(FOUR_STATES, _BOUND_STEPS, generator) for _ in range(walks)]
    lengths = [len(states) - 1 for states in walked]
    end = len(FOUR_STATES) - 1
    lines = [f"A Markov chain of {end + 1} states, from s0 until s{end}:"]
    for states, length in zip(walked, lengths, strict=True):
        shown = " ".join(map(str, states[: MOST_STEPS + 1]))
        rest = f"  (and {length - MOST_STEPS} steps more)" if length > MOST_STEPS else ""
        lines.append(f"  {shown}{rest}")
    exact = ", ".join(f"{length:g} from s{s}" for s, length in enumerate(mean_lengths(FOUR_STATES)))
    return [*lines, f"mean steps: {np.mean(lengths):.1f} in these walks; exactly {exact}"]


def solve(discounts: Sequence[float]) -> dict[float, Solution]:
    """Return the solution for each discount."""
    return {discount: q_value_iteration(THREE_STATES, discount) for discount in discounts}


def learn(
    solutions: Mapping[float, Solution], steps: int, rate: LearningRate, seed: int
) -> dict[float, Comparison]:
    """Learn for each discount and return what came of it beside the solution."""
    return {
        discount: Comparison(
            solution, q_learning(THREE_STATES, discount, steps, rate, seed, solution.q_values)
        )
        for discount, solution in solutions.items()
    }


def values_lines(solutions: Mapping[float, Solution]) -> list[str]:
    """Return a table of Q-values for each discount, and whether the best policies are the same."""
    lines = []
    for discount, solution in solutions.items():
        heading = f"Q-value iteration, discount {discount:g}, {solution.sweeps} sweeps:"
        lines += [heading, *_table(solution.q_values), ""]
    policies = {discount: _policy(one.q_values) for discount, one in solutions.items()}
    if len(policies) > 1:
        same = "the same" if len(set(policies.values())) == 1 else "different"
        told = "; ".join(f"{discount:g}: {policy}" for discount, policy in policies.items())
        lines += [f"the best policies are {same}: {told}", ""]
    return lines[:-1]


def learning_lines(compared: Mapping[float, Comparison], rate: LearningRate) -> list[str]:
    """Return what was learned for each discount, and how its error fell."""
    lines = []
    for discount, (solution, learned) in compared.items():
        steps = len(learned.errors) - 1
        shown = sorted({0, *(10**power for power in range(2, 9) if 10**power < steps), steps})
        errors = ", ".join(f"{learned.errors[step]:.2f} after {step:,}" for step in shown)
        is_best = _policy(learned.q_values) == _policy(solution.q_values)
        lines += [
            f"Q-learning, discount {discount:g}, {steps:,} steps, "
            f"learning rate {rate.initial:g} / (1 + {rate.decay:g} step):",
            *_table(learned.q_values),
            f"greatest error: {errors}",
            f"its policy is {'' if is_best else 'not '}the best: {_policy(learned.q_values)}",
            "",
        ]
    return lines[:-1]


def _table(q_values: np.ndarray) -> list[str]:
    """Return Q-values, a row for each state, and its best action."""
    best = greedy(q_values)
    header = " ".join(f"{f'a{action}':>8}" for action in range(q_values.shape[1]))
    lines = [f"      {header}  best"]
    for state, row in enumerate(q_values):
        cells = " ".join(f"{value:8.2f}" if np.isfinite(value) else f"{'-':>8}" for value in row)
        lines.append(f"  s{state}  {cells}  a{best[state]}")
    return lines


def _policy(q_values: np.ndarray) -> str:
    return " ".join(f"a{action}" for action in greedy(q_values))
