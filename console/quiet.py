"""Keeps the libraries quiet: no banner, no CUDA noise, no warnings about their own code."""

from __future__ import annotations

import contextlib
import importlib
import os
import warnings

from absl import logging

QUIET = logging.ERROR
"""The verbosity of a program that was not asked for more, in absl's numbers (-2)."""

# Of libraries only: this project's own code raises errors, and warns in its own words.
_LIBRARY_WARNINGS = (
    DeprecationWarning,
    FutureWarning,
    PendingDeprecationWarning,
    SyntaxWarning,  # of tf_agents, when it is compiled for the first time
    UserWarning,
)


def silence(verbosity: int = QUIET) -> None:
    """Let the libraries speak only as much as `verbosity`; call it before they are imported.

    From warnings on (-1, 0, 1) everything is left as the libraries want it. In quiet mode absl logs
    errors only, and TensorFlow's log in C++, Python's warnings and gym's banner are off, the
    first two of these also in processes that are started from here. Exceptions are never held back.

    Args:
      verbosity: absl's: -2 errors (quiet), -1 warnings, 0 info, 1 debug.
    """
    logging.set_verbosity(verbosity)
    if verbosity > QUIET:
        return
    # 3 hides TensorFlow's own errors too: at each import it logs three about CUDA plug-ins that it
    # registers twice. What really fails raises an exception. A user's own setting wins.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    for category in _LIBRARY_WARNINGS:
        warnings.simplefilter("ignore", category)
    # It casts infinity to int64 in each spec without bounds of its own.
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="tf_agents")
    _silence_gym_banner()


def _silence_gym_banner() -> None:
    """Take away the text that gym prints at its import, which no setting turns off."""
    with contextlib.suppress(ImportError):
        importlib.import_module("gym_notices.notices").notices.clear()
