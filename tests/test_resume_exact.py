"""Training 2N equals training N, stopping, resuming and training N, bit for bit.

`tests/test_deterministic.py` says the same of `train.py`, from its command line.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents import AGENTS

_PROGRAM = Path(__file__).parent / "exact_runs.py"
_RAINBOW = {"agent": "c51", "dueling": True, "noisy": True, "prioritized": True}
_CASES: list[dict[str, Any]] = [
    {"env_pipeline": "vector", "num_envs": 1, "overlap": True},
    {"env_pipeline": "vector", "num_envs": 3, "overlap": False},
    {"env_pipeline": "suite", "num_envs": 1, "overlap": False},
    {"env_pipeline": "suite", "num_envs": 3, "overlap": True},
    {"env_pipeline": "vector", "num_envs": 2, "overlap": True, **_RAINBOW},
    {"env_pipeline": "vector", "num_envs": 2, "overlap": False, "agent": "dqn"},
    # Each algorithm with one of the small games, in turn.
    *(
        {"game": game, "agent": agent, "num_envs": 3, "overlap": game == "grid"}
        for game, agent in zip(itertools.cycle(["grid", "CartPole-v1"]), AGENTS, strict=False)
    ),
]


@pytest.fixture(scope="module")
def runs() -> list[Any]:
    """The second half of each case: not interrupted, and resumed."""
    done = subprocess.run(
        [sys.executable, str(_PROGRAM), json.dumps(_CASES)],
        env={**os.environ, "PYTHONPATH": str(_PROGRAM.parent.parent)},
        capture_output=True,
        text=True,
        timeout=1_800,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("number", range(len(_CASES)))
def test_the_resumed_half_is_the_other_half(runs: list[Any], number: int) -> None:
    whole, resumed = runs[number]
    assert resumed == whole
    assert whole["games"]  # one that began before the stop ended after it


def test_the_cases_are_different_runs(runs: list[Any]) -> None:
    assert len({whole["weights"] for whole, _ in runs}) == len(_CASES)
