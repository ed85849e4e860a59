"""The losses of A2C and REINFORCE on numbers that can be worked by hand."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.networks import network
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory
from two_states import ACTION, OBSERVATION, S1, S2

from configs.policy_gradient import POLICY_GRADIENT_PRESETS
from envs import suite
from policy_gradient.a2c_agent import A2CAgent
from policy_gradient.learner import build_optimizer, row, stacked
from policy_gradient.networks import ActorCriticNetwork
from policy_gradient.session import build

FIRST, MID, LAST = ts.StepType.FIRST, ts.StepType.MID, ts.StepType.LAST
LN3 = log(3.0)
# pi(S1) = [1/4, 3/4], V(S1) = 2; pi(S2) = [1/2, 1/2], V(S2) = 4.
LOGITS, VALUES = [[0.0, LN3], [0.0, 0.0]], [[2.0], [4.0]]


class _Table(ActorCriticNetwork):
    """Logits and values of two states, from tables."""

    def __init__(self) -> None:
        network.Network.__init__(self, OBSERVATION, state_spec=(), name="Table")
        self._body = []
        self._policy_head, self._value_head = (
            tf.keras.layers.Dense(
                len(kernel[0]), use_bias=False, kernel_initializer=tf.constant_initializer(kernel)
            )
            for kernel in (LOGITS, VALUES)
        )
        self._action_dtype = tf.int64
        self.logits_and_values(tf.zeros([1, 2]))


def _agent(n_step: int, entropy_weight: float = 0.01) -> tuple[A2CAgent, _Table]:
    table = _Table()
    agent = A2CAgent(
        ts.time_step_spec(OBSERVATION),
        ACTION,
        table,
        tf.keras.optimizers.legacy.SGD(0.1),
        n_step=n_step,
        discount=0.5,
        value_weight=0.5,
        entropy_weight=entropy_weight,
        train_step_counter=tf.Variable(0, dtype=tf.int64),
    )
    return agent, table


def _step(
    state: list[float],
    action: int,
    reward: float,
    discount: float = 1.0,
    kinds: tuple[int, int] = (MID, MID),
) -> trajectory.Trajectory:
    """A step from `state`, in numpy and without batch."""
    before, after = (
        ts.TimeStep(np.int32(kind), np.float32(reward), np.float32(discount), np.array(state, "f4"))
        for kind in kinds
    )
    return row(before, np.array(action), after)


def _batch(*games: list[trajectory.Trajectory]) -> Any:
    """Games [B][n + 1] as tensors [B, n + 1]."""
    whole = stacked([stacked(steps, axis=0) for steps in games], axis=0)
    return tf.nest.map_structure(tf.constant, whole)


def test_returns_end_with_the_game_and_go_on_behind_the_steps_and_the_time_limit() -> None:
    agent, _ = _agent(n_step=3)
    behind = _step(S1, 0, 100.0)  # of it the value counts, and nothing else
    begins = _step(S1, 0, 50.0, kinds=(LAST, FIRST))
    experience = _batch(
        [_step(S1, 0, 1.0), _step(S1, 0, 2.0), _step(S1, 0, 3.0), behind],
        [_step(S1, 0, 1.0), _step(S1, 0, 2.0, 0.0, (MID, LAST)), begins, behind],
        [_step(S1, 0, 1.0), _step(S1, 0, 2.0, 1.0, (MID, LAST)), begins, behind],
    )
    values = tf.constant([[9.0, 9.0, 9.0, 8.0], [9.0, 9.0, 9.0, 8.0], [9.0, 9.0, 10.0, 8.0]])
    goes_on, is_over, out_of_time = agent.returns(experience, values).numpy().tolist()
    assert goes_on == [3.75, 5.5, 7.0]  # 3 + 8 / 2; 2 + 7 / 2; 1 + 5.5 / 2
    assert is_over[:2] == [2.0, 2.0]  # 2; 1 + 2 / 2
    assert out_of_time[:2] == [4.5, 7.0]  # 2 + 10 / 2; 1 + 7 / 2


# S1, action 1, reward 3, to S2: return 3 + 4 / 2 = 5, advantage 5 - 2 = 3. The other game begins.
_ONE_STEP = (
    [_step(S1, 1, 3.0), _step(S2, 0, 0.0)],
    [_step(S2, 1, 7.0, kinds=(LAST, FIRST)), _step(S1, 0, 0.0)],
)


def test_the_loss_of_a2c() -> None:
    agent, _ = _agent(n_step=1)
    info = agent.train(_batch(*_ONE_STEP))
    policy_loss, value_loss = -3 * log(3 / 4), 3.0**2
    entropy = -(1 / 4 * log(1 / 4) + 3 / 4 * log(3 / 4))
    assert [float(part) for part in info.extra] == pytest.approx([policy_loss, value_loss, entropy])
    assert float(info.loss) == pytest.approx(policy_loss + 0.5 * value_loss - 0.01 * entropy)
    assert int(agent.train_step_counter) == 1


def test_the_gradients_of_a2c_reach_what_they_should() -> None:
    agent, table = _agent(n_step=1, entropy_weight=0.0)
    agent.train(_batch(*_ONE_STEP))
    # Log probability: one-hot - pi = [-1/4, 1/4], times advantage 3, times 0.1. S2 only tells the
    # rest of the return, which is no function of the weights.
    logits, values = (variable.numpy() for variable in table.trainable_weights)
    assert logits[0] == pytest.approx([0.0 - 0.075, LN3 + 0.075])
    assert logits[1].tolist() == LOGITS[1]
    # 0.5 * (5 - V)^2 has the slope -(5 - 2).
    assert values[0] == pytest.approx([2.0 + 0.1 * 3])
    assert values[1].tolist() == VALUES[1]


def test_entropy_is_made_greater() -> None:
    agent, table = _agent(n_step=1, entropy_weight=100.0)
    agent.train(_batch([_step(S1, 1, 0.0, 0.0, (MID, LAST)), _step(S1, 0, 0.0)]))
    logits = table.trainable_weights[0].numpy()[0]
    assert logits[1] - logits[0] < LN3


def test_the_gradient_is_shortened_as_a_whole() -> None:
    config = POLICY_GRADIENT_PRESETS["a2c"]
    assert (config.gradient_norm_max, config.optimizer_decay) == (0.5, 0.99)
    optimizer, weights = build_optimizer(config), [tf.Variable(0.0), tf.Variable(0.0)]
    optimizer.apply_gradients(zip([tf.constant(3.0), tf.constant(4.0)], weights, strict=True))
    # Length 5 becomes 0.5, that is 0.3 and 0.4; each by itself would be 0.5.
    squares = [float(optimizer.get_slot(weight, "rms")) for weight in weights]
    assert squares == pytest.approx([0.01 * 0.3**2, 0.01 * 0.4**2])


@pytest.mark.parametrize("baseline", [False, True])
def test_the_loss_of_reinforce(baseline: bool) -> None:
    config = POLICY_GRADIENT_PRESETS["reinforce"].replace(
        num_envs=1, discount=0.5, normalize_returns=False, baseline=baseline
    )
    learner = build(config, suite.load(config.playing(), 1, seed=1))
    for variable in learner.agent.trainable_variables:
        variable.assign(tf.zeros_like(variable))  # both actions have 1/2, all values are 0
    state = [0.0] * 4
    games = [  # one behind the other: 1 then 2 is over; 4 is over; returns 1 + 2 / 2, 2, and 4
        _step(state, 1, 1.0, 1.0, (FIRST, MID)),
        _step(state, 0, 2.0, 0.0, (MID, LAST)),
        _step(state, 0, 4.0, 1.0, (FIRST, LAST)),
    ]
    info = learner.agent.train(_batch(games))
    policy_loss = -(2 + 2 + 4) * log(1 / 2) / 2  # the mean of two games
    value_loss = 0.5 * (2**2 + 2**2 + 4**2) / 2 if baseline else 0.0
    assert float(info.extra.policy_gradient_loss) == pytest.approx(policy_loss)
    assert float(info.loss) == pytest.approx(policy_loss + value_loss)
