"""What crosses between a processor and a GPU, with a second processor in the GPU's place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("how", ["overlap", "overlap xla"])
def test_only_actions_and_epsilon_come_back_from_the_gpu(how: str) -> None:
    """Each copy back waits for the training step: counters, pictures and random numbers stay."""
    done = subprocess.run(
        [sys.executable, str(_ROOT / "tests" / "placement_program.py"), *how.split()],
        env={"PYTHONPATH": str(_ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["crossing"] == ["float32", "int64"]
    assert told["on_cpu"] == ["CPU:0"]
    assert told["on_gpu"] == ["CPU:1"]
    assert told["losses"]["td_error_abs"] > 0
