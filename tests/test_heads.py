"""Heads of networks, with weights that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from two_states import ACTION, PICTURE

from agents.heads import NoisyDense, ValueHead
from agents.nature_network import NatureQNetwork
from configs import Config

FEATURES = tf.random.stateless_normal([3, 5], seed=[1, 2])


def head_of(size: int, **settings: Any) -> ValueHead:
    options = {"dueling": False, "noisy": False, "layer_norm": False} | settings
    return ValueHead(2, size, 4, body_dtype="float32", seed=7, **options)


@pytest.mark.parametrize("size", [1, 3])
def test_dueling_is_value_plus_advantage_less_its_mean(size: int) -> None:
    head = head_of(size, dueling=True)
    outputs = head(FEATURES)
    assert outputs.shape == [3, 2, size]

    def stream(layers: list[tf.keras.layers.Layer]) -> tf.Tensor:
        values = FEATURES
        for layer in layers:
            values = layer(values)
        return values

    advantage = tf.reshape(stream(head._advantage), [3, 2, size])
    np.testing.assert_allclose(tf.reduce_mean(outputs, axis=1), stream(head._value), atol=1e-6)
    np.testing.assert_allclose(
        outputs[:, 1] - outputs[:, 0], advantage[:, 1] - advantage[:, 0], atol=1e-6
    )


def test_noisy_dense_is_the_papers_formula() -> None:
    layer = NoisyDense(2, seed=3)
    layer.build(tf.TensorShape([None, 5]))
    layer.bias_sigma.assign([0.5, 2.0])
    state = layer._generator.state.numpy()
    noisy = layer(FEATURES, training=True)
    layer._generator.state.assign(state)
    p, q = (layer._generator.normal([size]).numpy() for size in (5, 2))
    p, q = (np.sign(x) * np.sqrt(np.abs(x)) for x in (p, q))
    kernel = layer.kernel.numpy() + layer.kernel_sigma.numpy() * np.outer(p, q)
    bias = layer.bias.numpy() + layer.bias_sigma.numpy() * q
    np.testing.assert_allclose(noisy, FEATURES.numpy() @ kernel + bias, rtol=1e-5, atol=1e-5)
    plain = FEATURES.numpy() @ layer.kernel.numpy() + layer.bias.numpy()
    np.testing.assert_allclose(layer(FEATURES), plain, rtol=1e-5, atol=1e-6)


def test_noise_begins_as_in_the_paper_and_comes_from_the_seed() -> None:
    one, same, other = (NoisyDense(2, seed=seed) for seed in (3, 3, 4))
    for layer in (one, same, other):
        layer.build(tf.TensorShape([None, 25]))
        np.testing.assert_allclose(layer.kernel_sigma, np.full([25, 2], 0.1), rtol=1e-6)  # 0.5 / 5
        assert np.abs(layer.kernel).max() <= 0.2  # 1 / 5
        layer.kernel.assign(one.kernel)
        layer.bias.assign(one.bias)
    inputs = tf.ones([1, 25])
    first = one(inputs, training=True).numpy()
    np.testing.assert_array_equal(first, same(inputs, training=True))
    assert not np.array_equal(first, other(inputs, training=True))
    assert not np.array_equal(first, one(inputs, training=True))


def test_layer_norm_takes_away_scale_and_shift() -> None:
    head = head_of(1, layer_norm=True)
    np.testing.assert_allclose(head(FEATURES), head(5 * FEATURES + 2), atol=1e-3)
    plain = head_of(1)
    assert not np.allclose(plain(FEATURES), plain(5 * FEATURES + 2), atol=1e-3)


def test_a_noisy_network_is_noisy_only_where_it_learns() -> None:
    network = NatureQNetwork(PICTURE, ACTION, Config(precision="float32", noisy=True))
    network.create_variables()
    pictures = tf.zeros([2, 84, 84, 4], tf.uint8)
    (a, _), (b, _) = network(pictures), network(pictures)
    np.testing.assert_array_equal(a, b)
    (c, _), (d, _) = network(pictures, training=True), network(pictures, training=True)
    assert not np.array_equal(c, d)


def test_a_checkpoint_holds_the_noise(tmp_path: Any) -> None:
    settings = Config(precision="float32", noisy=True, dueling=True)
    pictures = tf.zeros([1, 84, 84, 4], tf.uint8)
    first, second = (NatureQNetwork(PICTURE, ACTION, settings) for _ in range(2))
    for network in (first, second):
        network.create_variables()
    first(pictures, training=True)
    path = tf.train.Checkpoint(network=first).write(str(tmp_path / "kept"))
    expected = first(pictures, training=True)[0]
    tf.train.Checkpoint(network=second).read(path).assert_existing_objects_matched()
    np.testing.assert_array_equal(second(pictures, training=True)[0], expected)
