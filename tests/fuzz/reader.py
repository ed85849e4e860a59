"""One kind of input, with what reads it."""

from __future__ import annotations

import abc
import random
from pathlib import Path

import configs
from configs import Config
from console.errors import UserError


class FindingError(AssertionError):
    """A reader did what it must not; the message says what, and with which input."""


def right(config: Config) -> None:
    """See that every value of a config has its type and is in its range."""
    config.validate()
    for name, default in Config().to_dict().items():
        if type(getattr(config, name)) is not type(default):
            raise FindingError(f"{name} is {getattr(config, name)!r}")


class Reader(abc.ABC):
    """One kind of input, with what reads it.

    Args:
      folder: to work in.
    """

    refusals: tuple[type[Exception], ...] = (UserError, configs.ConfigError)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abc.abstractmethod
    def feed(self, generator: random.Random) -> None:
        """Make an input and read it; raise a refusal, or FindingError."""
