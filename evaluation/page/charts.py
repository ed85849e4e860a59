"""Which curves a page has."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from configs.programs import DQN, POLICY_GRADIENT, Program
from configs.reference_scores import random_and_human_score
from evaluation.page.curves import Level, Line, Points, chart
from evaluation.page.elements import Element
from evaluation.page.record import Columns, RunRecord

_STANDARD_ERRORS = 1.96  # on both sides are 95 % of a normal distribution


class _Curve(NamedTuple):
    """A curve of metrics.csv.

    Attributes:
      column: its name there.
      title: of the chart.
      about: what it is.
      only: the program whose runs have it; None: all.
    """

    column: str
    title: str
    about: str
    only: Program | None = None


_OTHERS = (
    _Curve("loss", "Loss", "Mean of the iterations since the last row."),
    _Curve(
        "td_error_abs",
        "TD error",
        "Its absolute value, mean of the iterations since the last row.",
        DQN,
    ),
    _Curve("policy_loss", "Loss of the policy", "Mean of the same.", POLICY_GRADIENT),
    _Curve("value_loss", "Loss of the values", "Mean of the same.", POLICY_GRADIENT),
    _Curve("entropy", "Entropy", "Of the policy, in nats, mean of the same.", POLICY_GRADIENT),
    _Curve("epsilon", "Epsilon", "Share of random actions in training.", DQN),
    _Curve("learning_rate", "Learning rate", "Step size of the optimizer."),
    _Curve("frames_per_sec", "Speed", "Frames a second since the last row, all work included."),
    _Curve(
        "length_mean_30_games_agent_steps",
        "Length of games",
        "In agent steps, mean of the last 30 games.",
    ),
)


def charts(run: RunRecord) -> list[Element]:
    """Return the figures of a run, scores first."""
    x = run.metrics["iteration"]
    minutes = (x, _column(run.metrics, "minutes"))
    return [
        _scores(run, minutes),
        *([_q_values(run, minutes)] if run.program is DQN else []),
        *(
            chart(
                curve.title,
                curve.about,
                [Line(curve.title, x, _column(run.metrics, curve.column))],
                minutes=minutes,
            )
            for curve in _OTHERS
            if curve.only in (None, run.program)
        ),
    ]


def evaluation_interval(run: RunRecord) -> tuple[np.ndarray, np.ndarray]:
    """Return where the mean of evaluation games lies with 95 % confidence, float64 [n] twice.

    It is the normal approximation; NaN where the number of games is not known, or 1. The setting
    `eval_games` does not tell it: a resume may have changed it.
    """
    names = ("score_mean", "score_std", "games")
    mean, std, games = (_column(run.evaluations, name) for name in names)
    count = np.where(games > 1, games, np.nan)
    half = _STANDARD_ERRORS * std / np.sqrt(count - 1)  # std is divided by n, not by n - 1
    return mean - half, mean + half


def _scores(run: RunRecord, minutes: tuple[np.ndarray, np.ndarray]) -> Element:
    evaluations, low_high = run.evaluations, evaluation_interval(run)
    reference = random_and_human_score(run.game)
    levels = []
    if reference is not None:
        levels = [Level("random play", reference[0], "d"), Level("human tester", reference[1], "c")]
    x = run.metrics["iteration"]
    return chart(
        "Score",
        "Raw scores of whole games. Thick: 95 % interval of an evaluation's mean; thin: from its "
        "least game to its greatest, as far as the picture goes.",
        [
            Line("training, mean of 30 games", x, _column(run.metrics, "score_mean_30_games"), "a"),
        ],
        [
            Points(
                "evaluation games",
                evaluations["iteration"],
                _column(evaluations, "score_mean"),
                *low_high,
                _column(evaluations, "score_least"),
                _column(evaluations, "score_greatest"),
            )
        ],
        levels,
        minutes=minutes,
    )


def _q_values(run: RunRecord, minutes: tuple[np.ndarray, np.ndarray]) -> Element:
    at = run.evaluations["iteration"]
    none = np.full(len(at), np.nan)
    expected, returned = (
        Points(label, at, _column(run.evaluations, name), none, none, none, none, style)
        for label, name, style in (
            ("Q-values in evaluation games", "q_value_mean", "b"),
            ("what these games returned", "return_mean", "c"),
        )
    )
    return chart(
        "Q-values",
        "Mean of the sampled actions, in discounted rewards as in learning. Where the Q-values of "
        "evaluation games run away from what these games return, they are overestimated.",
        [Line("Q-values in training", run.metrics["iteration"], _column(run.metrics, "q_value"))],
        [expected, returned],
        minutes=minutes,
    )


def _column(columns: Columns, name: str) -> np.ndarray:
    """Return a column, NaN everywhere where it is missing, as in runs of older programs."""
    return columns.get(name, np.full(len(columns["iteration"]), np.nan))
