"""What to type to go on with a run: made from its checked settings, never from what it says."""

from __future__ import annotations

import dataclasses
import itertools
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from configs.games import ATARI_SETTINGS, is_atari
from configs.programs import program_of
from configs.recipe import LEARNING_RATE
from configs.settings import Settings
from evaluation.page.record import RunRecord, number

AGAIN = "runs/again"


def commands(run: RunRecord) -> dict[str, str]:
    """Return each command by what it does; one that could not work is left out."""
    path = shlex.quote(str(run.path))
    found = {}
    if run.has_checkpoint:
        found["go on with it"] = f"{run.program.command} --logdir {path} --resume"
    if run.has_policy:
        found["play whole games"] = f"python evaluate.py --run {path}"
        found["film the best game"] = f"python evaluate.py --run {path} --gif play.gif"
    found["its charts"] = f"tensorboard --logdir {path}"
    is_known = run.preset in run.program.presets
    if run.config is not None and is_known and not changed_at_resume(run):
        found["train it again"] = repeat(run.config, run.preset, AGAIN)
    found["this page anew"] = f"python -m evaluation.report {path}"
    if run.has_policy:
        found["this page with a film"] = f"python -m evaluation.report {path} --film"
    return found


def changed_at_resume(run: RunRecord) -> list[str]:
    """Return the settings of its recipe that a run had more than one value of.

    No command of `repeat` trains such a run again. config.json has only the last values; the others
    are told from what was typed, of which the page makes no command: it shows it as text.
    """
    presets = run.program.presets
    if not run.sessions or run.preset not in presets:
        return []
    first, *resumes = run.sessions
    usual, changed = presets[run.preset].to_dict(), []
    for name in [name for name in LEARNING_RATE if name in usual]:
        began = [float(usual[name]), *_typed(first, name)][-1]
        if any(value != began for session in resumes for value in _typed(session, name)):
            changed.append(name)
    return changed


def _typed(session: Mapping[str, Any], name: str) -> Iterator[float]:
    """Yield the values of a setting on a session's command line; NaN for what is no number."""
    words = session.get("command")
    words = [word for word in words if isinstance(word, str)] if isinstance(words, list) else []
    for word, following in itertools.zip_longest(words, words[1:], fillvalue=""):
        flag, equals, value = word.partition("=")
        if flag in (f"--{name}", f"-{name}"):
            yield number(value if equals else following)


def repeat(config: Settings, preset: str, logdir: str | Path) -> str:
    """Return the command that trains a run with these numbers: preset, and flags for the rest."""
    program = program_of(config.to_dict())
    usual = program.presets[preset]
    has_pictures = is_atari(config.to_dict()["game"])
    words = [*program.command.split(), "--preset", preset]
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value == getattr(usual, field.name):
            continue
        if field.name in ATARI_SETTINGS and not has_pictures:
            continue  # such a flag would be refused
        if isinstance(value, bool):
            words.append(f"--{field.name}" if value else f"--no{field.name}")
        else:
            words.append(f"--{field.name}={value}")
    return shlex.join([*words, "--logdir", str(logdir)])
