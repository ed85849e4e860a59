"""What a machine does to a run, in one sentence: no room, no right to write, no memory, no game."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf

from console.errors import UserError
from training.run_folder import RunFolder
from training.stop import StopRequestedError

# TensorFlow has no errno, but ends its messages with what the system says of it.
_SAID_OF_FILES = tuple(
    os.strerror(number)
    for number in (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.EIO,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EMFILE,
        errno.ENFILE,
        errno.ESTALE,
    )
)

# The games and the replay are Python that TensorFlow's threads run. What is raised there comes back
# as text: the exception, and then its traceback.
_RAISED = re.compile(
    r"^(?:\s*\(\d+\) \w+:\s+)?(\w[\w.]*): (.*?)\nTraceback \(most recent call last\):$",
    re.MULTILINE | re.DOTALL,
)
_PLACE = re.compile(r'^  File "(.+)", line (\d+), in ', re.MULTILINE)
_ROOT = Path(__file__).parents[1]


class GamesFailedError(Exception):
    """Games that are played from Python failed.

    Args:
      cause: what they raised.
    """

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


@contextlib.contextmanager
def games_from_python() -> Iterator[None]:
    """Tell what games raise in a block from bugs elsewhere, as TensorFlow's threads do.

    What the machine does to them, and a wish to stop, goes through.

    Raises:
      GamesFailedError: for the rest.
    """
    try:
        yield
    except (UserError, StopRequestedError, OSError, MemoryError, tf.errors.OpError):
        raise
    except Exception as error:
        raise GamesFailedError(error) from error


@contextlib.contextmanager
def in_one_sentence(
    folder: RunFolder, less_memory: str = "--batch_size, --replay_capacity or --network_width"
) -> Iterator[None]:
    """Turn the machine's faults in a block into a UserError that says what is kept.

    What else TensorFlow throws is a bug and goes through.

    Args:
      folder: of the run.
      less_memory: the flags of the program that take it.
    """
    try:
        yield
    except OSError as error:
        raise UserError(
            _no_file(error.filename or f"a file in {folder.path}", error.strerror or error, folder)
        ) from error
    except MemoryError as error:
        raise UserError(_no_memory(error, folder, less_memory)) from error
    except tf.errors.OpError as error:
        reason = next((said for said in _SAID_OF_FILES if said in error.message), None)
        if reason is not None:
            raise UserError(_no_file(f"a file in {folder.path}", reason, folder)) from error
        raised = _RAISED.search(error.message)
        if isinstance(error, tf.errors.ResourceExhaustedError):
            memory_error = MemoryError(raised[2]) if raised else error
            raise UserError(_no_memory(memory_error, folder, less_memory)) from error
        if raised is not None:
            places = _PLACE.findall(raised.string, raised.end())
            raise UserError(
                _no_games("the games or the replay", raised[1], raised[2], places, folder)
            ) from error
        raise
    except GamesFailedError as error:
        frames = traceback.extract_tb(error.cause.__traceback__)
        places = [(frame.filename, frame.lineno) for frame in frames]
        kind = type(error.cause).__name__
        raise UserError(_no_games("the games", kind, str(error), places, folder)) from error


def _no_file(name: object, reason: object, folder: RunFolder) -> str:
    then = how_to_go_on(folder)
    return f"{name} cannot be read or written ({reason}); make room or mend the folder, {then}"


def _no_games(
    what: str, kind: str, message: str, places: Sequence[tuple[str, object]], folder: RunFolder
) -> str:
    ours = [place for place in places if Path(place[0]).is_relative_to(_ROOT)] or places
    at = "".join(f", {Path(path).name}, line {line}" for path, line in ours[-1:])
    said = " ".join(message.split()) or "no more is known"
    return (
        f"{what} failed ({kind}: {said}{at}); report it if it comes again, {how_to_go_on(folder)}"
    )


def _no_memory(error: Exception, folder: RunFolder, less_memory: str) -> str:
    reason = (str(error).strip() or "MemoryError").splitlines()[0]
    return (
        f"there is not enough memory ({reason}); end other programs, {how_to_go_on(folder)}; "
        f"a run with a smaller {less_memory} needs less"
    )


def how_to_go_on(folder: RunFolder) -> str:
    """Return the end of a sentence: what to do when the fault is mended."""
    paths = folder.checkpoint_paths()
    if not paths:
        return "then start again: there is no checkpoint yet"
    return (
        f"then go on from checkpoint {folder.iteration_of(paths[-1])} with: {folder.resume_command}"
    )
