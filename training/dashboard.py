"""What TensorBoard's tabs Custom Scalars and HParams show of a run."""

from __future__ import annotations

import dataclasses
from typing import Any

from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import summary as custom_scalar
from tensorboard.plugins.hparams import api as hp

from configs import PRESETS, Config
from configs.recipe import NO_PART_OF_A_RECIPE
from training.metrics import DEAD_UNITS

FIRST_PAGE: dict[str, tuple[str, ...]] = {
    "evaluation score": ("evaluation/score_mean", "evaluation/score_mean_best"),
    "training score": ("training/score_mean_30_games", "training/score_greatest_30_games"),
    "loss and TD error": ("learning/loss", "learning/td_error_abs"),
    "Q-value": ("learning/q_value",),
    "epsilon": ("training/epsilon",),
    "learning rate": ("learning/learning_rate",),
    "dead units, percent of each layer": (f"{DEAD_UNITS.tag}/.+",),
    "iterations per second": ("time/iterations_per_sec",),
}
"""Charts by their titles, each with the tags of its lines, as regular expressions."""

SPREAD = ("evaluation/score_mean", "evaluation/score_least", "evaluation/score_greatest")
"""A line, and the edges of the band around it."""

SETTINGS_SHOWN = (
    *("preset", "game", "agent", "seed", "iterations", "precision"),
    *("batch_size", "learning_rate", "n_step", "update_period", "replay_capacity"),
    *("double", "dueling", "noisy", "prioritized", "network_width"),
)
"""Columns that every run has, besides those in which it differs from its preset. TensorBoard takes
the columns of the first run for all."""

_CHANGES_NOTHING = NO_PART_OF_A_RECIPE | {"eval_epsilon"}

SCORES_SHOWN = {
    "evaluation/score_mean": "last evaluation score",
    "evaluation/score_mean_best": "best evaluation score",
    "time/minutes": "minutes",
}


def layout() -> Any:
    """Return the Summary that arranges the charts that matter most on one page."""
    lines = [
        layout_pb2.Chart(
            title=title,
            multiline=layout_pb2.MultilineChartContent(tag=[f"^{tag}$" for tag in tags]),
        )
        for title, tags in FIRST_PAGE.items()
    ]
    value, lower, upper = SPREAD
    series = layout_pb2.MarginChartContent.Series(value=value, lower=lower, upper=upper)
    band = layout_pb2.Chart(
        title="evaluation score, from least to greatest",
        margin=layout_pb2.MarginChartContent(series=[series]),
    )
    page = layout_pb2.Category(title="The run at a glance", chart=[lines[0], band, *lines[1:]])
    return custom_scalar.pb(layout_pb2.Layout(category=[page]))


def settings(config: Config, preset: str, name: str) -> list[Any]:
    """Return the Summaries that put a run into the table of runs: its columns, and its values.

    Args:
      config: of the run.
      preset: what its numbers began from.
      name: of the run in the table.
    """
    values = {"preset": preset, **config.to_dict()}
    usual = PRESETS[preset].to_dict() if preset in PRESETS else {}
    different = {key for key in usual if values[key] != usual[key]} - _CHANGES_NOTHING
    meanings = {f.name: f.metadata.get("help", "") for f in dataclasses.fields(config)}
    columns = [
        hp.HParam(key, description=meanings.get(key, ""))
        for key in sorted({*SETTINGS_SHOWN, *different})
    ]
    scores = [hp.Metric(tag, display_name=title) for tag, title in SCORES_SHOWN.items()]
    return [hp.hparams_config_pb(columns, scores), hp.hparams_pb(values, trial_id=name)]
