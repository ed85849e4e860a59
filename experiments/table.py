"""The comparison of variants as a page of Markdown."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from evaluation import aggregates
from experiments.comparison import (
    Aggregate,
    Estimate,
    aggregate,
    common_end,
    estimate,
    final_human_normalized,
    final_score,
)
from experiments.records import Record

_NOTE = """\
Scores are raw. An evaluation is the mean score of the whole games that a run plays near-greedily; a
training score is that of the last 30 games in training, random actions among them. Each is a mean
over the seeds, at a place between two rows of the CSV on a straight line. In brackets is the 95 %
percentile bootstrap interval over the seeds (with 2 or 3 seeds that is from the least to the
greatest). Minutes are those of work on a run, its evaluations included. IQM is the interquartile
mean, which leaves out the lowest and the highest quarter of the seeds, rounded down.
Human-normalized is the mean of the last evaluations with random play at 0, a human tester at 1."""


@dataclasses.dataclass(frozen=True)
class Places:
    """Where runs are compared; None: where the first of them ends.

    Attributes:
      iterations: training steps.
      minutes: of work.
    """

    iterations: float | None = None
    minutes: float | None = None


def page(
    records: Sequence[Record],
    remarks: Sequence[str],
    pictures: dict[str, str],
    places: Places,
) -> str:
    """Return the page, with a newline at the end.

    Args:
      records: at least one.
      remarks: sentences about runs that are left out or do not go together.
      pictures: file name by game.
      places: where the runs of each game are compared.
    """
    parts = ["# Comparison"]
    for game in sorted({record.game for record in records}):
        parts.append(f"## {game}")
        if game in pictures:
            parts.append(f"![Scores on {game}]({pictures[game]})")
        parts.append(_game_table([r for r in records if r.game == game], places))
    parts += _all_games(records)
    parts.append(_NOTE)
    if remarks:
        parts.append("\n".join(f"- {remark}" for remark in remarks))
    return "\n\n".join(parts) + "\n"


def _game_table(records: Sequence[Record], places: Places) -> str:
    iterations = (
        common_end(records, "iteration") if places.iterations is None else places.iterations
    )
    minutes = common_end(records, "minutes") if places.minutes is None else places.minutes
    lines = [
        "| variant | seeds | iterations "
        f"| evaluation at {iterations:,.0f} iterations | training at {iterations:,.0f} iterations "
        f"| evaluation at {minutes:,.1f} minutes | training at {minutes:,.1f} minutes "
        "| minutes | last evaluation, mean | last evaluation, IQM | human-normalized |",
        "|---" * 11 + "|",
    ]
    for variant in dict.fromkeys(record.variant for record in records):
        runs = [record for record in records if record.variant == variant]

        def shown(
            score: Callable[[Record], float | None], digits: int = 1, runs: list[Record] = runs
        ) -> str:
            return _shown(estimate([score(run) for run in runs]), len(runs), digits)

        finals = [final_score(run) for run in runs]
        cells = [
            variant,
            ", ".join(str(run.seed) for run in runs),
            _range([run.ends["iteration"] for run in runs]),
            shown(lambda run: run.evaluation.at("iteration", iterations)),
            shown(lambda run: run.training.at("iteration", iterations)),
            shown(lambda run: run.evaluation.at("minutes", minutes)),
            shown(lambda run: run.training.at("minutes", minutes)),
            _range([run.ends["minutes"] for run in runs], 1),
            shown(final_score),
            _shown(estimate(finals, aggregates.interquartile_mean), len(runs)),
            shown(final_human_normalized, 3),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _all_games(records: Sequence[Record]) -> list[str]:
    games, rows = aggregate(records)
    if len(games) < 2 or not rows:
        return []
    lines = ["| variant | runs | IQM | median | mean |", "|---|---|---|---|---|"]
    lines += [_aggregate_row(row) for row in rows]
    return [
        "## All games",
        f"Human-normalized scores of the last evaluations on {', '.join(games)}: random play is 0, "
        "a human tester 1. The IQM is over all runs, median and mean are of the games' means; the "
        "intervals are of a stratified bootstrap, which draws the runs of each game anew. Variants "
        "without a score on one of these games are not here.",
        "\n".join(lines),
    ]


def _aggregate_row(row: Aggregate) -> str:
    cells = [row.variant, str(row.runs)]
    for value in (row.interquartile_mean, row.median, row.mean):
        cells.append(_shown(value, row.runs, 3))
    return "| " + " | ".join(cells) + " |"


def _shown(value: Estimate | None, runs: int, digits: int = 1) -> str:
    """Return `12.0 [9.5, 14.0]`; fewer runs than `runs` are named."""
    if value is None:
        return "-"
    text = f"{value.value:,.{digits}f}"
    if value.interval is not None:
        low, high = value.interval
        text += f" [{low:,.{digits}f}, {high:,.{digits}f}]"
    return text if value.runs == runs else f"{text} ({value.runs} of {runs} runs)"


def _range(values: Sequence[float], digits: int = 0) -> str:
    least, greatest = f"{min(values):,.{digits}f}", f"{max(values):,.{digits}f}"
    return least if least == greatest else f"{least} to {greatest}"
