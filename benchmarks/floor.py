"""Measures what an iteration cannot do without: `python -m benchmarks.floor`.

A bare Keras training step on one fixed batch, and the bare emulator stepped once for four games.
No replay, no policy, no metrics: the project's distance from here is its own overhead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from benchmarks import measurement
from benchmarks.bare_emulator import BareEmulator

if TYPE_CHECKING:
    import tensorflow as tf

_NUM_ACTIONS = 4  # of Breakout
_DISCOUNT = 0.99
_DTYPE_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def measure(batch_size: int, iterations: int, warmup_iterations: int) -> measurement.Measurement:
    """Time both parts, each alone, and add them up.

    The training step makes as many passes as the algorithm: forward and backward, the target
    network, and with `--double` the online network once more.
    """
    double, precision = flags.FLAGS.double, flags.FLAGS.precision
    train = _training_step(batch_size, double=double, precision=precision)
    emulator = BareEmulator("breakout", measurement.UPDATE_PERIOD_AGENT_STEPS)

    def wait() -> None:
        float(train())

    _timed(emulator.step, warmup_iterations)
    _timed(train, warmup_iterations)
    wait()
    total_ms, collect_ms = [], []
    for length in measurement.chunk_lengths(iterations):
        emulating_ms = _timed(emulator.step, length) / length
        training_ms = _timed(train, length - 1, wait) / length
        collect_ms.append(emulating_ms)
        total_ms.append(emulating_ms + training_ms)

    return measurement.Measurement(
        name="floor with Double DQN's pass" if double else "floor",
        device=measurement.device(),
        precision=precision,
        setting=f"{measurement.UPDATE_PERIOD_AGENT_STEPS} games, {measurement.kernels_name()}",
        batch_size=batch_size,
        iterations=iterations,
        times=measurement.Times(total_ms, collect_ms),
        replay_bytes=0,
        resident_bytes=measurement.resident_bytes(),
        peak_bytes=measurement.peak_bytes(),
    )


def _timed(
    call: Callable[[], object], count: int, last: Callable[[], object] | None = None
) -> float:
    """Return the milliseconds of `count` calls, and of one call of `last` that ends them."""
    start = time.perf_counter()
    for _ in range(count):
        call()
    if last is not None:
        last()
    return (time.perf_counter() - start) * 1000


def _training_step(batch_size: int, *, double: bool, precision: str) -> Callable[[], tf.Tensor]:
    """Return a function that trains once on a batch that stays the same; it returns the loss."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    dtype = _DTYPE_POLICIES[precision]
    online, target = _network(dtype), _network(dtype)
    # Fused kernel, as the project's; see docs/decisions.md.
    optimizer = tf.keras.optimizers.legacy.Adam(1e-4, epsilon=1.5e-4)
    random = np.random.default_rng(1)
    shape = (batch_size, 84, 84, 4)
    observation, next_observation = (
        tf.constant(random.integers(0, 256, shape, np.uint8)) for _ in range(2)
    )
    action = tf.constant(random.integers(0, _NUM_ACTIONS, batch_size))
    reward = tf.constant(random.integers(0, 2, batch_size), tf.float32)

    @tf.function
    def train() -> tf.Tensor:
        values = target(next_observation)  # [B, A]
        if double:
            chosen = tf.argmax(online(next_observation), axis=-1)
            value = tf.gather(values, chosen, batch_dims=1)
        else:
            value = tf.reduce_max(values, axis=-1)
        wanted = reward + _DISCOUNT * value
        with tf.GradientTape() as tape:
            taken = tf.gather(online(observation), action, batch_dims=1)
            loss = tf.reduce_mean(tf.keras.losses.huber(wanted[:, None], taken[:, None]))
        weights = online.trainable_weights
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    return train


def _network(dtype: str) -> Any:
    """Return the network of Mnih et al. 2015, uint8 [B, 84, 84, 4] to float32 [B, A]."""
    import tensorflow as tf

    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            layers.InputLayer((84, 84, 4), dtype=tf.uint8),
            layers.Rescaling(1 / 255, dtype=dtype),
            layers.Conv2D(32, 8, 4, activation="relu", dtype=dtype),
            layers.Conv2D(64, 4, 2, activation="relu", dtype=dtype),
            layers.Conv2D(64, 3, 1, activation="relu", dtype=dtype),
            layers.Flatten(dtype=dtype),
            layers.Dense(512, activation="relu", dtype=dtype),
            layers.Dense(_NUM_ACTIONS, dtype="float32"),
        ]
    )


if __name__ == "__main__":
    flags.DEFINE_bool("double", False, "make the pass of Double DQN too")
    flags.DEFINE_enum("precision", "float32", list(_DTYPE_POLICIES), "of the training step")
    measurement.print_measurement(measure, onednn=True)
