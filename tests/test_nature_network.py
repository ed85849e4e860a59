"""The network of pictures: its layers, its bytes, and its arithmetic in few bits."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from two_states import ACTION, CLASSIC, PICTURE, nature_agent

from agents.nature_network import NatureQNetwork
from configs import Config
from configs.game_list import games


def _sums_of_pixels(config: Config, pictures: np.ndarray) -> np.ndarray:
    """Return the first layer's sums over what it sees, float32, where all its weights are 1."""
    network = NatureQNetwork(PICTURE, ACTION, config)
    network.create_variables()
    (convolution,) = network._encoder._flat_preprocessing_layers
    convolution.kernel.assign(tf.ones_like(convolution.kernel))
    convolution.activation = tf.identity  # what is below 0, too
    sums = convolution(tf.constant(pictures))
    assert sums.dtype == config.precision
    return sums.numpy().astype(np.float32)


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


def test_width_scales_filters_and_units() -> None:
    agent = nature_agent(network_width=0.25)
    kernels = agent._q_network.trainable_weights[::2]
    assert [kernel.shape[-1] for kernel in kernels] == [8, 16, 16, 128, 2]


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_bytes_are_divided_by_255(precision: str) -> None:
    pictures = np.zeros([2, 84, 84, 4], np.uint8)
    pictures[1] = 255
    black, white = _sums_of_pixels(CLASSIC.replace(precision=precision), pictures)
    assert black.shape == (20, 20, 32)
    assert not black.any()
    # 8 x 8 x 4 ones; a 255th has 8 bits in bfloat16.
    np.testing.assert_allclose(white, 256.0, rtol=1e-6 if precision == "float32" else 2**-8)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_the_background_of_the_game_is_0(precision: str) -> None:
    settings = CLASSIC.replace(game="Pong", subtract_background=True, precision=precision)
    background = games()["Pong"].background
    assert background == 87
    pictures = np.full([3, 84, 84, 4], background, np.uint8)
    pictures[1], pictures[2] = 0, 255
    same, black, white = _sums_of_pixels(settings, pictures)
    assert not same.any()
    # 8 x 8 x 4 differences, which bfloat16 holds exactly; a 255th of a weight has 8 bits there.
    tolerance = 1e-6 if precision == "float32" else 2**-7
    np.testing.assert_allclose(black, 256 * -87 / 255, rtol=tolerance)
    np.testing.assert_allclose(white, 256 * 168 / 255, rtol=tolerance)


def test_a_black_background_changes_no_bit() -> None:
    assert CLASSIC.game == "Breakout"
    pictures = np.random.default_rng(0).integers(0, 256, [2, 84, 84, 4], np.uint8)
    with_it, without = (
        _sums_of_pixels(CLASSIC.replace(subtract_background=on), pictures) for on in (True, False)
    )
    assert np.array_equal(with_it, without)


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
