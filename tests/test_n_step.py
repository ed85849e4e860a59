"""n-step returns, to be checked with a pencil."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from agents.n_step import n_step_return, n_step_transition

REWARDS = tf.constant([[1.0, 2.0, 4.0]])
ALL = tf.constant([[True, True, True]])
ONES = tf.ones([1, 3])


def returned(
    discounts: tf.Tensor = ONES, valid: tf.Tensor = ALL, discount: float = 0.5, clip: float = 0.0
) -> tuple[float, float]:
    reward, factor = n_step_return(REWARDS, discounts, valid, discount, clip)
    return float(reward[0]), float(factor[0])


def test_all_steps_count() -> None:
    # 1 + 2/2 + 4/4 = 3, and the value behind them is worth 1/8.
    assert returned() == (3.0, 0.125)


def test_death_cuts_what_comes_behind_it() -> None:
    # The second step ends in death: 1 + 2/2, and nothing of what stands behind.
    assert returned(discounts=tf.constant([[1.0, 0.0, 1.0]])) == (2.0, 0.0)


def test_time_limit_shortens_the_return() -> None:
    # Two steps were played, then time ran out: 1 + 2/2, and the value there is worth 1/4.
    assert returned(valid=tf.constant([[True, True, False]])) == (2.0, 0.25)


def test_each_reward_is_clipped_before_the_sum() -> None:
    # 1 + 1/2 + 1/4
    assert returned(clip=1.0) == (1.75, 0.125)
    reward, _ = n_step_return(-REWARDS, ONES, ALL, 0.5, 3.0)
    assert float(reward[0]) == -(1.0 + 1.0 + 0.75)


def test_reward_behind_the_end_is_ignored_whatever_it_is() -> None:
    rewards = tf.constant([[1.0, np.nan, 7.0]])
    valid = tf.constant([[True, False, False]])
    reward, factor = n_step_return(rewards, ONES, valid, 0.5, 0.0)
    assert (float(reward[0]), float(factor[0])) == (1.0, 0.5)


@pytest.mark.parametrize("discount", [0.99, 0.5, 0.0])
def test_agent_s_own_discount_makes_the_factor_whole(discount: float) -> None:
    observation = tf.zeros([1, 2])
    transition = n_step_transition(
        observation,
        tf.constant([1]),
        REWARDS,
        ONES,
        ALL,
        observation + 1,
        discount=discount,
        reward_clip=0.0,
    )
    factor = discount * float(transition.next_time_step.discount[0])
    assert factor == pytest.approx(discount**3)
    assert not bool(transition.time_step.is_last()[0])
