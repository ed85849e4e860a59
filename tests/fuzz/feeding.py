"""Feeds inputs to the readers; what an input is, its number and the seed decide."""

from __future__ import annotations

import random
import signal
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from .checkpoint_state import CheckpointState
from .command_line import CommandLine
from .experiment_file import ExperimentFile
from .policy_config import PolicyConfig
from .reader import FindingError, Reader
from .records import Records
from .replay_rows import Segments
from .report_page import ReportPage
from .run_config import RunConfig

_HANG_SEC = 20.0

READERS: dict[str, Callable[[Path], Reader]] = {
    "run config.json": RunConfig,
    "policy config.json": PolicyConfig,
    "checkpoint state.json": CheckpointState,
    "replay rows": Segments,
    "CSV files": Records,
    "page of a run": ReportPage,
    "experiment TOML": ExperimentFile,
    "command line": CommandLine,
}
"""What is fed, by name."""


class HangError(BaseException):
    """A reader took too long."""


def fuzz(name: str, folder: Path, *, inputs: int, seed: int, first: int = 0) -> Counter[str]:
    """Feed inputs to a reader; return how many it refused and how many it read.

    Args:
      name: of READERS.
      folder: an empty one to work in.
      inputs: how many.
      seed: of all inputs.
      first: number of the first.

    Raises:
      FindingError: with the input's number.
    """
    reader, outcome = READERS[name](folder), Counter[str]()
    for number in range(first, first + inputs):
        outcome[feed(reader, name, number, seed)] += 1
    return outcome


def feed(reader: Reader, name: str, number: int, seed: int) -> str:
    """Feed one input; return "refused" or "read", or raise FindingError."""
    signal.signal(signal.SIGALRM, _hang)
    signal.setitimer(signal.ITIMER_REAL, _HANG_SEC)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            reader.feed(random.Random(f"{seed} {name} {number}"))
    except reader.refusals:
        return "refused"
    except (Exception, HangError) as error:  # whatever it is, it is what is looked for
        raise FindingError(f"{name}, input {number} of seed {seed}: {error!r}") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "read"


def _hang(*_: int | FrameType | None) -> None:
    raise HangError(f"it took more than {_HANG_SEC} s")
