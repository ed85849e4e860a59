"""Gradients become weights: optimizers, their rate, weights of few bits, averages of weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf
from two_states import batch_of, nature_agent

from agents.optimizers import (
    LOSS_SCALE,
    MOST_SKIPPED,
    RunningAverage,
    WeightUpdate,
    build_optimizer,
)
from configs import Config


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


def test_an_update_refuses_the_gradients_of_others() -> None:
    weight, other = tf.Variable([1.0]), tf.Variable([1.0])
    update = WeightUpdate(tf.keras.optimizers.legacy.SGD(0.1), [weight])
    with pytest.raises(ValueError, match="are not those of the weights"):
        update.apply_gradients([(tf.constant([1.0]), other)])


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
