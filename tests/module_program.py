"""A module of this project in a process of its own, as `python -m` starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def finished(module: str, folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a module in `folder`; return its exit status, stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
