"""The whole page of a run: one file, which loads nothing from anywhere."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np

from configs import human_normalized_score
from evaluation.files import replaced_file
from evaluation.page import films, tables
from evaluation.page.charts import charts, evaluation_interval
from evaluation.page.commands import changed_at_resume, commands
from evaluation.page.elements import Element, element, to_html
from evaluation.page.record import RunRecord, read_run

FILE = "report.html"

# Should something hostile ever get by: the page may run no script and load nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"


def write_page(run: Path, file: Path | None = None) -> Path:
    """Write the page of a run, by its files as they are, without playing; return the file.

    Args:
      run: its folder.
      file: where the page goes; None: FILE in the folder.

    Raises:
      UserError: if there is no run in the folder.
      OSError: if the file cannot be written.
    """
    file = file or run / FILE
    content = to_html(page(read_run(run)))
    with replaced_file(file) as opened:
        opened.write(content)
    return file


def page(run: RunRecord) -> Element:
    """Return the page of a run."""
    agent = run.settings.get("agent")
    title = f"{run.game}, {agent}" if isinstance(agent, str) else run.game
    remarks = [element("p", f"{remark}.", class_="remark") for remark in run.remarks]
    seen = films.figures(run.path)
    if not seen:
        hint = f"No film lies in the run's folder; python -m evaluation.report {run.path} --film "
        seen = [element("p", hint + "plays some games and makes one.", class_="nothing")]
    body = element(
        "main",
        element("header", element("h1", title), element("p", _how_far(run)), _figures(run)),
        *remarks,
        _section("Warnings", tables.warnings(run)),
        _section("Curves", element("div", *charts(run), class_="charts")),
        _section("Films", element("div", *seen, class_="films")),
        _section("Evaluations", tables.evaluations(run)),
        _section("Commands", _commands(run)),
        _section("Settings", element("p", _about_settings(run)), _settings(run)),
        _section("Machine", tables.sessions(run)),
    )
    style = resources.files("evaluation.page").joinpath("page.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    )
    return element("html", head, element("body", body), lang="en")


def _how_far(run: RunRecord) -> str:
    done, asked = run.iterations_done, run.settings.get("iterations")
    told = f"{done:,} iterations are written down"
    if type(asked) is int and asked > 0:
        told = f"{done:,} of {asked:,} iterations"
        if done < asked:
            told += f" ({done / asked:.0%}; it goes on, or was stopped)"
    minutes = _last(run, "minutes")
    return f"{told}, {minutes:,.0f} minutes of work." if minutes is not None else f"{told}."


def _figures(run: RunRecord) -> Element:
    """Return the numbers that one looks for first."""
    shown: list[tuple[str, str, str]] = []
    means, iterations = run.evaluations.get("score_mean"), run.evaluations["iteration"]
    if means is not None and np.isfinite(means).any():
        low, high = evaluation_interval(run)
        for name, at in (
            ("best evaluation", int(np.nanargmax(means))),
            ("last evaluation", int(np.flatnonzero(np.isfinite(means))[-1])),
        ):
            detail = f"at iteration {iterations[at]:,.0f}"
            if np.isfinite(low[at]):
                detail += f", 95 %: {tables.number(low[at])} to {tables.number(high[at])}"
            shown.append((name, tables.number(means[at]), detail))
        normalized = human_normalized_score(run.game, float(np.nanmax(means)))
        if normalized is not None:
            shown.append(("human-normalized", f"{normalized:.2f}", "random play 0, a human 1"))
    for name, column, detail in (
        ("training score", "score_mean_30_games", "mean of the last 30 games"),
        ("frames", "frames", "played in training"),
    ):
        value = _last(run, column)
        if value is not None:
            shown.append((name, tables.number(value), detail))
    speeds = run.metrics.get("frames_per_sec")
    if speeds is not None and np.isfinite(speeds).any():
        shown.append(("frames a second", tables.number(np.nanmedian(speeds)), "median of all rows"))
    boxes = [
        element(
            "div", element("dt", name), element("dd", element("b", value), element("span", detail))
        )
        for name, value, detail in shown
    ]
    return element("dl", *boxes, class_="figures")


def _last(run: RunRecord, name: str) -> float | None:
    """Return the last number in a column of metrics.csv."""
    values = run.metrics.get(name, np.empty(0))
    values = values[np.isfinite(values)]
    return float(values[-1]) if len(values) else None


def _commands(run: RunRecord) -> Element:
    rows = []
    for what, command in commands(run).items():
        words: list[Element | str] = []
        for word in command.split(" "):
            words += [element("span", word), " "]  # a line may end between two words only
        rows += [element("dt", what), element("dd", element("code", *words[:-1]))]
    made = element("dl", *rows, class_="commands")
    if changed := changed_at_resume(run):
        told = (
            f"No single command trains it again: {', '.join(changed)} changed when it was resumed. "
            "What was typed stands below, under Machine."
        )
        return element("div", made, element("p", told, class_="nothing"))
    return made


def _settings(run: RunRecord) -> Element:
    return element("div", *tables.settings(run), class_="settings")


def _about_settings(run: RunRecord) -> str:
    if not run.settings:
        return "They are not known."
    return f"Preset {run.preset or 'not known'}; what differs from it is bold."


def _section(heading: str, *content: Element) -> Element:
    return element("section", element("h2", heading), *content, id=heading.lower())
