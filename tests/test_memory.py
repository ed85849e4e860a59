"""What a run will need of memory is known before it takes any."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
import tensorflow as tf

from agents.dense_network import DenseQNetwork
from agents.nature_network import NatureQNetwork
from configs import PRESETS, Config
from console.errors import UserError
from training import preflight


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        # 65,536 of 2 pairs of pictures (56,448 bytes each), a float one, 3 times 22,164 floats
        ({"batch_size": 65_536}, "--batch_size"),
        # 3,136 x 512 weights x 8 x 8, seven times 4 bytes
        ({"network_width": 8.0}, "--network_width"),
    ],
)
def test_batches_and_networks_must_fit_into_memory(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], flag: str
) -> None:
    free = SimpleNamespace(available=4_000_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    preflight.check(Config())
    with pytest.raises(UserError, match=rf"^batches of .* give a smaller .*{flag}"):
        preflight.check(Config(**changes))


@pytest.mark.parametrize(
    ("for_replay_bytes", "is_resume", "advice"),
    [
        (2_000 * 7_100, False, "--replay_capacity=2000 fits"),  # 7,068 bytes and a priority each
        (2_000 * 7_100, True, "end other programs, or go on with it on a larger machine"),
        (900 * 7_100, False, "none fits: make room"),
    ],
)
def test_what_is_advised_can_be_done(
    monkeypatch: pytest.MonkeyPatch, for_replay_bytes: int, is_resume: bool, advice: str
) -> None:
    config = PRESETS["rainbow"]
    available = 1_000_000_000 + preflight.learning_bytes(config) + for_replay_bytes
    free = SimpleNamespace(available=available)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(UserError, match=f"^a replay of 1,000,000 .* are free; {advice}$"):
        preflight.check(config, is_resume=is_resume)


def test_priorities_take_memory_too() -> None:
    config = PRESETS["cartpole"].replace(replay_capacity=1_000_000)
    prioritized = config.replace(prioritized=True)
    needed = [preflight.memory_needed_bytes(each) for each in (config, prioritized)]
    assert needed[1] - needed[0] == 32_000_000


def test_batches_of_small_games_take_little(monkeypatch: pytest.MonkeyPatch) -> None:
    free = SimpleNamespace(available=1_200_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    # 2 x 4 floats, 4 more, 3 times 2 (128 + 128) + 18 of activations: 6,408 bytes of each
    config = PRESETS["cartpole"].replace(batch_size=16_384, dueling=False)
    preflight.check(config)
    one = config.replace(batch_size=1)
    assert preflight.learning_bytes(config) - preflight.learning_bytes(one) == 16_383 * 6_408


@pytest.mark.parametrize(
    ("kind", "observation", "changes"),
    [
        (NatureQNetwork, tf.TensorSpec([84, 84, 4], tf.uint8), {}),
        (
            NatureQNetwork,
            tf.TensorSpec([84, 84, 4], tf.uint8),
            {"network_width": 2.0, "dueling": True},
        ),
        (DenseQNetwork, tf.TensorSpec([4]), {"game": "CartPole-v1", "agent": "dqn"}),
        (DenseQNetwork, tf.TensorSpec([16]), {"game": "grid", "dueling": True, "noisy": True}),
    ],
)
def test_the_estimate_knows_the_networks(
    kind: Any, observation: tf.TensorSpec, changes: dict[str, Any]
) -> None:
    """The batch is a single transition: nearly all is weights."""
    action_spec = SimpleNamespace(maximum=17, minimum=0, dtype=tf.int64, shape=())
    config = Config(batch_size=1, precision="float32", **changes)
    network = kind(observation, action_spec, config)
    network.create_variables(training=False)
    weights = sum(int(np.prod(weight.shape)) for weight in network.weights)
    estimate = preflight.learning_bytes(config) / (4 * 7)
    assert weights < estimate < 1.1 * weights
