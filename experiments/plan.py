"""The file of an experiment, in TOML, and the runs that it lists.

    preset = "default"              # what all variants begin from
    games = ["Breakout"]            # each variant plays each game ...
    seeds = [1, 2, 3]               # ... once with each seed
    out_dir = "runs/returns"        # runs/ and the file's name if not given

    [settings]                      # of all runs: the settings of train.py
    iterations = 20_000

    [variants.base]                 # nothing but the above
    [variants.one-step]
    n_step = 1
    [variants.book]
    preset = "notebook"             # in place of the one above

A run's folder is OUT_DIR/VARIANT/GAME-seedN. The file is TOML because it has comments: an
experiment needs to say why it was made.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import importlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from configs import PRESETS, Config, ConfigError
from console.errors import UserError
from training.run_folder import RUNS

_TOML = "tomllib" if sys.version_info >= (3, 11) else "tomli"  # the same under two names
_KEYS = ("preset", "games", "seeds", "out_dir", "settings", "variants")
_LISTED = {"game": "games", "seed": "seeds"}  # settings that have a list of their own
_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclasses.dataclass(frozen=True)
class PlannedRun:
    """One run of an experiment.

    Attributes:
      variant: its name in the file.
      preset: what its numbers begin from.
      settings: those that the file names, and game and seed.
      config: all of them.
      path: of its folder.
    """

    variant: str
    preset: str
    settings: Mapping[str, Any]
    config: Config
    path: Path

    def __str__(self) -> str:
        return f"{self.variant}, {self.config.game}, seed {self.config.seed}"


def read_plan(file: Path) -> list[PlannedRun]:
    """Return the runs that `file` lists: all variants of the first seed, then of the next.

    Raises:
      UserError: one sentence that names the file, if it cannot be read, if a name in it is unknown
        (the nearest is named), or if a run of it could not be trained.
    """
    try:
        with file.open("rb") as content:
            values = importlib.import_module(_TOML).load(content)
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}); name another file") from error
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, UnicodeDecodeError
        raise UserError(f"{file} is no TOML: {error}") from error
    try:
        return _runs(values, RUNS / file.stem)
    except (UserError, ConfigError) as error:
        raise UserError(f"{file}: {error}") from error


def _runs(values: Mapping[str, Any], out_dir: Path) -> list[PlannedRun]:
    _check_names("entry", values, _KEYS)
    preset = _value(values, "preset", str, "default")
    games = _list(values, "games", str, [Config().game])
    seeds = _list(values, "seeds", int, [Config().seed])
    common = _value(values, "settings", dict, {})
    _check_settings("setting of an experiment", common)
    variants = _value(values, "variants", dict, {preset: {}})
    if not variants:
        raise UserError("variants is empty; name at least one, or leave it out")
    out_dir = Path(_value(values, "out_dir", str, str(out_dir)))
    runs = [
        _run(out_dir, preset, variant, changes, {**common, "game": game, "seed": seed})
        for seed in seeds
        for game in games
        for variant, changes in variants.items()
    ]
    from training import preflight  # imports gym, which is to be silenced before

    for run in runs:
        with _naming(str(run)):
            preflight.check(run.config, run.settings)
    return runs


def _run(
    out_dir: Path, preset: str, variant: str, changes: object, common: Mapping[str, Any]
) -> PlannedRun:
    if not _FOLDER_NAME.fullmatch(variant):
        raise UserError(
            f"the variant {variant!r} cannot name a folder; take letters, digits, '.', '_' and '-'"
        )
    with _naming(f"variant {variant}"):
        if not isinstance(changes, dict):
            raise UserError("it must be a table of settings, as in [variants.NAME]")
        preset = _value(changes, "preset", str, preset)
        changes = {name: value for name, value in changes.items() if name != "preset"}
        _check_settings("setting of a variant", changes)
        _check_names("preset", [preset], list(PRESETS))
        settings = {**common, **changes}
        config = Config.from_dict({**PRESETS[preset].to_dict(), **settings})
    path = out_dir / variant / f"{config.game}-seed{config.seed}"
    return PlannedRun(variant, preset, settings, config, path)


@contextlib.contextmanager
def _naming(what: str) -> Iterator[None]:
    """Put the name of a part of the file before a mistake in it."""
    try:
        yield
    except (UserError, ConfigError) as error:
        raise UserError(f"{what}: {error}") from error


def _check_names(kind: str, values: Iterable[str], known: Sequence[str]) -> None:
    for name in values:
        if name not in known:
            raise UserError(f"there is no {kind} called {name!r}{_nearest(name, known)}")


def _check_settings(kind: str, settings: Mapping[str, Any]) -> None:
    for name, list_name in _LISTED.items():
        if name in settings:
            raise UserError(f"{name} is no {kind}; put it into {list_name}")
    _check_names(kind, settings, [field.name for field in dataclasses.fields(Config)])


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there are {', '.join(known)}" if len(known) < 10 else ""


def _value(values: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = values.get(name, default)
    if type(value) is not kind:
        called = "a table" if kind is dict else "a text"
        raise UserError(f"{name} must be {called}, but is {value!r}")
    return value


def _list(values: Mapping[str, Any], name: str, kind: type, default: list[Any]) -> list[Any]:
    value = values.get(name, default)
    if type(value) is not list or not value or any(type(item) is not kind for item in value):
        called = "whole numbers" if kind is int else "texts"
        raise UserError(f"{name} must be a list of {called}, at least one, but is {value!r}")
    for item in value:
        if value.count(item) > 1:
            raise UserError(f"{name} has {item!r} twice; leave one out")
    return value
