"""Prioritized replay behind TF-Agents' ReplayBuffer interface: an observer of the driver."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from replay.arrays import WeightedWindow, Window
from replay.prioritized_ring import PrioritizedRing
from replay.uniform import UniformReplay, call


class PrioritizedReplay(UniformReplay):
    """UniformReplay that also draws by priority; 16 to 32 bytes a transition more.

    Schaul et al., "Prioritized Experience Replay", 2016; see PrioritizedRing. What is inherited,
    `sample` and the datasets, still draws uniformly.

    Args:
      data_spec: a TF-Agents Trajectory spec, without batch; no policy_info.
      capacity: time steps, all games together.
      num_envs: games side by side, the batch that is added.
      seed: of the generator that draws the samples.
      n_step: agent steps of a window.
      exponent: of the priorities.
      weight_initial: exponent of the importance weights at first.
      weight_batches: it rises linearly to 1 over so many batches.
      stack_size: frames in an observation; 1: observations are kept whole.
      stack_on_device: TensorFlow stacks the frames, not the ring.
      random_shift_pixels: pictures of `sample` are shifted by up to so many, at random.
      on_sampled: is told of the seconds that each draw took.
    """

    ring: PrioritizedRing

    def __init__(
        self,
        data_spec: trajectory.Trajectory,
        capacity: int,
        num_envs: int,
        *,
        seed: int,
        n_step: int,
        exponent: float,
        weight_initial: float,
        weight_batches: int,
        stack_size: int = 4,
        stack_on_device: bool = False,
        random_shift_pixels: int = 0,
        on_sampled: Callable[[float], None] = lambda _: None,
    ) -> None:
        super().__init__(
            data_spec,
            capacity,
            num_envs,
            seed=seed,
            stack_size=stack_size,
            stack_on_device=stack_on_device,
            random_shift_pixels=random_shift_pixels,
            on_sampled=on_sampled,
            new_ring=functools.partial(
                PrioritizedRing,
                n_step=n_step,
                exponent=exponent,
                weight_initial=weight_initial,
                weight_batches=weight_batches,
            ),
        )
        self._n_step = n_step

    def sample_by_priority(self, batch_size: int, *, ahead: bool = False) -> WeightedWindow:
        """Draw windows, as `PrioritizedRing.sample_by_priority` does; tensors, in a graph too."""

        def draw() -> Sequence[np.ndarray]:
            with self._timed():
                drawn = self.ring.sample_by_priority(
                    batch_size, ahead=ahead, stacked=not self._stack_on_device
                )
            return [*drawn.window, drawn.weights, drawn.ids]

        scalars = [tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int64)]
        spec = [*self._window_spec(self._n_step), *scalars]
        *window, weights, ids = call(draw, spec, [batch_size])
        return WeightedWindow(self._finished(Window(*window)), weights, ids)

    def update_priorities(self, ids: tf.Tensor, priorities: tf.Tensor) -> tf.Operation:
        """Set the priorities, float32 [B], of drawn steps, by their ids, int64 [B]."""
        update = self.ring.update_priorities
        return tf.numpy_function(update, [ids, priorities], [], name="replay_update_priorities")
