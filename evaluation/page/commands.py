"""What to type to go on with a run: made from its checked settings, never from what it says."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

from configs import PRESETS, Config
from evaluation.page.record import RunRecord

AGAIN = "runs/again"


def commands(run: RunRecord) -> dict[str, str]:
    """Return each command by what it does; one that could not work is left out."""
    path = shlex.quote(str(run.path))
    found = {}
    if run.has_checkpoint:
        found["go on with it"] = f"python train.py --logdir {path} --resume"
    if run.has_policy:
        found["play whole games"] = f"python evaluate.py --run {path}"
        found["film the best game"] = f"python evaluate.py --run {path} --gif play.gif"
    found["its charts"] = f"tensorboard --logdir {path}"
    if run.config is not None and run.preset in PRESETS:
        found["train it again"] = repeat(run.config, run.preset, AGAIN)
    found["this page anew"] = f"python -m evaluation.report {path}"
    if run.has_policy:
        found["this page with a film"] = f"python -m evaluation.report {path} --film"
    return found


def repeat(config: Config, preset: str, logdir: str | Path) -> str:
    """Return the command that trains a run with these numbers: preset, and flags for the rest."""
    usual = PRESETS[preset]
    words = ["python", "train.py", "--preset", preset]
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value == getattr(usual, field.name):
            continue
        if isinstance(value, bool):
            words.append(f"--{field.name}" if value else f"--no{field.name}")
        else:
            words.append(f"--{field.name}={value}")
    return shlex.join([*words, "--logdir", str(logdir)])
