"""A run folder of a few rows, with nothing in it but what a report reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def write_run(
    folder: Path,
    name: str,
    *,
    seed: int = 1,
    game: str = "Breakout",
    minutes: float = 1.0,
    training: Sequence[object] = ("", 10, 30),
    evaluation: Sequence[float] = (8, 16),
    **settings: object,
) -> Path:
    """Write a run of 100 iterations a row, an evaluation each second row, `minutes` a row."""
    path = folder / name
    path.mkdir(parents=True)
    config = {"game": game, "seed": seed, "initial_collect_steps": 50, **settings}
    (path / "config.json").write_text(json.dumps({"config": config}))
    rows = ["iteration,minutes,frames,score_mean_30_games"]
    for number, score in enumerate(training, 1):
        rows.append(f"{100 * number},{minutes * number},{200 + 1600 * number},{score}")
    (path / "metrics.csv").write_text("\n".join(rows) + "\n")
    rows = ["iteration,games,score_mean,score_std"]
    rows += [f"{150 * number},5,{score},0" for number, score in enumerate(evaluation, 1)]
    (path / "evaluations.csv").write_text("\n".join(rows) + "\n")
    return path
