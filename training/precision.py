"""Chooses the arithmetic of the network's body by a short measurement, not by hope."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from tf_agents.specs import tensor_spec

from agents.nature_network import NatureQNetwork
from configs import Config
from configs.games import is_atari

# Without one of these, a processor emulates bfloat16 and is slower with it.
_BFLOAT16_CPU_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})
_WORTH_IT = 0.9  # of float32's time; below the noise of a measurement nothing is gained
_STEPS = 12


def decide(config: Config) -> str:
    """Return what `config.precision` says; if "auto", the faster of "float32" and "bfloat16".

    A measurement may end otherwise the next time: with `config.deterministic`, "auto" is float32.
    So it is for the small network of games that are not Atari's.
    """
    if config.precision != "auto":
        return config.precision
    if config.deterministic or not is_atari(config.game):
        return "float32"
    if not tf.config.list_physical_devices("GPU") and not _cpu_has_bfloat16():
        return "float32"
    steps = {precision: _step(precision, config) for precision in ("float32", "bfloat16")}
    fastest = dict.fromkeys(steps, math.inf)
    for _ in range(_STEPS):  # in turns: what slows the machine slows both
        for precision, step in steps.items():
            began = time.perf_counter()
            step()
            fastest[precision] = min(fastest[precision], time.perf_counter() - began)
    return "bfloat16" if fastest["bfloat16"] < _WORTH_IT * fastest["float32"] else "float32"


def _cpu_has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return not _BFLOAT16_CPU_FLAGS.isdisjoint(flags.split())


def _step(precision: str, config: Config) -> Callable[[], object]:
    """Return a forward and backward pass of a batch, traced and ready to be timed."""
    observation_spec = tf.TensorSpec([84, 84, 4], tf.uint8)
    action_spec = tensor_spec.BoundedTensorSpec([], tf.int64, 0, 5)
    network = NatureQNetwork(observation_spec, action_spec, config.replace(precision=precision))
    network.create_variables()
    batch = tf.zeros([config.batch_size, 84, 84, 4], tf.uint8)

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            values, _ = network(batch, training=True)  # noise has gradients then, too
            loss = tf.reduce_sum(values)
        gradients = tape.gradient(loss, network.trainable_weights)
        return tf.add_n([tf.cast(tf.reduce_sum(gradient), tf.float32) for gradient in gradients])

    step().numpy()
    return lambda: step().numpy()
