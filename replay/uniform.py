"""Uniform replay behind TF-Agents' ReplayBuffer interface: an observer of the driver."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.replay_buffers import replay_buffer
from tf_agents.trajectories import trajectory

from replay.arrays import Window
from replay.frame_ring import FrameRing

_FIELDS = ("step_type", "observation", "action", "next_step_type", "reward", "discount")


class BufferInfo(NamedTuple):
    """What TF-Agents tells of each sample: row numbers, int64, and their probability, float32."""

    ids: Any
    probabilities: Any


class UniformReplay(replay_buffer.ReplayBuffer):
    """Keeps single frames (7,068 bytes a transition) and rebuilds stacks when sampled.

    `add_batch` is an observer of DynamicStepDriver. `sample` is what training uses: both ends of an
    n-step window, and nothing between them. `as_dataset` and `get_next` serve whole Trajectories as
    TF-Agents' own buffers do; behind the end of an episode they repeat its LAST step with reward 0.

    Args:
      data_spec: a TF-Agents Trajectory spec, without batch; no policy_info.
      capacity: time steps, all games together.
      num_envs: games side by side, the batch that is added.
      seed: of the generator that draws the samples.
      stack_size: frames in an observation; 1: observations are kept whole.
      stack_on_device: `sample` has TensorFlow stack the frames, not the ring.
      random_shift_pixels: pictures of `sample` are shifted by up to so many, at random.
      on_sampled: is told of the seconds that each `sample` took.
      new_ring: builds the ring from the same arguments that FrameRing takes.
    """

    def __init__(
        self,
        data_spec: trajectory.Trajectory,
        capacity: int,
        num_envs: int,
        *,
        seed: int,
        stack_size: int = 4,
        stack_on_device: bool = False,
        random_shift_pixels: int = 0,
        on_sampled: Callable[[float], None] = lambda _: None,
        new_ring: Callable[..., FrameRing] = FrameRing,
    ) -> None:
        super().__init__(data_spec, capacity, stateful_dataset=True)
        shape = tuple(data_spec.observation.shape)
        self.ring = new_ring(
            capacity,
            num_envs,
            seed=seed,
            frame_shape=shape if stack_size == 1 else shape[:-1],
            frame_dtype=data_spec.observation.dtype.as_numpy_dtype,
            stack_size=stack_size,
            random_shift_pixels=random_shift_pixels,
        )
        self._stack_on_device = stack_on_device and stack_size > 1
        self._on_sampled = on_sampled

    def sample(self, batch_size: int, n_step: int, *, ahead: bool = False) -> Window:
        """Draw windows, as `FrameRing.sample` does; tensors in place of arrays, in a graph too.

        Args:
          batch_size: B.
          n_step: agent steps of a window.
          ahead: the batch waits while another is learned; see `FrameRing.generator_state`.
        """

        def draw() -> Window:
            with self._timed():
                return self.ring.sample(
                    batch_size, n_step, ahead=ahead, stacked=not self._stack_on_device
                )

        return self._finished(Window(*call(draw, self._window_spec(n_step), [batch_size])))

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._on_sampled(time.perf_counter() - began)

    def _window_spec(self, n_step: int) -> Window:
        observation = self._data_spec.observation
        if self._stack_on_device:
            *frame, stack = observation.shape
            observation = tf.TensorSpec([stack, *frame], observation.dtype)
        return Window(
            observation=observation,
            action=tf.TensorSpec([], tf.int64),
            rewards=tf.TensorSpec([n_step], tf.float32),
            discounts=tf.TensorSpec([n_step], tf.float32),
            valid=tf.TensorSpec([n_step], tf.bool),
            next_observation=observation,
        )

    def _finished(self, window: Window) -> Window:
        """Stack the frames of a window on the device, where the ring has not."""
        if not self._stack_on_device:
            return window
        return window._replace(
            observation=_stacked(window.observation),
            next_observation=_stacked(window.next_observation),
        )

    def _num_frames(self) -> tf.Tensor:
        return tf.numpy_function(lambda: np.int64(self.ring.num_kept), [], tf.int64)

    def _add_batch(self, items: trajectory.Trajectory) -> tf.Operation:
        fields = [getattr(items, name) for name in _FIELDS]
        return tf.numpy_function(self.ring.add, fields, [], name="replay_add")

    def _clear(self) -> None:
        self.ring.clear()

    def _get_next(
        self, sample_batch_size: int | None, num_steps: int | None, time_stacked: bool
    ) -> tuple[Any, BufferInfo]:
        batch, length = sample_batch_size or 1, num_steps or 1

        def draw() -> list[np.ndarray]:
            row, game, _ = self.ring.draw(batch, length - 1)
            items = self.ring.trajectories(row, game, length, within_episode=True)
            ids = (row * self.ring.num_envs + game)[:, None] + np.zeros(length, np.int64)
            odds = np.full((batch, length), 1 / self.ring.num_kept, np.float32)
            return [*(items[name] for name in _FIELDS), ids, odds]

        scalars = [tf.TensorSpec([], tf.int64), tf.TensorSpec([], tf.float32)]
        spec = [*(getattr(self._data_spec, name) for name in _FIELDS), *scalars]
        *fields, ids, odds = call(draw, spec, [batch, length])
        items: Any = (self._trajectory(fields), BufferInfo(ids, odds))
        if num_steps is None:
            items = tf.nest.map_structure(lambda item: item[:, 0], items)
        elif not time_stacked:
            steps = [tf.nest.map_structure(lambda x, t=t: x[:, t], items) for t in range(length)]
            items = tuple(step[0] for step in steps), tuple(step[1] for step in steps)
        if sample_batch_size is None:
            items = tf.nest.map_structure(lambda item: item[0], items)
        return items

    def _as_dataset(
        self,
        sample_batch_size: int | None,
        num_steps: int | None,
        sequence_preprocess_fn: Callable[[Any], Any] | None,
        num_parallel_calls: int | None,
    ) -> tf.data.Dataset:
        del num_parallel_calls  # one generator draws all samples, one after another
        dataset = tf.data.Dataset.counter().map(
            lambda _: self._get_next(sample_batch_size, num_steps, time_stacked=True)
        )
        return _preprocessed(dataset, sequence_preprocess_fn)

    def _single_deterministic_pass_dataset(
        self,
        sample_batch_size: int | None,
        num_steps: int | None,
        sequence_preprocess_fn: Callable[[Any], Any] | None,
        num_parallel_calls: int | None,
    ) -> tf.data.Dataset:
        """Give each time step once, game by game, oldest first, in stretches of `num_steps`."""
        del num_parallel_calls
        length = num_steps or 1

        def stretches() -> Iterator[tuple[np.ndarray, ...]]:
            for game in range(self.ring.num_envs):
                for row in range(self.ring.oldest_row, self.ring.rows_added - length + 1, length):
                    items = self._all(np.array([row]), np.array([game]), length)
                    yield tuple(item[0] if num_steps else item[0, 0] for item in items)

        outer = [num_steps] if num_steps else []
        signature = tuple(_with_outer(getattr(self._data_spec, name), outer) for name in _FIELDS)
        dataset = tf.data.Dataset.from_generator(stretches, output_signature=signature)
        dataset = dataset.map(lambda *fields: (self._trajectory(fields), ()))
        dataset = _preprocessed(dataset, sequence_preprocess_fn)
        return dataset.batch(sample_batch_size) if sample_batch_size else dataset

    def _gather_all(self) -> trajectory.Trajectory:
        ring = self.ring
        games = np.arange(ring.num_envs)
        rows = np.full(ring.num_envs, ring.oldest_row)
        fields = self._all(rows, games, ring.rows_added - ring.oldest_row)
        return self._trajectory([tf.constant(field) for field in fields])

    def _all(self, row: np.ndarray, game: np.ndarray, length: int) -> list[np.ndarray]:
        items = self.ring.trajectories(row, game, length, within_episode=False)
        return [items[name] for name in _FIELDS]

    def _trajectory(self, fields: Sequence[Any]) -> trajectory.Trajectory:
        return trajectory.Trajectory(policy_info=(), **dict(zip(_FIELDS, fields, strict=True)))


def _with_outer(spec: Any, outer: Sequence[int]) -> tf.TensorSpec:
    return tf.TensorSpec([*outer, *spec.shape], spec.dtype)


def call(function: Callable[[], Any], spec: Any, outer: Sequence[int]) -> Sequence[Any]:
    """Call numpy code from a graph; `spec` tells what it returns, without the `outer` axes."""
    specs = [_with_outer(item, outer) for item in spec]
    dtypes = [item.dtype for item in specs]
    # The name is what a profile shows of it.
    results = tf.numpy_function(lambda: tuple(function()), [], dtypes, name="replay_draw")
    for result, item in zip(results, specs, strict=True):
        result.set_shape(item.shape)
    return results


def _stacked(frames: Any) -> Any:
    """Return frames [B, stack, ...] as stacks [B, ..., stack], by the device that is at hand."""
    return tf.transpose(frames, [0, *range(2, len(frames.shape)), 1])


def _preprocessed(
    dataset: tf.data.Dataset, function: Callable[[Any], Any] | None
) -> tf.data.Dataset:
    return dataset.map(lambda items, info: (function(items), info)) if function else dataset
