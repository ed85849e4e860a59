"""Writes the table of flags into docs/flags.md: `python -m scripts.flag_table`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from configs import PRESETS, Config
from configs.games import is_atari

PAGE = Path(__file__).parent.parent / "docs/flags.md"
_NAMES = [name for name, preset in PRESETS.items() if is_atari(preset.game)]
_BEGIN, _END = "<!-- flags: written by python -m scripts.flag_table -->\n", "<!-- end of flags -->"


def flag_table() -> str:
    """Return the table in Markdown: a row for each setting, its value in each Atari preset."""
    heads = ["flag", "meaning", "default", *(f"`{name}`" for name in _NAMES[1:])]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for heading, fields in Config.groups().items():
        lines.append(f"| **{heading}** |" + "  |" * (len(heads) - 1))
        lines += map(_row, fields)
    return "\n".join(lines) + "\n"


def _row(field: dataclasses.Field[Any]) -> str:
    meaning = field.metadata["help"]
    if unit := field.metadata.get("unit"):
        meaning += f" ({unit})"
    default, *others = (
        _shown(getattr(preset, field.name)) for preset in map(PRESETS.__getitem__, _NAMES)
    )
    shown = [default, *("" if other == default else other for other in others)]
    return " | ".join([f"| `--{field.name}`", meaning, *shown]) + " |"


def with_table(text: str) -> str:
    """Return the page's text with the table in its place."""
    before, rest = text.split(_BEGIN)
    return before + _BEGIN + flag_table() + _END + rest.split(_END)[1]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
