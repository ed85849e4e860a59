"""Munchausen DQN on two states and two actions, worked by hand."""

from __future__ import annotations

import math

import pytest
import tensorflow as tf
from two_states import agent_of, transition

from agents.munchausen import log_policy_bonus, soft_value
from configs import Config, ConfigError


def test_soft_value_is_the_mean_of_the_policy_and_its_entropy() -> None:
    # q = [0, t log 3]: p = [1/4, 3/4].
    t = 0.5
    values = tf.constant([[0.0, t * math.log(3)]])
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    expected = 0.75 * t * math.log(3) + t * entropy
    assert float(soft_value(values, t)[0]) == pytest.approx(expected, rel=1e-6)


def test_bonus_is_the_scaled_log_policy_cut_off_below() -> None:
    # p = [1/4, 3/4] as above; t log p = [-0.693, -0.144].
    t = 0.5
    values = tf.constant([[0.0, t * math.log(3)]] * 2)
    actions = tf.constant([0, 1])
    bonus = log_policy_bonus(values, actions, 0.9, t, -0.5).numpy()
    assert bonus == pytest.approx([0.9 * -0.5, 0.9 * t * math.log(0.75)], rel=1e-6)


def test_target_of_the_whole_agent() -> None:
    # Target network: Q(S1) = [10, 20], Q(S2) = [30, 40]; online Q(S1, 0) = 1; discount 1/2.
    agent, _, target = agent_of(
        munchausen=True, munchausen_temperature=10.0, munchausen_log_policy_min=-100.0
    )
    info = agent.loss(transition(reward=7.0))
    log_policy = -10 * math.log(1 + math.e)  # of action 0 where action 1 is better by t
    soft = 40 + 10 * math.log(1 + math.exp(-1))
    expected = 7 + 0.9 * log_policy + 0.5 * soft - 1
    assert info.extra.td_error.numpy().tolist() == pytest.approx([expected], rel=1e-6)
    assert target.calls == 2  # where the action was chosen, and behind it


def test_a_sharp_policy_is_plain_dqn() -> None:
    agent, _, _ = agent_of(munchausen=True, munchausen_temperature=1e-3, munchausen_weight=0.0)
    assert agent.loss(transition(reward=7.0)).extra.td_error.numpy().tolist() == [7 + 20.0 - 1]


@pytest.mark.parametrize(
    ("settings", "flag"),
    [
        ({"agent": "c51", "double": False, "n_step": 1}, "--agent=dqn"),
        ({"agent": "dqn", "double": True, "n_step": 1}, "--nodouble"),
        ({"agent": "dqn", "double": False, "n_step": 3}, "--n_step=1"),
    ],
)
def test_what_the_paper_does_not_combine_is_refused(settings: dict[str, object], flag: str) -> None:
    with pytest.raises(ConfigError, match=f"^munchausen .*: give {flag} with it$"):
        Config.from_dict({"munchausen": True, **settings})
