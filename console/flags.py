"""One flag for each setting of a config, and the settings that the flags ask for."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

from absl import flags

from configs import PRESETS, Config
from configs.settings import S, Settings
from console import help as help_page
from console.errors import UserError

_DEFINE = {
    bool: flags.DEFINE_bool,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}


def define_config_flags(
    settings: type[Settings] = Config, presets: Mapping[str, Settings] = PRESETS
) -> None:
    """Define a flag for each setting; its default is what the preset says, see `console.help`."""
    help_page.describe(settings, presets)
    for field in dataclasses.fields(settings):
        _DEFINE[type(field.default)](field.name, None, field.metadata["help"])


def asked_settings(settings: type[Settings] = Config) -> dict[str, Any]:
    """Return the settings that the command line names, and only those."""
    values = flags.FLAGS.flag_values_dict()
    names = [field.name for field in dataclasses.fields(settings)]
    return {name: values[name] for name in names if values[name] is not None}


def preset_called(name: str) -> Config:
    """Return the preset of DQN of that name.

    Raises:
      UserError: if there is none.
    """
    return preset_among(PRESETS, name)


def preset_among(presets: Mapping[str, S], name: str) -> S:
    """Return the preset of that name.

    Raises:
      UserError: if there is none.
    """
    if name not in presets:
        near = difflib.get_close_matches(name, presets, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(presets)}"
        raise UserError(f"there is no preset called {name!r}; {hint}")
    return presets[name]
