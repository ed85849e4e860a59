"""What an agent makes of a batch, without learning from it."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import trajectory

from agents.dqn import DqnAgent
from agents.heads import NoisyDense
from agents.optimizers import LOSS_SCALE


class Insight(NamedTuple):
    """How an agent sees a batch of B transitions, and what it would learn from it; all float32.

    Attributes:
      q_values: of all actions, [B, A], by the network that learns; without noise.
      td_errors: target less Q-value, [B].
      weights: of the network that learns, by `weight_names`.
      gradients: of the loss of this batch with respect to these.
    """

    q_values: np.ndarray
    td_errors: np.ndarray
    weights: Mapping[str, np.ndarray]
    gradients: Mapping[str, np.ndarray]


def insight(
    agent: DqnAgent, transition: trajectory.Transition, importance: np.ndarray | None = None
) -> Insight:
    """Ask `agent` about a batch. Nothing of it changes: no weight, no counter, no generator.

    Args:
      agent: any of `agents.AGENTS`.
      transition: B of them, as `n_step_transition` makes them.
      importance: what each counts for in the loss, float32 [B]; None: all the same.
    """
    network = agent.online_network
    weights = network.trainable_weights
    with _same_noise_again(network, agent.target_network):
        with tf.GradientTape() as tape:
            info = agent.loss(transition, weights=importance, training=True)
        gradients = tape.gradient(info.loss, weights)
    q_values, _ = network(transition.time_step.observation)
    scaled = any(weight.dtype == tf.float16 for weight in weights)
    names = weight_names(weights)
    return Insight(
        q_values=q_values.numpy(),
        td_errors=info.extra.td_error.numpy(),
        weights=dict(zip(names, map(_exact, weights), strict=True)),
        gradients={
            name: _exact(gradient) / (LOSS_SCALE if scaled else 1)
            for name, gradient in zip(names, gradients, strict=True)
        },
    )


def weight_names(weights: Sequence[tf.Variable]) -> list[str]:
    """Return the names of weights by the place of their layer: "1_pixel_conv2d/kernel" and so on.

    Keras numbers layers of one kind throughout a process; here the first layer is always 1.
    """
    layers = [weight.name.rpartition("/")[0] for weight in weights]
    places = {layer: place for place, (layer, _) in enumerate(itertools.groupby(layers), 1)}
    return [
        f"{places[layer]}_{_kind(layer)}/{weight.name.rpartition('/')[2].partition(':')[0]}"
        for layer, weight in zip(layers, weights, strict=True)
    ]


def _kind(layer: str) -> str:
    return re.sub(r"_\d+$", "", layer.rpartition("/")[2])


def _exact(tensor: tf.Tensor) -> np.ndarray:
    array: np.ndarray = tf.cast(tensor, tf.float32).numpy()
    return array


@contextlib.contextmanager
def _same_noise_again(*networks: tf.Module) -> Iterator[None]:
    """Put the generators of noisy layers back to where they were."""
    states = [
        layer.noise_state
        for network in networks
        for layer in network.submodules
        if isinstance(layer, NoisyDense)
    ]
    before = [state.read_value() for state in states]
    try:
        yield
    finally:
        for state, value in zip(states, before, strict=True):
            state.assign(value)
