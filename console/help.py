"""What `--help` and `--helpfull` print: a program's own flags in groups, the libraries' last."""

from __future__ import annotations

import dataclasses
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from absl import flags

from configs import PRESETS, Config
from configs.settings import Settings

SETTINGS_MODULE = "console.flags"
"""The module that defines a flag for each setting."""

_ASKS_FOR_HELP = {"help": False, "?": False, "helpshort": False, "helpfull": True}
_NAME_COLUMNS = 30
_LEAST_COLUMNS, _MOST_COLUMNS = 70, 110


@dataclasses.dataclass
class _Described:
    """What the page is about."""

    settings: type[Settings]
    presets: Mapping[str, Settings]


_described = _Described(Config, PRESETS)


def describe(settings: type[Settings], presets: Mapping[str, Settings]) -> None:
    """Let the page be about these settings, and their values in these presets."""
    _described.settings, _described.presets = settings, presets


def page_asked_for(argv: Sequence[str]) -> str | None:
    """Return the page that `argv` asks for, None if it asks for none."""
    for argument in argv[1:]:
        name = argument.lstrip("-")
        if argument.startswith("-") and name in _ASKS_FOR_HELP:
            return page(libraries_too=_ASKS_FOR_HELP[name])
    return None


def page(*, libraries_too: bool) -> str:
    """Return the program's own text and its flags, those of the libraries where asked for.

    A program's own flags are those that it defines or declares as its own. The settings
    stand under the headings of `Settings.groups`, each with its range, unit and presets' values.
    """
    values = flags.FLAGS
    by_module = values.flags_by_module_dict()
    settings = {flag.name for flag in by_module.get(SETTINGS_MODULE, [])}
    own = {flag.name: flag for flag in values.get_key_flags_for_module(sys.argv[0])}
    groups: dict[str, list[str]] = {
        "Flags of this program": [
            _entry(flag, [_help(flag)]) for name, flag in own.items() if name not in settings
        ]
    }
    for heading, fields in _described.settings.groups().items():
        groups[heading] = [
            _entry(values[field.name], setting_lines(field, _described.presets))
            for field in fields
            if field.name in settings
        ]
    if libraries_too:
        others = {flag.name: flag for module in by_module.values() for flag in module}
        groups["Flags of the libraries"] = [
            _entry(flag, [_help(flag)])
            for name, flag in sorted(others.items())
            if name not in settings and name not in own
        ]
    blocks = [
        "\n".join([f"{heading}:", *entries]) for heading, entries in groups.items() if entries
    ]
    text = str(getattr(sys.modules["__main__"], "__doc__", None) or "").strip()
    more = [] if libraries_too else ["--helpfull lists the flags of the libraries too."]
    return "\n\n".join(filter(None, [text, *blocks, *more])) + "\n"


def setting_lines(
    field: dataclasses.Field[Any], presets: Mapping[str, Settings] = PRESETS
) -> list[str]:
    """Return what a setting means, what it may be, and its value in each preset."""
    text, unit = field.metadata["help"], field.metadata.get("unit")
    values = {name: getattr(preset, field.name) for name, preset in presets.items()}
    default = _shown(field.default)
    told = [f"{default} {unit}" if unit else default]
    told += [f"{name}: {_shown(v)}" for name, v in values.items() if v != field.default]
    if "low" in field.metadata:
        told.append(f"from {_shown(field.metadata['low'])} to {_shown(field.metadata['high'])}")
    elif choices := field.metadata.get("choices"):
        told.append(f"one of {', '.join(choices)}")
    return [text, f"[{'; '.join(told)}]"]


def _entry(flag: flags.Flag, lines: Iterable[str]) -> str:
    name = f"  --[no]{flag.name}" if flag.boolean else f"  --{flag.name}"
    columns = max(_LEAST_COLUMNS, min(_MOST_COLUMNS, shutil.get_terminal_size().columns))
    indent = " " * _NAME_COLUMNS
    body = [
        part
        for line in lines
        for part in textwrap.wrap(
            line, columns, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )
    ]
    if len(name) < _NAME_COLUMNS and body:
        return "\n".join([name.ljust(_NAME_COLUMNS) + body[0].lstrip(), *body[1:]])
    return "\n".join([name, *body])


def _help(flag: flags.Flag) -> str:
    text = " ".join(str(flag.help or "").split())
    if flag.default is None or flag.boolean or str(flag.default) == "":
        return text
    return f"{text} [{_shown(flag.default)}]"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)
