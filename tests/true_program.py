"""A program of this project in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_SCREEN = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")


def start(
    program: str, folder: Path, *arguments: str, screen: str | None = None
) -> subprocess.Popen[str]:
    """Start `program`, as `train.py`, in `folder`, with the X server `screen` or with none."""
    env = {name: value for name, value in os.environ.items() if name not in _SCREEN}
    return subprocess.Popen(
        [sys.executable, str(_ROOT / program), *arguments],
        cwd=folder,
        env=env if screen is None else {**env, "DISPLAY": screen},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return the exit status, the rest of stdout, and stderr."""
    try:
        stdout, stderr = process.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, stdout, stderr
