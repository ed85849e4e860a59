"""The DQN agent on two states and two actions, where every number can be worked by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory
from two_states import (
    ACTION,
    CLASSIC,
    ONLINE,
    PICTURE,
    S1,
    S2,
    TARGET,
    agent_of,
    batch_of,
    transition,
)

import agents
from agents import dqn
from agents.dqn import DqnAgent
from agents.n_step import n_step_transition
from agents.nature_network import NatureQNetwork
from agents.optimizers import (
    LOSS_SCALE,
    MOST_SKIPPED,
    RunningAverage,
    WeightUpdate,
    build_optimizer,
)
from configs import Config


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


def nature_agent(**settings: Any) -> dqn.DqnAgent:
    tf.keras.utils.set_random_seed(1)
    config = CLASSIC.replace(**settings)
    return agents.build(ts.time_step_spec(PICTURE), ACTION, config)


def test_nature_network_has_the_layers_of_the_paper() -> None:
    agent = nature_agent()
    shapes = [tuple(weight.shape) for weight in agent._q_network.trainable_weights]
    assert shapes == [
        (8, 8, 4, 32),
        (32,),
        (4, 4, 32, 64),
        (64,),
        (3, 3, 64, 64),
        (64,),
        (7 * 7 * 64, 512),
        (512,),
        (512, 2),
        (2,),
    ]
    pairs = zip(agent._q_network.variables, agent._target_q_network.variables, strict=True)
    assert all(np.array_equal(a, b) and a is not b for a, b in pairs)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_bytes_are_divided_by_255(precision: str) -> None:
    network = NatureQNetwork(PICTURE, ACTION, CLASSIC.replace(precision=precision))
    network.create_variables()
    (convolution,) = network._encoder._flat_preprocessing_layers
    convolution.kernel.assign(tf.ones_like(convolution.kernel))
    pictures = np.zeros([2, 84, 84, 4], np.uint8)
    pictures[1] = 255
    black, white = convolution(tf.constant(pictures)).numpy().astype(np.float32)
    assert black.shape == (20, 20, 32)
    assert not black.any()
    # 8 x 8 x 4 ones; a 255th has 8 bits in bfloat16.
    np.testing.assert_allclose(white, 256.0, rtol=1e-6 if precision == "float32" else 2**-8)
    assert convolution(tf.constant(pictures)).dtype == precision


def test_bfloat16_has_a_float32_head_and_nearly_the_same_values() -> None:
    exact, rough = (
        NatureQNetwork(PICTURE, ACTION, CLASSIC.replace(precision=p))
        for p in ("float32", "bfloat16")
    )
    for network in (exact, rough):
        network.create_variables()
    assert {weight.dtype for weight in exact.variables} == {tf.float32}
    assert [weight.dtype for weight in rough.variables] == [tf.bfloat16] * 8 + [tf.float32] * 2
    for source, target in zip(exact.variables, rough.variables, strict=True):
        target.assign(tf.cast(source, target.dtype))
    picture = tf.cast(
        tf.random.stateless_uniform([2, 84, 84, 4], [3, 4], 0, 256, tf.int32), tf.uint8
    )
    (a, _), (b, _) = exact(picture), rough(picture)
    assert b.dtype == tf.float32
    assert not np.array_equal(a, b)
    np.testing.assert_allclose(a, b, atol=0.02)


def test_small_updates_of_bfloat16_weights_add_up() -> None:
    """Above 1 bfloat16 has steps of 2^-7: an update of 2^-10 alone is rounded off."""
    rough, exact = tf.Variable([1.0], dtype=tf.bfloat16), tf.Variable([1.0])
    update = WeightUpdate(tf.keras.optimizers.legacy.SGD(2**-10), [rough, exact])
    gradients = [tf.constant([-1.0], tf.bfloat16), tf.constant([-1.0])]
    seen = []
    for _ in range(8):
        update.apply_gradients(zip(gradients, [rough, exact], strict=True))
        seen.append((float(rough[0]), float(exact[0])))
    assert [value for value, _ in seen] == [1.0] * 4 + [1 + 2**-7] * 4  # 4/1024: half, to even
    assert [value for _, value in seen] == [1 + step / 1024 for step in range(1, 9)]


def test_gradients_of_float16_are_scaled_down_and_left_out_where_they_overflow() -> None:
    """Scaled, 2^-26 is 2^-16 and so above 0 in float16; below 2^-25 it would be 0 unscaled."""
    rough, exact = tf.Variable([1.0], dtype=tf.float16), tf.Variable([1.0])
    update = WeightUpdate(tf.keras.optimizers.legacy.SGD(2.0**20), [rough, exact])

    def apply(gradient: float) -> tuple[float, float]:
        of_rough = tf.constant([LOSS_SCALE * gradient], tf.float16)
        of_exact = tf.constant([LOSS_SCALE * 2**-20])
        update.apply_gradients(zip([of_rough, of_exact], [rough, exact], strict=True))
        return float(rough[0]), float(exact[0])

    assert apply(2**-26) == (1 - 2**-6, 0.0)
    # 1024 x 64 is 2^16, infinite in float16: neither weight moves, nor does the optimizer count.
    assert apply(64.0) == (1 - 2**-6, 0.0)
    assert int(update._optimizer.iterations) == 1
    assert apply(2**-26) == (1 - 2**-5, -1.0)
    for _ in range(MOST_SKIPPED):
        assert apply(math.nan) == (1 - 2**-5, -1.0)
    assert math.isnan(apply(math.nan)[0])  # no more: the loop sees it and ends the run


def test_float16_learns_what_float32_learns() -> None:
    """Their gradients, after the scale is divided out, are nearly the same."""
    moved = {}
    for precision in ("float32", "float16"):
        agent = nature_agent(precision=precision, optimizer="adam", network_width=0.25)
        agent._optimizer._optimizer = tf.keras.optimizers.legacy.SGD(1.0)
        before = [master.numpy() for master in agent._optimizer._masters]
        pixels = tf.random.stateless_uniform([4, 84, 84, 4], [3, 4], 0, 256, tf.int32)
        batch = batch_of(4, n_step=1)
        step = batch.time_step._replace(observation=tf.cast(pixels, tf.uint8))
        agent.train(batch._replace(time_step=step))
        moved[precision] = [
            master.numpy() - old
            for master, old in zip(agent._optimizer._masters, before, strict=True)
        ]
    for exact, rough in zip(*moved.values(), strict=True):
        scale = np.abs(exact).max()
        assert scale > 0
        np.testing.assert_allclose(rough, exact, atol=0.05 * scale)


def test_the_learning_rate_falls_exponentially_and_then_stays() -> None:
    agent = nature_agent(
        learning_rate=1e-2,
        learning_rate_final_share=1e-4,
        learning_rate_decay_iterations=2,
        overlap=False,
    )
    train = tf.function(agent.train)
    rates, steps = [], []
    for _ in range(4):
        before = [weight.numpy() for weight in agent._q_network.trainable_weights]
        rates.append(float(agent.learning_rate))
        train(batch_of(4, n_step=1))
        after = agent._q_network.trainable_weights
        changes = [float(np.abs(a - b).max()) for a, b in zip(after, before, strict=True)]
        steps.append(max(changes))  # Adam's is about the learning rate
    np.testing.assert_allclose(rates, [1e-2, 1e-4, 1e-6, 1e-6], rtol=1e-5)
    np.testing.assert_allclose(steps, rates, rtol=0.7)


def test_an_update_refuses_the_gradients_of_others() -> None:
    weight, other = tf.Variable([1.0]), tf.Variable([1.0])
    update = WeightUpdate(tf.keras.optimizers.legacy.SGD(0.1), [weight])
    with pytest.raises(ValueError, match="are not those of the weights"):
        update.apply_gradients([(tf.constant([1.0]), other)])


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


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "rmsprop_nature"])
def test_every_optimizer_and_precision_trains(optimizer: str, precision: str) -> None:
    agent = nature_agent(optimizer=optimizer, precision=precision, dueling=True)
    batch = batch_of(4, n_step=3)
    losses = [float(agent.train(batch).loss) for _ in range(3)]
    assert losses[2] < losses[0]


@pytest.mark.parametrize(
    ("optimizer", "step"),
    [
        # Mean square 0.05 g^2, mean 0.05 g; variance v = 0.05 g^2 - 0.0025 g^2; g = 2.
        ("rmsprop", 0.1 * 2 / (0.19**0.5 + 0.01)),
        ("rmsprop_nature", 0.1 * 2 / (0.19 + 0.01) ** 0.5),
        # Both moments corrected: g / (|g| + epsilon hat / sqrt(1 - 0.999)).
        ("adam", 0.1 * 2 / (2 + 0.01 / 0.001**0.5)),
    ],
)
def test_first_step_of_each_optimizer(optimizer: str, step: float) -> None:
    config = Config(optimizer=optimizer, learning_rate=0.1, optimizer_epsilon=0.01)
    weight = tf.Variable(5.0)
    build_optimizer(config).apply_gradients([(tf.constant(2.0), weight)])
    assert 5.0 - float(weight) == pytest.approx(step, rel=1e-4)


def test_width_scales_filters_and_units() -> None:
    agent = nature_agent(network_width=0.25)
    kernels = agent._q_network.trainable_weights[::2]
    assert [kernel.shape[-1] for kernel in kernels] == [8, 16, 16, 128, 2]


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


def test_running_average_of_bfloat16_weights_swallows_nothing() -> None:
    """Above 1 bfloat16 has steps of 2^-7: a step of 2^-10 alone is rounded off."""
    source = tf.Variable([1.0])
    rough, exact = tf.Variable([1.0], dtype=tf.bfloat16), tf.Variable([1.0])
    averages = [RunningAverage([source], [target], tau=2**-10) for target in (rough, exact)]
    for average in averages:
        average.begin()
    source.assign([2.0])
    for _ in range(8):
        for average in averages:
            average.update()
    assert float(exact[0]) == pytest.approx(2 - (1 - 2**-10) ** 8, rel=1e-6)
    assert float(rough[0]) == 1 + 2**-7


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
