"""`--xla`: the compiled training step learns what the other learns, and says when it diverges."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs import Config
from console.errors import UserError
from training import parts
from training.parts import Parts
from training.run_folder import RunFolder
from training.session import train

_SMALL: dict[str, Any] = {
    "precision": "float32",
    "batch_size": 4,
    "num_envs": 4,
    "n_step": 3,
    "network_width": 0.1,
    "initial_collect_steps": 60,
    "replay_capacity": 200,
    "target_update_period": 2,
    "epsilon_final": 1.0,  # so that rounding changes no action, and no batch
}


def _trained(config: Config) -> tuple[Parts, dict[str, float]]:
    built = parts.build(config)
    built.collect_at_random(60)
    return built, built.iterate(5)


# Weights after Adam's first steps are good for the sign of a gradient: RMSprop is smoother.
@pytest.mark.parametrize(
    ("changes", "tolerance"),
    [
        ({"double": False, "n_step": 1, "overlap": False}, 1e-5),
        ({"dueling": True, "optimizer": "rmsprop", "policy_lag_iterations": 2}, 1e-5),
        ({"double": True, "overlap": False, "optimizer": "rmsprop_nature"}, 1e-5),
        ({"precision": "bfloat16", "dueling": True}, 2e-3),
    ],
)
def test_weights_are_those_without_xla(changes: dict[str, Any], tolerance: float) -> None:
    config = Config(**{**_SMALL, **changes})
    config.validate()
    (plain, expected), (compiled, given) = (
        _trained(config.replace(xla=xla)) for xla in (False, True)
    )
    first = parts.build(config).agent._optimizer._masters
    for one, two, begin in zip(
        plain.agent._optimizer._masters, compiled.agent._optimizer._masters, first, strict=True
    ):
        np.testing.assert_allclose(one, two, atol=tolerance)
        assert not np.array_equal(two, begin)
    assert given == pytest.approx(expected, rel=1e-2, abs=1e-3)
    assert int(compiled.agent.train_step_counter) == 5


@pytest.mark.parametrize("xla", [False, True])
def test_divergence_ends_in_the_same_sentence(
    xla: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = parts.build

    def build_broken(config: Config, games_seed: int) -> Parts:
        built = build(config, games_seed)
        bias = built.agent._q_network.trainable_weights[-1]
        bias.assign([math.nan] * bias.shape[0])
        return built

    monkeypatch.setattr(parts, "build", build_broken)
    with pytest.raises(UserError) as caught:
        train(Config(**_SMALL, xla=xla), "default", RunFolder(tmp_path), resume=False)
    assert str(caught.value) == (
        "the loss became infinite or NaN after iteration 0; there is no checkpoint yet; "
        "start again with --learning_rate=0.0004"
    )
