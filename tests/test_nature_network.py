"""The network of pictures: its layers, its bytes, and its arithmetic in few bits."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from two_states import ACTION, CLASSIC, PICTURE, nature_agent

from agents.nature_network import NatureQNetwork


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
    network = NatureQNetwork(PICTURE, ACTION, CLASSIC.replace(precision=precision))
    network.create_variables()
    (convolution,) = network._encoder._flat_preprocessing_layers
    convolution.kernel.assign(tf.ones_like(convolution.kernel))
    pictures = np.zeros([2, 84, 84, 4], np.uint8)
    pictures[1] = 255
    black, white = convolution(tf.constant(pictures)).numpy().astype(np.float32)
    assert black.shape == (20, 20, 32)
    assert not black.any()
    # 8 x 8 x 4 ones; a 255th has 8 bits in bfloat16.
    np.testing.assert_allclose(white, 256.0, rtol=1e-6 if precision == "float32" else 2**-8)
    assert convolution(tf.constant(pictures)).dtype == precision


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
