"""Chooses the arithmetic of the network's body by a short measurement, not by hope."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import tensorflow as tf

from agents.networks import NatureQNetwork
from configs import Config

# Without one of these, a processor emulates bfloat16 and is slower with it.
_BFLOAT16_CPU_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})
_WORTH_IT = 0.9  # of float32's time; below the noise of a measurement nothing is gained
_STEPS = 8


def decide(config: Config) -> str:
    """Return "float32" or "bfloat16": what `config.precision` says, or the faster if "auto"."""
    if config.precision != "auto":
        return config.precision
    if not tf.config.list_physical_devices("GPU") and not _cpu_has_bfloat16():
        return "float32"
    float32, bfloat16 = (_sec_per_step(precision, config) for precision in ("float32", "bfloat16"))
    return "bfloat16" if bfloat16 < _WORTH_IT * float32 else "float32"


def _cpu_has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return not _BFLOAT16_CPU_FLAGS.isdisjoint(flags.split())


def _sec_per_step(precision: str, config: Config) -> float:
    """Return the time of one forward and backward pass of a batch."""
    observation_spec = tf.TensorSpec([84, 84, 4], tf.uint8)
    action_spec = tf.TensorSpec([], tf.int64)
    action_spec.maximum, action_spec.minimum = 5, 0
    network = NatureQNetwork(observation_spec, action_spec, config.dueling, precision)
    network.create_variables()
    batch = tf.zeros([config.batch_size, 84, 84, 4], tf.uint8)

    @tf.function
    def step() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            values, _ = network(batch)
            loss = tf.reduce_sum(values)
        return tape.gradient(loss, network.trainable_weights)

    times = []
    for _ in range(_STEPS):
        began = time.perf_counter()
        [float(tf.reduce_sum(gradient)) for gradient in step()[:1]]
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])  # the first is tracing
