"""Feeds damaged and forged files to everything that reads one, and odd values to the flags.

python -m tests.fuzz --inputs 10000

Each input is a good file with some of its bytes flipped, cut out, doubled or put elsewhere, or with
some of its values replaced by odd ones and its checksums made right again. A reader must either
refuse it, by the error that it promises and in one sentence, or return what is right: values within
their types and ranges, arrays as they were written. Any other exception, or a hang, is a finding.
What an input was is decided by its number and --seed alone.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from .feeding import READERS, feed
from .reader import FindingError


def main() -> int:
    """Parse the flags, feed, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="of all readers together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reader", choices=READERS, help="only this one")
    flags = parser.parse_args()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    readers = [flags.reader] if flags.reader else list(READERS)
    found = 0
    for place, name in enumerate(readers):
        share = flags.inputs // len(readers) + (place < flags.inputs % len(readers))
        began, first, outcome = time.monotonic(), 0, Counter[str]()
        while first < share:
            with tempfile.TemporaryDirectory() as folder:
                reader = READERS[name](Path(folder))
                while first < share:
                    try:
                        outcome[feed(reader, name, first, flags.seed)] += 1
                    except FindingError as finding:
                        print(finding, file=sys.stderr, flush=True)
                        outcome["findings"] += 1
                        found += 1
                    first += 1
        sec = time.monotonic() - began
        print(f"{name}: {share} inputs, {dict(outcome)}, {sec:.0f} s", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
