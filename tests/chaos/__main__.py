"""Kills a run again and again, resumes it, and compares what is left with a run never killed.

python -m tests.chaos --kills 100
python -m tests.chaos --kills 5 --no-weights    # leaves out what the games in play decide

A real run of train.py, small, with a checkpoint and an export every few iterations, gets SIGKILL at
random moments: half of them by the clock, half when an unfinished checkpoint or export is seen in
its folder. After each kill its newest checkpoint must be one that it had, or a newer one; the next
process must resume just there. When the run is complete, each CSV row, each point in TensorBoard
and, with --weights, each number of the last checkpoint must be there once, and as in the run that
was never killed. A run that is complete before the kills are spent is followed by another.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from .forked_run import import_once
from .kills import chaos
from .promises import LostError


def main() -> int:
    """Parse the flags, kill, and say what was survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--iterations", type=int, default=60, help="of each run")
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills")
    parser.add_argument("--weights", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--limit_sec", type=float, default=1e9, help="no kill after this")
    parser.add_argument("--folder", type=Path, help="where the runs are left; default: nowhere")
    flags: Any = parser.parse_args()
    import_once()
    with tempfile.TemporaryDirectory() as temporary:
        try:
            tally = chaos(
                flags.folder or Path(temporary),
                kills=flags.kills,
                iterations=flags.iterations,
                seed=flags.seed,
                weights=flags.weights,
                limit_sec=flags.limit_sec,
            )
        except LostError as error:
            print(f"lost: {error}", file=sys.stderr)
            return 1
    print(tally)
    return 0


if __name__ == "__main__":
    sys.exit(main())
