"""The tables of a page: evaluations, warnings, settings, and the machines that a run was on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from configs.programs import DQN
from evaluation.page.elements import Element, element
from evaluation.page.record import RunRecord

_MOST_ROWS = 200
_MOST_LETTERS = 2_000  # of a value in a cell
_COLUMNS = {
    "games": "games",
    "score_mean": "mean score",
    "score_median": "median",
    "score_std": "std",
    "score_least": "least",
    "score_greatest": "greatest",
    "length_mean_agent_steps": "length in agent steps",
    "q_value_mean": "Q-value",
    "return_mean": "return",
}


def evaluations(run: RunRecord) -> Element:
    """Return a row for each evaluation, the best by mean score marked; the newest, if many."""
    columns = run.evaluations
    count = len(columns["iteration"])
    if not count:
        return element("p", "No evaluation is written down yet.", class_="nothing")
    names = [name for name in _COLUMNS if name in columns]
    means = columns.get("score_mean", np.full(count, np.nan))
    best = int(np.nanargmax(means)) if np.isfinite(means).any() else -1
    rows = []
    for row in range(max(0, count - _MOST_ROWS), count):
        cells = [f"{columns['iteration'][row]:,.0f}", *(number(columns[n][row]) for n in names)]
        rows.append(_row(cells, class_="best" if row == best else "number"))
    made = table("Evaluations", ["iteration", *(_COLUMNS[name] for name in names)], rows)
    if count <= _MOST_ROWS:
        return made
    left = f"The last {_MOST_ROWS} of {count:,} evaluations; evaluations.csv has all."
    return element("div", element("p", left), made)


def warnings(run: RunRecord) -> Element:
    """Return what the run has warned of."""
    if run.warnings is None:
        text = (
            "There is no warnings.csv: an older program wrote this run, or it was left behind."
            if run.program is DQN
            else f"{run.program.command} writes no warnings."
        )
        return element("p", text, class_="nothing")
    if not run.warnings:
        return element("p", "None: the run has warned of nothing.", class_="nothing")
    rows = [
        element("tr", element("td", _cut(at), class_="at"), element("td", _cut(sentence)))
        for at, sentence in run.warnings[-_MOST_ROWS:]
    ]
    return table("Warnings", ["iteration", "what was said"], rows)


def settings(run: RunRecord) -> list[Element]:
    """Return a table for each group of settings, those that are not the preset's marked."""
    usual = run.program.presets.get(run.preset)
    made, known = [], set[str]()
    for heading, fields in run.program.settings.groups().items():
        rows = []
        for field in fields:
            if field.name not in run.settings:
                continue
            known.add(field.name)
            value = run.settings[field.name]
            is_changed = usual is not None and value != getattr(usual, field.name)
            unit = str(field.metadata.get("unit", ""))
            cells = [field.name, f"{_value(value)} {unit}"]
            rows.append(_row(cells, class_="changed" if is_changed else "setting"))
        if rows:
            made.append(table(heading, ["setting", "value"], rows, captioned=True))
    others = [_row([name, _value(run.settings[name])]) for name in sorted({*run.settings} - known)]
    if others:
        heading = "Settings that this program does not know"
        made.append(table(heading, ["setting", "value"], others, captioned=True))
    return made


def sessions(run: RunRecord) -> Element:
    """Return for each time that the run was started or resumed where, with what and how."""
    if not run.sessions:
        return element("p", "Nothing is known of the machine.", class_="nothing")
    rows = []
    for session in run.sessions[-_MOST_ROWS:]:
        command = session.get("command")
        words = command if isinstance(command, list) else []
        rows.append(
            _row(
                [
                    _value(session.get("started", "")),
                    _value(session.get("device", "")),
                    _value(session.get("machine", "")),
                    _value(session.get("versions", "")),
                    _cut(shlex.join(map(str, words))),
                ]
            )
        )
    return table("Sessions", ["started", "device", "machine", "versions", "command"], rows)


def table(
    name: str, headings: Sequence[str], rows: Iterable[Element], *, captioned: bool = False
) -> Element:
    """Return a table in a frame of its own, which a narrow screen scrolls sideways.

    Args:
      name: for who does not see it; a caption, where `captioned`.
      headings: of the columns.
      rows: tr elements.
      captioned: whether the name is seen.
    """
    head = element("tr", *(element("th", heading, scope="col") for heading in headings))
    caption = element("caption", name, class_="seen" if captioned else "unseen")
    made = element("table", caption, element("thead", head), element("tbody", *rows))
    return element("div", made, class_="frame", tabindex="0", role="region", aria_label=name)


def number(value: float) -> str:
    """Return a number for a cell, a dash where there is none."""
    if not np.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def _row(cells: Sequence[str], class_: str = "plain") -> Element:
    first, *rest = cells
    head = element("th", first, scope="row")
    return element("tr", head, *(element("td", cell) for cell in rest), class_=class_)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return _cut(", ".join(f"{name} {_plain(each)}" for name, each in value.items()))
    return _cut(_plain(value))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | float):
        return str(value)
    if isinstance(value, int) and abs(value) < 10**15:
        return f"{value:,}"
    try:
        return json.dumps(value)
    except (RecursionError, ValueError):  # deeper, or with more digits, than Python writes
        return "?"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]} ..."
