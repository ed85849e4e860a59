"""`--precision auto`: measured with the network that will learn, whatever its parts."""

from __future__ import annotations

import time

import pytest

from configs import Config
from training import precision


@pytest.fixture(autouse=True)
def a_processor_with_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: True)
    monkeypatch.setattr(precision, "_STEPS", 1)


@pytest.mark.parametrize("agent", ["dqn", "c51", "qr_dqn"])
@pytest.mark.parametrize("part", ["noisy", "dueling", "layer_norm"])
def test_every_network_is_measured(agent: str, part: str) -> None:
    config = Config(agent=agent, batch_size=2, network_width=0.1).replace(**{part: True})
    assert precision.decide(config) in ("float32", "bfloat16")


def test_the_faster_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 1.0, 1.8, 0.0, 1.0, 1.0, 1.95])
    monkeypatch.setattr(precision, "_step", lambda *_: lambda: None)
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    assert precision.decide(Config()) == "bfloat16"  # 0.8 s against 1.0 s
    assert precision.decide(Config()) == "float32"  # 0.95 s is within the noise


def test_what_is_measured_would_not_be_the_same_bits_again() -> None:
    assert precision.decide(Config(deterministic=True)) == "float32"
