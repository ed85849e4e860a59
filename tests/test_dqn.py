"""The DQN agent on two states and two actions, where every number can be worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory
from two_states import (
    ONLINE,
    S1,
    S2,
    TARGET,
    agent_of,
    batch_of,
    nature_agent,
    transition,
)

import agents
from agents import dqn
from agents.dqn import DqnAgent
from agents.n_step import n_step_transition


@pytest.mark.parametrize(
    ("double", "error"),
    [
        (False, 7 + 0.5 * 40 - 1),  # the target network's own greatest
        (True, 7 + 0.5 * 30 - 1),  # the online network chooses action 0 (4 > 3)
    ],
)
def test_td_error_and_huber_loss(double: bool, error: float) -> None:
    agent, _, _ = agent_of(double=double)
    info = agent.loss(transition(reward=7.0))
    assert info.extra.td_error.numpy().tolist() == [error]
    assert info.extra.td_loss.numpy().tolist() == [error - 0.5]  # Huber, beyond 1
    assert info.extra.q_value.numpy().tolist() == [1.0]
    assert float(info.loss) == error - 0.5


def test_small_error_is_squared() -> None:
    agent, _, _ = agent_of()
    info = agent.loss(transition(reward=1.5, discount=0.0))
    assert float(info.loss) == pytest.approx(0.5 * 0.5**2)


def test_death_leaves_only_the_reward() -> None:
    agent, _, _ = agent_of()
    assert agent.loss(transition(reward=7.0, discount=0.0)).extra.td_error.numpy().tolist() == [6.0]


def test_loss_is_per_sample_and_weighted() -> None:
    agent, _, _ = agent_of()
    one, other = transition(reward=1.5, discount=0.0), transition(reward=3.0, discount=0.0)
    both = tf.nest.map_structure(lambda a, b: tf.concat([a, b], 0), one, other)
    info = agent.loss(both, weights=tf.constant([2.0, 0.0]))
    np.testing.assert_allclose(info.extra.td_loss, [0.125, 1.5])  # not their mean
    assert float(info.loss) == pytest.approx((2 * 0.125 + 0 * 1.5) / 2)


def test_training_steps_are_weighted_and_priorities_are_not() -> None:
    agent, online, _ = agent_of()
    # Errors 1.5 - 1 for S1 and 4 - 3 for S2; Huber's slopes are the same; the mean halves them.
    batch = n_step_transition(
        tf.constant([S1, S2]),
        tf.constant([0, 1], tf.int64),
        tf.constant([[1.5], [4.0]]),
        tf.zeros([2, 1]),
        tf.fill([2, 1], True),
        tf.constant([S1, S1]),
        discount=0.5,
        reward_clip=0.0,
    )
    info = agent.train(batch, weights=tf.constant([1.0, 0.25]))
    learned = [[1 + 0.1 * 1.0 * 0.5 / 2, 2.0], [4.0, 3 + 0.1 * 0.25 * 1.0 / 2]]
    np.testing.assert_allclose(online.kernel, learned, rtol=1e-6)
    assert info.extra.priority.numpy().tolist() == [0.5, 1.0]


@pytest.mark.parametrize(("double", "online_calls"), [(False, 1), (True, 2)])
def test_target_network_runs_once(double: bool, online_calls: int) -> None:
    agent, online, target = agent_of(double=double)
    agent.train(transition(reward=1.0))
    assert (target.calls, online.calls) == (1, online_calls)


def test_gradient_step_and_periodic_copy_of_the_target() -> None:
    agent, online, target = agent_of(target_update_period=2)
    agent.train(transition(reward=1.25, discount=0.0))
    # TD error 0.25; the loss falls by 0.25 for each unit of Q(S1, 0) = K[0][0]; step 0.1.
    expected = np.add(ONLINE, [[0.025, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(online.kernel, expected, rtol=1e-6)
    np.testing.assert_array_equal(target.kernel, TARGET)
    agent.train(transition(reward=1.25, discount=0.0))
    np.testing.assert_array_equal(target.kernel, online.kernel)
    assert int(agent.train_step_counter) == 2


@pytest.mark.parametrize("period", [1, 2])
def test_target_as_running_average(period: int) -> None:
    agent, online, target = agent_of(target_update_tau=0.25, target_update_period=period)
    agent.initialize()
    start = online.kernel.numpy()
    np.testing.assert_array_equal(target.kernel, start)
    agent.train(transition(reward=1.25, discount=0.0))
    if period == 2:
        np.testing.assert_array_equal(target.kernel, start)
        agent.train(transition(reward=1.25, discount=0.0))
    np.testing.assert_allclose(
        target.kernel, start + 0.25 * (online.kernel.numpy() - start), rtol=1e-6
    )


def trajectory_of(types: list[int], rewards: list[float], discounts: list[float]) -> Any:
    states = [S1, S2, S1][: len(types)]
    fields: dict[str, np.ndarray] = {
        "step_type": np.array(types, np.int32),
        "observation": np.array(states, np.float32),
        "action": np.zeros(len(types), np.int64),
        "next_step_type": np.array([*types[1:], 1], np.int32),
        "reward": np.array(rewards, np.float32),
        "discount": np.array(discounts, np.float32),
    }
    batched = {name: tf.constant(value[None]) for name, value in fields.items()}
    return trajectory.Trajectory(policy_info=(), **batched)


def test_trajectory_is_clipped_and_summed_up() -> None:
    agent, _, _ = agent_of(n_step=2, reward_clip=1.0)
    info = agent.loss(trajectory_of([0, 1, 1], [7.0, -7.0, 0.0], [1.0, 1.0, 1.0]))
    # 1 - 1/2 + 20/4 - 1: the target's greatest value of S1 is 20.
    assert info.extra.td_error.numpy().tolist() == [1 - 0.5 + 5.0 - 1]


def test_trajectory_does_not_cross_a_time_limit() -> None:
    agent, _, _ = agent_of(n_step=2)
    info = agent.loss(trajectory_of([0, 2, 0], [7.0, 99.0, 99.0], [1.0, 1.0, 1.0]))
    # One step only, to S2, which is worth 40 / 2.
    assert info.extra.td_error.numpy().tolist() == [7 + 20.0 - 1]


def test_trajectory_that_begins_at_last_counts_for_nothing() -> None:
    agent, _, _ = agent_of()
    info = agent.loss(trajectory_of([2, 0], [99.0, 0.0], [1.0, 1.0]))
    assert float(info.loss) == 0.0


def test_epsilon_falls_linearly_and_stays() -> None:
    agent, _, _ = agent_of(epsilon_initial=1.0, epsilon_final=0.2, epsilon_decay_iterations=4)
    epsilons = []
    for _ in range(7):
        epsilons.append(float(agent.epsilon))
        agent.train_step_counter.assign_add(1)
    np.testing.assert_allclose(epsilons, [1.0, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2], rtol=1e-6)


def actions(agent: dqn.DqnAgent, policy: Any, count: int) -> np.ndarray:
    batch = ts.restart(tf.tile([S1], [count, 1]), batch_size=count)
    return policy.action(batch).action.numpy()


def test_exploration_mixes_random_and_greedy_actions() -> None:
    agent, _, _ = agent_of(epsilon_initial=0.5, epsilon_final=0.5)
    # Greedy is action 1 (2 > 1); half of the rest is action 0: 1/4 of 4,000, deviation 27.
    assert 900 < np.sum(actions(agent, agent.collect_policy, 4_000) == 0) < 1_100
    assert np.all(actions(agent, agent.policy, 100) == 1)
    assert 1_900 < np.sum(actions(agent, agent.random_policy, 4_000) == 0) < 2_100


def test_network_does_not_run_where_all_actions_are_random() -> None:
    agent, _, _ = agent_of()
    agent._q_network.layers[0].kernel.assign(np.full([2, 2], np.nan))
    explored = actions(agent, agent.random_policy, 50)
    assert set(explored) == {0, 1}


def test_generator_decides_the_actions_and_can_be_restored() -> None:
    first, second, other = (agent_of(seed=seed)[0] for seed in (1, 1, 2))
    same = actions(first, first.random_policy, 50)
    np.testing.assert_array_equal(same, actions(second, second.random_policy, 50))
    assert not np.array_equal(same, actions(other, other.random_policy, 50))
    state = first._generator.state.numpy()
    later = actions(first, first.random_policy, 50)
    assert not np.array_equal(same, later)
    first._generator.state.assign(state)
    np.testing.assert_array_equal(later, actions(first, first.random_policy, 50))


def test_collecting_stays_as_it_is_until_refreshed() -> None:
    agent = nature_agent(overlap=True, epsilon_decay_iterations=10)
    pairs = list(zip(agent._q_network.variables, agent._collect_network.variables, strict=True))
    assert all(np.array_equal(a, b) and a is not b for a, b in pairs)
    agent.train(batch_of(4, n_step=1))
    assert not all(np.array_equal(a, b) for a, b in pairs)
    assert float(agent._epsilon_of_collection()) == 1.0
    agent.refresh_collect_policy()
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert float(agent._epsilon_of_collection()) == float(agent.epsilon) < 1.0


def test_without_overlap_the_network_that_learns_collects() -> None:
    agent = nature_agent(overlap=False, epsilon_decay_iterations=10)
    assert agent._collect_network is agent._q_network
    agent.train_step_counter.assign(5)
    agent.refresh_collect_policy()
    assert float(agent._epsilon_of_collection()) == pytest.approx(0.505)


@pytest.mark.parametrize("agent", sorted(agents.AGENTS))
def test_every_agent_of_the_registry_keeps_the_contract(agent: str) -> None:
    built = nature_agent(agent=agent, dueling=True, noisy=True, layer_norm=True, n_step=1)
    assert isinstance(built, DqnAgent)
    info = built.train(batch_of(4, n_step=1))
    extra = info.extra
    assert extra.td_error.shape == extra.q_value.shape == extra.priority.shape == [4]
    assert extra.td_error.dtype == extra.q_value.dtype == extra.priority.dtype == tf.float32
    assert np.all(extra.priority >= 0)
    assert float(built.epsilon) < 1.0
    pictures = ts.restart(tf.zeros([3, 84, 84, 4], tf.uint8), batch_size=3)
    for policy in (built.policy, built.collect_policy, built.random_policy):
        assert policy.action(pictures).action.shape == [3]


@pytest.mark.parametrize("overlap", [False, True])
def test_the_target_network_can_act(overlap: bool) -> None:
    agent = nature_agent(act_with_target=True, overlap=overlap, epsilon_initial=0.0,
                         epsilon_final=0.0)  # fmt: skip
    last = agent._target_q_network.trainable_weights[-1]
    last.assign([0.0, 100.0])
    agent.refresh_collect_policy()
    pictures = ts.restart(tf.zeros([3, 84, 84, 4], tf.uint8), batch_size=3)
    for policy in (agent.policy, agent.collect_policy):
        assert policy.action(pictures).action.numpy().tolist() == [1, 1, 1]
    last.assign([100.0, 0.0])
    agent.refresh_collect_policy()
    for policy in (agent.policy, agent.collect_policy):
        assert policy.action(pictures).action.numpy().tolist() == [0, 0, 0]
