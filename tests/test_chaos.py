"""A run that is killed three times has what one has that was not; tests/chaos does more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_run_that_is_killed_loses_nothing() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--kills=3", "--iterations=12"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("3 kills survived, ")
