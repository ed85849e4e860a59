"""The replay behind TF-Agents' interface: observer, dataset, sampler in a graph."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.agents.dqn import dqn_agent
from tf_agents.networks import q_network
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from replay.frame_ring import FrameRing
from replay.uniform import UniformReplay

FIRST, MID, LAST = 0, 1, 2
OBSERVATION = tensor_spec.BoundedTensorSpec([2, 3, 4], tf.uint8, 0, 255, "observation")
ACTION = tensor_spec.BoundedTensorSpec([], tf.int64, 0, 3, "action")


def data_spec() -> trajectory.Trajectory:
    step = ts.time_step_spec(OBSERVATION)
    return trajectory.Trajectory(
        step_type=step.step_type,
        observation=OBSERVATION,
        action=ACTION,
        policy_info=(),
        next_step_type=step.step_type,
        reward=step.reward,
        discount=step.discount,
    )


def item(types: list[int], frame: int) -> trajectory.Trajectory:
    """Return one time step of each game; game g shows `frame` + 100 g."""
    games = np.arange(len(types))
    observation = np.zeros((len(types), 2, 3, 4), np.uint8)
    observation[...] = (frame + 100 * games)[:, None, None, None]
    return tf.nest.map_structure(
        tf.constant,
        trajectory.Trajectory(
            step_type=np.array(types, np.int32),
            observation=observation,
            action=np.full(len(types), frame % 4, np.int64),
            policy_info=(),
            next_step_type=np.full(len(types), MID, np.int32),
            reward=np.full(len(types), frame, np.float32),
            discount=np.ones(len(types), np.float32),
        ),
    )


def filled(capacity: int = 40, seed: int = 0) -> UniformReplay:
    """Return a replay of two games: an episode of four steps, then one of three."""
    replay = UniformReplay(data_spec(), capacity, 2, seed=seed)
    for frame, step_type in enumerate([FIRST, MID, MID, LAST, FIRST, MID, MID]):
        replay.add_batch(item([step_type, step_type], frame))
    return replay


def newest(observation: tf.Tensor) -> np.ndarray:
    return np.asarray(observation)[..., 0, 0, -1]


def test_observer_and_sampler_keep_their_order_in_a_graph() -> None:
    replay = UniformReplay(data_spec(), 40, 1, seed=0)

    @tf.function
    def add_then_count(count: tf.Tensor) -> tf.Tensor:
        counts = tf.TensorArray(tf.int64, size=count)
        for number in tf.range(count):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            first = tf.cast(number == 0, tf.int32)
            one = item([MID], 7)
            replay.add_batch(one._replace(step_type=one.step_type - first))
            counts = counts.write(number, replay.num_frames())
        return counts.stack()

    assert add_then_count(tf.constant(9)).numpy().tolist() == list(range(1, 10))


def test_sample_has_static_shapes_and_the_ring_s_windows() -> None:
    replay = filled()

    @tf.function
    def draw() -> tuple[tf.Tensor, ...]:
        window = replay.sample(16, 2)
        assert tuple(window.observation.shape) == (16, 2, 3, 4)
        assert tuple(window.rewards.shape) == tuple(window.valid.shape) == (16, 2)
        return tuple(window)

    observation, action, rewards, _, valid, next_observation = (x.numpy() for x in draw())
    start = newest(observation) % 100
    assert set(start) <= {0, 1, 2, 4}  # 3 is LAST; 5 and 6 have no two steps yet
    np.testing.assert_array_equal(action, start % 4)
    np.testing.assert_array_equal(rewards[:, 0], start)
    np.testing.assert_array_equal(newest(next_observation) % 100, start + valid.sum(axis=1))
    # Both ends are of one game.
    np.testing.assert_array_equal(newest(observation) // 100, newest(next_observation) // 100)


@pytest.mark.parametrize("n_step", [1, 3])
def test_stacks_of_the_device_are_those_of_the_ring(n_step: int) -> None:
    """Over all borders of short episodes, and over the ring's end."""
    by_ring, by_device = (
        UniformReplay(data_spec(), 24, 2, seed=5, stack_on_device=on_device)
        for on_device in (False, True)
    )
    pixels = np.random.default_rng(0)
    for frame, step_type in enumerate([FIRST, MID, MID, LAST, FIRST, MID, LAST, FIRST] * 3):
        one = item([step_type, MID if frame % 8 in (1, 2) else step_type], frame)
        shape = one.observation.shape
        one = one._replace(observation=tf.constant(pixels.integers(0, 256, shape, np.uint8)))
        by_ring.add_batch(one)
        by_device.add_batch(one)
    draws = [tf.function(lambda r=r: tuple(r.sample(200, n_step))) for r in (by_ring, by_device)]
    for _ in range(2):  # the generators stay together
        for expected, given in zip(*(draw() for draw in draws), strict=True):
            assert (expected.dtype, expected.shape) == (given.dtype, given.shape)
            np.testing.assert_array_equal(expected, given)
    other = UniformReplay(data_spec(), 24, 2, seed=6, stack_on_device=True)
    other.ring.put_rows(0, by_ring.ring.rows(24 - 15, 24))
    assert np.any(
        other.sample(200, n_step).observation != by_device.sample(200, n_step).observation
    )


def test_frames_that_the_device_stacks_travel_as_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    replay = UniformReplay(data_spec(), 40, 1, seed=0, stack_on_device=True)
    for frame, step_type in enumerate([FIRST, MID, MID]):
        replay.add_batch(item([step_type], frame))
    frames = replay.ring.frames(np.array([0, 2]), np.array([0, 0]))
    assert (frames.shape, frames.dtype) == ((2, 4, 2, 3), np.uint8)
    assert frames[:, :, 0, 0].tolist() == [[0, 0, 0, 0], [0, 0, 1, 2]]
    assert frames.flags.c_contiguous
    assert frames.ctypes.data % 64 == 0  # TensorFlow takes it without a copy
    monkeypatch.setattr(FrameRing, "stacks", None)  # nothing is stacked on the way
    assert replay.sample(5, 1).observation.shape == (5, 2, 3, 4)


def test_dataset_stays_within_episodes_and_repeats_last() -> None:
    dataset = filled().as_dataset(sample_batch_size=64, num_steps=4)
    items, info = next(iter(dataset))
    frames = newest(items.observation) % 100  # [64, 4]
    assert {tuple(row) for row in frames} == {(0, 1, 2, 3), (1, 2, 3, 3), (2, 3, 3, 3)}
    types = items.step_type.numpy()
    np.testing.assert_array_equal(types == LAST, frames == 3)
    repeated = (frames[:, 1:] == 3) & (frames[:, :-1] == 3)
    assert np.all(items.reward.numpy()[:, 1:][repeated] == 0)
    np.testing.assert_array_equal(info.ids[:, 0] // 2, frames[:, 0])
    np.testing.assert_allclose(info.probabilities, 1 / 14)


def test_get_next_has_the_shapes_of_tf_agents_own_buffers() -> None:
    replay = filled()
    one, _ = replay.get_next()
    assert one.observation.shape == [2, 3, 4]
    batch, _ = replay.get_next(sample_batch_size=5)
    assert batch.observation.shape == [5, 2, 3, 4]
    stretch, _ = replay.get_next(num_steps=2)
    assert stretch.reward.shape == [2]
    steps, infos = replay.get_next(sample_batch_size=5, num_steps=3, time_stacked=False)
    assert len(steps) == len(infos) == 3
    assert steps[0].observation.shape == [5, 2, 3, 4]


def test_deterministic_pass_gives_each_step_once() -> None:
    replay = filled()
    items = list(replay.as_dataset(single_deterministic_pass=True))
    assert [int(newest(one.observation)) for one, _ in items] == [
        *range(7),
        *range(100, 107),
    ]
    pairs = list(replay.as_dataset(2, 3, single_deterministic_pass=True))
    assert [newest(pair.observation).tolist() for pair, _ in pairs] == [
        [[0, 1, 2], [3, 4, 5]],
        [[100, 101, 102], [103, 104, 105]],
    ]


def test_gather_all_and_clear() -> None:
    replay = filled(capacity=10)  # five rows of two games
    everything = replay.gather_all()
    assert newest(everything.observation).tolist() == [[2, 3, 4, 5, 6], [102, 103, 104, 105, 106]]
    assert int(replay.num_frames()) == 10
    replay.clear()
    assert int(replay.num_frames()) == 0


def test_preprocessing_function_of_the_agent_is_applied() -> None:
    dataset = filled().as_dataset(4, 2, sequence_preprocess_fn=lambda items: items.reward + 1000)
    rewards, _ = next(iter(dataset))
    assert np.all(rewards.numpy() >= 1000)


def test_stock_tf_agents_agent_learns_from_the_dataset() -> None:
    step_spec = ts.time_step_spec(OBSERVATION)
    network = q_network.QNetwork(
        OBSERVATION,
        ACTION,
        preprocessing_layers=tf.keras.layers.Rescaling(1 / 255),
        fc_layer_params=(4,),
    )
    agent = dqn_agent.DqnAgent(
        step_spec, ACTION, network, tf.keras.optimizers.legacy.SGD(0.1), n_step_update=2
    )
    agent.initialize()
    replay = UniformReplay(agent.collect_data_spec, 40, 2, seed=0)
    for frame, step_type in enumerate([FIRST, MID, MID, LAST, FIRST, MID, MID]):
        replay.add_batch(item([step_type, step_type], frame))
    items, _ = next(iter(replay.as_dataset(8, 3)))
    before = [weight.numpy() for weight in network.trainable_weights]
    assert np.isfinite(agent.train(items).loss)
    assert any(
        not np.array_equal(a, b.numpy())
        for a, b in zip(before, network.trainable_weights, strict=True)
    )


def test_observations_without_frames_are_kept_whole() -> None:
    spec = data_spec()._replace(observation=tensor_spec.TensorSpec([3], tf.float32))
    replay = UniformReplay(spec, 20, 1, seed=0, stack_size=1)
    for number, step_type in enumerate([FIRST, MID, LAST]):
        one = item([step_type], number)
        replay.add_batch(one._replace(observation=tf.fill([1, 3], number + 0.5)))
    window = replay.sample(8, 1)
    np.testing.assert_array_equal(window.next_observation, window.observation + 1)
