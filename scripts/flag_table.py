"""Writes the tables of flags into the documents: `python -m scripts.flag_table`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from configs.games import is_atari
from configs.programs import DQN, POLICY_GRADIENT, Program

_DOCS = Path(__file__).parent.parent / "docs"
_BEGIN, _END = "<!-- flags: written by python -m scripts.flag_table -->\n", "<!-- end of flags -->"


class Page(NamedTuple):
    """A document with a table.

    Attributes:
      path: of the document.
      program: whose flags they are.
      presets: that have a column, that of the defaults first.
    """

    path: Path
    program: Program
    presets: Sequence[str]


PAGES = (
    Page(
        _DOCS / "flags.md",
        DQN,
        [name for name, preset in DQN.presets.items() if is_atari(preset.to_dict()["game"])],
    ),
    Page(_DOCS / "policy-gradient.md", POLICY_GRADIENT, list(POLICY_GRADIENT.presets)),
)


def flag_table(page: Page) -> str:
    """Return the table in Markdown: a row for each setting, its value in each preset."""
    heads = ["flag", "meaning", "default", *(f"`{name}`" for name in page.presets[1:])]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for heading, fields in page.program.settings.groups().items():
        lines.append(f"| **{heading}** |" + "  |" * (len(heads) - 1))
        lines += [_row(field, page) for field in fields]
    return "\n".join(lines) + "\n"


def _row(field: dataclasses.Field[Any], page: Page) -> str:
    meaning = field.metadata["help"]
    if unit := field.metadata.get("unit"):
        meaning += f" ({unit})"
    default, *others = (
        _shown(getattr(page.program.presets[name], field.name)) for name in page.presets
    )
    shown = [default, *("" if other == default else other for other in others)]
    return " | ".join([f"| `--{field.name}`", meaning, *shown]) + " |"


def with_table(page: Page) -> str:
    """Return the page's text with the table in its place."""
    before, rest = page.path.read_text().split(_BEGIN)
    return before + _BEGIN + flag_table(page) + _END + rest.split(_END)[1]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value}"


if __name__ == "__main__":
    for each in PAGES:
        each.path.write_text(with_table(each))
