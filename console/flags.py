"""One flag for each setting of `Config`, and the config that the flags ask for."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any

from absl import flags

from configs import PRESETS, Config
from console.errors import UserError

_DEFINE = {
    bool: flags.DEFINE_bool,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}


def define_config_flags() -> None:
    """Define a flag for each setting; its default is what the preset says."""
    for field in dataclasses.fields(Config):
        _DEFINE[type(field.default)](field.name, None, help_text(field))


def help_text(field: dataclasses.Field[Any]) -> str:
    """Return what a setting means, its unit and range, and its value in each preset."""
    text, unit = field.metadata["help"], field.metadata.get("unit")
    if unit:
        text += f", in {unit}"
    values = {name: getattr(preset, field.name) for name, preset in PRESETS.items()}
    if len(set(values.values())) == 1:
        return f"{text} ({_shown(field.default)})"
    return f"{text} ({'; '.join(f'{name}: {_shown(value)}' for name, value in values.items())})"


def asked_settings() -> dict[str, Any]:
    """Return the settings that the command line names, and only those."""
    values = flags.FLAGS.flag_values_dict()
    names = [field.name for field in dataclasses.fields(Config)]
    return {name: values[name] for name in names if values[name] is not None}


def preset_called(name: str) -> Config:
    """Return the preset of that name.

    Raises:
      UserError: if there is none.
    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(PRESETS)}"
        raise UserError(f"there is no preset called {name!r}; {hint}")
    return PRESETS[name]


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
