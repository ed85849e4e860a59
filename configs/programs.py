"""The programs that train, each with its settings and its presets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from configs.config import Config
from configs.policy_gradient import A2C, POLICY_GRADIENT_PRESETS, REINFORCE, PolicyGradientConfig
from configs.presets import PRESETS
from configs.settings import Settings


class Program(NamedTuple):
    """A program that trains.

    Attributes:
      command: as it is typed.
      settings: of a run.
      presets: by name.
    """

    command: str
    settings: type[Settings]
    presets: Mapping[str, Settings]


DQN = Program("python train.py", Config, PRESETS)
POLICY_GRADIENT = Program(
    "python -m policy_gradient", PolicyGradientConfig, POLICY_GRADIENT_PRESETS
)


def program_of(settings: Mapping[str, Any]) -> Program:
    """Return the program whose run has these settings, by its agent."""
    return POLICY_GRADIENT if settings.get("agent") in (REINFORCE, A2C) else DQN
