"""C51 and QR-DQN on two states and two actions, worked by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.networks import network
from tf_agents.trajectories import time_step as ts
from two_states import ACTION, OBSERVATION, transition

from agents import value_form
from agents.c51 import CategoricalAgent
from agents.distributional import DistributionalAgent
from agents.qr_dqn import QuantileAgent
from agents.values import Categorical, Expectation, Quantiles, ValueForm
from configs import Config


class Table(network.Network):
    """What is said of each action, looked up by state: outputs [2 states, 2 actions, N]."""

    def __init__(self, table: Any, form: ValueForm, name: str = "Table") -> None:
        super().__init__(OBSERVATION, (), name)
        self._form = form
        self.table = tf.Variable(tf.constant(table, tf.float32))

    def outputs(self, observation: tf.Tensor, training: bool = False) -> tf.Tensor:
        del training
        return tf.gather(self.table, tf.argmax(observation, axis=-1))

    def call(
        self,
        observation: tf.Tensor,
        step_type: Any = None,
        network_state: Any = (),
        training: bool = False,
    ) -> tuple[tf.Tensor, Any]:
        del step_type
        return self._form.mean(self.outputs(observation, training)), network_state


def agent_of(
    kind: Callable[..., DistributionalAgent], online: Any, target: Any, **settings: Any
) -> DistributionalAgent:
    defaults = {"double": False, "n_step": 1, "discount": 0.5, "reward_clip": 0.0}
    name = "c51" if kind is CategoricalAgent else "qr_dqn"
    config = Config(agent=name, **{**defaults, **settings})
    form = value_form(config)
    return kind(
        ts.time_step_spec(OBSERVATION),
        ACTION,
        Table(online, form),
        Table(target, form),
        tf.keras.optimizers.legacy.SGD(0.1),
        config,
        tf.Variable(0, dtype=tf.int64),
    )


def logits(*probabilities: float) -> list[float]:
    return [math.log(p) if p else -1e9 for p in probabilities]


# Returns -2, 0, 2. Online, S1 action 0: a half of 0, a half of 2, whose mean is 1.
HALF = logits(0, 0.5, 0.5)
EVEN = logits(0.25, 0.5, 0.25)
SURE_TWO, SURE_ZERO = logits(0, 0, 1), logits(0, 1, 0)
C51 = {"atoms": 3, "value_max": 2.0}


def c51_agent(**settings: Any) -> DistributionalAgent:
    # The target network prefers action 1 in S2 (2 > 0), the online network action 0.
    return agent_of(
        CategoricalAgent,
        [[HALF, EVEN], [SURE_TWO, EVEN]],
        [[EVEN, EVEN], [SURE_ZERO, SURE_TWO]],
        **C51,
        **settings,
    )


def test_c51_projects_between_the_atoms() -> None:
    # 0.5 + 0.5 * 2 = 1.5 for sure: three quarters on 2, one on 0. Cross-entropy with a half each.
    info = c51_agent().loss(transition(reward=0.5))
    assert float(info.loss) == pytest.approx(math.log(2), rel=1e-5)
    assert info.extra.td_error.numpy().tolist() == pytest.approx([1.5 - 1.0])
    assert info.extra.q_value.numpy().tolist() == pytest.approx([1.0])
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert info.extra.priority.numpy().tolist() == pytest.approx([math.log(2) - entropy], rel=1e-4)


def test_c51_double_lets_the_online_network_choose() -> None:
    # Action 0, which the target network values at 0 for sure: 0.5, three quarters on 0.
    info = c51_agent(double=True).loss(transition(reward=0.5))
    assert info.extra.td_error.numpy().tolist() == pytest.approx([0.5 - 1.0])


def test_c51_death_and_returns_beyond_the_support() -> None:
    # 7 is cut to the greatest atom: -log 1/2.
    info = c51_agent().loss(transition(reward=7.0, discount=0.0))
    assert float(info.loss) == pytest.approx(math.log(2), rel=1e-5)
    info = c51_agent().loss(transition(reward=0.0, discount=0.0))
    assert info.extra.td_error.numpy().tolist() == pytest.approx([-1.0])


def test_c51_learns_the_target_and_only_of_the_action_taken() -> None:
    agent = c51_agent()
    before = agent._q_network.table.numpy()
    agent.train(transition(reward=0.5))
    change = agent._q_network.table.numpy() - before
    # The gradient of a cross-entropy is softmax less target: [0, 0.5 - 0.25, 0.5 - 0.75].
    np.testing.assert_allclose(change[0, 0], [0.0, -0.025, 0.025], atol=1e-6)
    assert not change[0, 1].any()
    assert not change[1].any()


def qr_agent(**settings: Any) -> DistributionalAgent:
    # Two quantiles, at 1/4 and 3/4. S1 action 0 says 0 and 2; S2: action 1 is best, 2 and 6.
    return agent_of(
        QuantileAgent,
        [[[0.0, 2.0], [0.0, 0.0]], [[9.0, 9.0], [0.0, 0.0]]],
        [[[0.0, 0.0], [0.0, 0.0]], [[0.0, 1.0], [2.0, 6.0]]],
        atoms=2,
        **settings,
    )


def test_qr_dqn_quantile_huber_loss() -> None:
    # Target 0.5 + [1, 3] = [1.5, 3.5]. Errors of 0: 1.5, 3.5; of 2: -0.5, 1.5.
    # Huber: 1.0, 3.0; 0.125, 1.0. Weights: 1/4, 1/4; |3/4 - 1|, 3/4.
    expected = (0.25 * 1.0 + 0.25 * 3.0) / 2 + (0.25 * 0.125 + 0.75 * 1.0) / 2
    info = qr_agent().loss(transition(reward=0.5))
    assert float(info.loss) == pytest.approx(expected)
    assert info.extra.priority.numpy().tolist() == pytest.approx([expected])
    assert info.extra.td_error.numpy().tolist() == pytest.approx([2.5 - 1.0])


def test_qr_dqn_double_and_death() -> None:
    double = qr_agent(double=True).loss(transition(reward=0.5))  # action 0: 0.5 + [0, 0.5]
    assert double.extra.td_error.numpy().tolist() == pytest.approx([0.75 - 1.0])
    dead = qr_agent().loss(transition(reward=0.5, discount=0.0))
    assert dead.extra.td_error.numpy().tolist() == pytest.approx([0.5 - 1.0])


def test_qr_dqn_gradient() -> None:
    agent = qr_agent()
    agent.train(transition(reward=0.5))
    # d/d0: -(1/4 + 1/4) / 2, both errors beyond 1; d/d2: (1/4 * 0.5 - 3/4) / 2.
    np.testing.assert_allclose(
        agent._q_network.table[0, 0], [0.0 + 0.1 * 0.25, 2.0 + 0.1 * 0.3125], rtol=1e-6
    )


@pytest.mark.parametrize("make", [c51_agent, qr_agent])
def test_weights_scale_each_loss(make: Any) -> None:
    one, other = transition(reward=0.5), transition(reward=0.0, discount=0.0)
    both = tf.nest.map_structure(lambda a, b: tf.concat([a, b], 0), one, other)
    info = make().loss(both, weights=tf.constant([3.0, 0.0]))
    assert float(info.loss) == pytest.approx(3 * float(make().loss(one).loss) / 2, rel=1e-5)


def test_value_forms_of_the_algorithms() -> None:
    assert isinstance(value_form(Config(agent="dqn")), Expectation)
    categorical = value_form(Config(agent="c51", atoms=5, value_max=4.0))
    assert isinstance(categorical, Categorical)
    assert categorical.support.numpy().tolist() == [-4.0, -2.0, 0.0, 2.0, 4.0]
    quantiles = value_form(Config(agent="qr_dqn", atoms=4))
    assert isinstance(quantiles, Quantiles)
    assert quantiles.levels.numpy().tolist() == [0.125, 0.375, 0.625, 0.875]
    assert float(quantiles.mean(tf.constant([1.0, 2.0, 3.0, 6.0]))) == 3.0
