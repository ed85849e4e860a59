"""Writes the table of flags into README.md: `python -m scripts.flag_table`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from configs import PRESETS, Config
from configs.games import is_atari

README = Path(__file__).parent.parent / "README.md"
_BEGIN, _END = "<!-- flags: written by python -m scripts.flag_table -->\n", "<!-- end of flags -->"


def flag_table() -> str:
    """Return the table in Markdown: a row for each setting, its value in each Atari preset."""
    names = [name for name, preset in PRESETS.items() if is_atari(preset.game)]
    heads = ["flag", "meaning", "default", *(f"`{name}`" for name in names[1:])]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for field in dataclasses.fields(Config):
        meaning = field.metadata["help"]
        if unit := field.metadata.get("unit"):
            meaning += f" ({unit})"
        default, *others = (_shown(getattr(PRESETS[name], field.name)) for name in names)
        shown = [default, *("" if other == default else other for other in others)]
        lines.append(" | ".join([f"| `--{field.name}`", meaning, *shown]) + " |")
    return "\n".join(lines) + "\n"


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
