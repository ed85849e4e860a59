"""TensorBoard as a user starts it, on a port of its own, for this machine alone."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def served(logdir: Path) -> Iterator[str]:
    """Give the address at which TensorBoard shows `logdir`, until the block ends."""
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "tensorboard.main", f"--logdir={logdir}"),
            *("--host=localhost", "--port=0"),  # any that is free
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    try:
        said = ""
        for line in server.stderr:
            said += line
            if address := re.search(r"at (http://\S+)/", line):
                yield address[1]
                return
        raise AssertionError(f"TensorBoard has ended: {said}")
    finally:
        server.terminate()
        server.wait()
