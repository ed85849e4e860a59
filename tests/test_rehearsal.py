"""The doctor's measurement: what it asks a run's parts for, by parts that count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from configs import Config
from training import rehearsal


class _Parts:
    """Takes a hundredth of a second for an agent step, and a tenth for an iteration."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.env = self
        self.variables = {"weights": tf.Variable(np.zeros(1_000, np.float32))}
        self.tape: list[tuple[str, int]] = []
        self.steps = 0
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def agent_steps(self) -> int:
        return self.steps

    def collect_at_random(self, until: int) -> None:
        self.tape.append(("random until", until))
        self.now += (until - self.steps) / 100
        self.steps = until

    def iterate(self, count: int) -> None:
        self.tape.append(("train", count))
        self.now += count / 10
        self.steps += 4 * count

    def close(self) -> None:
        self.tape.append(("close", 0))


def test_true_iterations_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[_Parts] = []

    def build(config: Config) -> Any:
        built.append(_Parts(config))
        monkeypatch.setattr(rehearsal, "time", built[0])
        return built[0]

    monkeypatch.setattr("training.parts.build", build)
    config = Config(initial_collect_steps=600, precision="float32", epsilon_final=0.02)
    speed = rehearsal.measure(config, seconds=3.0)
    parts = built[0]
    assert parts.config == config.replace(epsilon_initial=0.02)  # so that the network plays
    assert parts.tape == [
        ("random until", 300),
        ("random until", 600),
        ("train", 1),  # is traced
        ("train", 10),  # takes 1 s, so 30 take 3
        ("train", 30),
        ("close", 0),
    ]
    assert speed.iterations == 30
    assert speed.iterations_per_sec == pytest.approx(10)
    assert speed.frames_per_sec == pytest.approx(160)  # 4 agent steps of 4 frames each
    assert speed.random_steps_per_sec == pytest.approx(100)
    assert 4_000 < speed.checkpoint_bytes < 8_000


def test_a_long_random_start_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[_Parts] = []

    def build(config: Config) -> Any:
        built.append(_Parts(config))
        monkeypatch.setattr(rehearsal, "time", built[0])
        return built[0]

    monkeypatch.setattr("training.parts.build", build)
    config = Config(initial_collect_steps=50_000, precision="float32", num_envs=4, n_step=3)
    rehearsal.measure(config, seconds=1.0)
    assert built[0].tape[1] == ("random until", 1_016)  # 1,000 and 4 windows of 3 steps
