"""Dead units: those behind a ReLU that are 0 for every picture of a batch, and so cannot learn."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from replay.frame_ring import FrameRing

_PICTURES = 64


def dead_shares(policy: Any, ring: FrameRing) -> dict[str, float]:
    """Return the share of dead units, 0 to 1, of each layer that ends in a ReLU, by its place.

    The policy looks once at 64 stacks that lie evenly over the replay; no generator is asked, so a
    run is the same with this as without. A filter of a convolution is one unit: it is dead if it is
    0 everywhere in all pictures.

    Args:
      policy: a TF-Agents policy over a Keras network.
      ring: holds at least one time step.
    """
    rows = np.linspace(ring.oldest_row, ring.rows_added - 1, _PICTURES).astype(np.int64)
    stacks = ring.stacks(rows, np.arange(_PICTURES) % ring.num_envs)
    with _recorded(policy) as outputs:
        policy.action(ts.restart(tf.constant(stacks), batch_size=_PICTURES))
    shares = {}
    for number, output in enumerate(outputs, 1):
        is_dead = tf.reduce_all(output <= 0, axis=list(range(len(output.shape) - 1)))
        share = float(tf.reduce_mean(tf.cast(is_dead, tf.float32)))
        shares[f"ReLU layer {number} of {len(outputs)}"] = share
    return shares


@contextlib.contextmanager
def _recorded(module: tf.Module) -> Iterator[list[tf.Tensor]]:
    """Give a list of what the ReLU layers in `module` return, in the order of their calls.

    Only what runs eagerly is seen; graphs that were traced before know nothing of it.
    """
    outputs: list[tf.Tensor] = []

    def recording(call: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
        def recorded(*args: Any, **kwargs: Any) -> tf.Tensor:
            output = call(*args, **kwargs)
            if tf.executing_eagerly():  # not while Keras finds out its shapes
                outputs.append(output)
            return output

        return recorded

    layers = [layer for layer in module.submodules if _ends_in_relu(layer)]
    for layer in layers:  # past Keras, which would track what is set
        object.__setattr__(layer, "call", recording(layer.call))
    try:
        yield outputs
    finally:
        for layer in layers:
            object.__delattr__(layer, "call")


def _ends_in_relu(module: tf.Module) -> bool:
    activation = getattr(module, "activation", None)
    return isinstance(module, tf.keras.layers.ReLU) or activation is tf.keras.activations.relu
