"""Writes the table of flags into README.md: `python -m scripts.flag_table`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from configs import PRESETS, Config

README = Path(__file__).parent.parent / "README.md"
_BEGIN, _END = "<!-- flags: written by python -m scripts.flag_table -->\n", "<!-- end of flags -->"


def flag_table() -> str:
    """Return the table in Markdown: a row for each setting, with its value in each preset."""
    lines = ["| flag | meaning | default | `notebook` | `nature` |", "|---|---|---|---|---|"]
    for heading, fields in Config.groups().items():
        lines.append(f"| **{heading}** |  |  |  |  |")
        lines += map(_row, fields)
    return "\n".join(lines) + "\n"


def _row(field: dataclasses.Field[Any]) -> str:
    meaning = field.metadata["help"]
    if unit := field.metadata.get("unit"):
        meaning += f" ({unit})"
    default, *others = (_shown(getattr(preset, field.name)) for preset in PRESETS.values())
    shown = [default, *("" if other == default else other for other in others)]
    return " | ".join([f"| `--{field.name}`", meaning, *shown]) + " |"


def with_table(text: str) -> str:
    """Return README's text with the table in its place."""
    before, rest = text.split(_BEGIN)
    return before + _BEGIN + flag_table() + _END + rest.split(_END)[1]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
