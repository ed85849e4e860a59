"""What a run tells: CSV files, TensorBoard, and a progress bar or plain lines."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

import psutil
import tqdm

from configs.games import frames_per_agent_step
from configs.policy_gradient import PolicyGradientConfig
from envs.finished_game import FinishedGame
from policy_gradient.metrics import EVALUATION_METRICS, PROGRESS_METRICS
from training import csv_log
from training.metrics import CHARTED_METRICS, GAME_COLUMNS
from training.progress import Progress
from training.run_folder import RunFolder
from training.tensorboard import TensorBoard
from training.time_spent import TimeSpent

_CSV_COLUMNS = {
    "metrics.csv": [metric.name for metric in PROGRESS_METRICS],
    "evaluations.csv": [metric.name for metric in EVALUATION_METRICS],
    "games.csv": GAME_COLUMNS,
}


def check_files(folder: RunFolder, kept_bytes: Mapping[str, int]) -> None:
    """Raise UserError if a CSV file is not what `RunLog.sync` found; nothing is changed."""
    for name in _CSV_COLUMNS:
        csv_log.check(folder.path / name, kept_bytes.get(name, 0))


class RunLog:
    """Writes down what happens in a run, in the units of `policy_gradient.metrics`.

    Args:
      folder: of the run.
      config: of the run.
      progress: where the run stands; shared with the loop.
      spent: where the time goes; shared with all that take it.
      kept_bytes: lengths of the files at the checkpoint that is resumed, from `sync`.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: PolicyGradientConfig,
        progress: Progress,
        spent: TimeSpent,
        kept_bytes: Mapping[str, int] | None = None,
    ) -> None:
        self._config = config
        self._progress = progress
        self._spent = spent
        self._csv = {
            name: csv_log.CsvLog(folder.path / name, columns, (kept_bytes or {}).get(name, 0))
            for name, columns in _CSV_COLUMNS.items()
        }
        self._tensorboard = TensorBoard(folder.tensorboard, kept_bytes)
        self._clock = time.monotonic()
        self._bar = tqdm.tqdm(
            total=config.iterations,
            initial=progress.iteration,
            unit="it",
            dynamic_ncols=True,
            disable=not sys.stderr.isatty(),
        )

    def begin(self, agent_steps: int) -> None:
        """Let the clocks of speed begin here."""
        self._row_began = time.monotonic()
        self._row_began_iteration = self._progress.iteration
        self._row_began_agent_steps = agent_steps
        self._row_began_spent = dict(self._spent.seconds)

    def sync(self) -> dict[str, int]:
        """Wait until the disk has all that was written; return the files' lengths."""
        for log in self._csv.values():
            log.sync()
        lengths = {name: log.size_bytes for name, log in self._csv.items()}
        return {**lengths, **self._tensorboard.sync()}

    def say(self, sentence: str) -> None:
        """Print a line, above the progress bar where there is one."""
        try:
            self._bar.write(sentence, file=sys.stdout)
            sys.stdout.flush()
        except OSError:  # the terminal or the pipe is gone, which is no reason to lose a run
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def iteration(self, losses: Mapping[str, float], games: Iterable[FinishedGame]) -> None:
        """Write down the games of an iteration, and add its losses to the row that is due next."""
        finished = list(games)
        for number, game in enumerate(finished, self._progress.games_finished + 1):
            self._csv["games.csv"].write(
                {"game": number, "iteration": self._progress.iteration, **game._asdict()}
            )
        self._progress.add_games(finished)
        self._progress.add_losses(1, losses)
        self._tick()
        self._bar.update()

    def row(self, agent_steps: int) -> None:
        """Write a row of metrics about the iterations since the last."""
        self._tick()
        progress, frames = self._progress, frames_per_agent_step(self._config.game)
        seconds = time.monotonic() - self._row_began
        row: dict[str, Any] = {
            "iteration": progress.iteration,
            "minutes": progress.seconds / 60,
            "agent_steps": agent_steps,
            "frames": agent_steps * frames,
            "games_finished": progress.games_finished,
            **progress.recent(),
            "learning_rate": self._config.learning_rate,
            **progress.losses,
            "resident_gb": psutil.Process().memory_info().rss / 1e9,
            "iterations_per_sec": (progress.iteration - self._row_began_iteration) / seconds,
            "frames_per_sec": (agent_steps - self._row_began_agent_steps) * frames / seconds,
            **self._spent.percent_since(self._row_began_spent, seconds),
        }
        del row["sampling_percent"]  # nothing is drawn from a replay
        self._csv["metrics.csv"].write(_rounded(row))
        self._tensorboard.scalars(PROGRESS_METRICS, row, progress.iteration)
        self._say_row(row)
        progress.begin_row()
        self.begin(agent_steps)

    def evaluation(self, results: Mapping[str, float]) -> None:
        """Write down an evaluation, by the names of EVALUATION_METRICS."""
        iteration, best = self._progress.iteration, self._progress.best_score
        row = {"iteration": iteration, **results}
        self._csv["evaluations.csv"].write(_rounded(row))
        row["score_mean_best"] = max(row["score_mean"], -math.inf if best is None else best)
        self._tensorboard.scalars((*EVALUATION_METRICS, *CHARTED_METRICS), row, iteration)

    def close(self) -> None:
        """Close all files."""
        self._bar.close()
        self._tensorboard.close()
        for log in self._csv.values():
            log.close()

    def _tick(self) -> None:
        now = time.monotonic()
        self._progress.seconds += now - self._clock
        self._clock = now

    def _say_row(self, row: Mapping[str, float]) -> None:
        left = self._config.iterations - self._progress.iteration
        minutes_left = left / max(row["iterations_per_sec"], 1e-9) / 60
        shown = {
            "fps": f"{row['frames_per_sec']:,.0f}",
            "score": f"{row['score_mean_30_games']:.1f}" if "score_mean_30_games" in row else "-",
            "loss": f"{row.get('loss', math.nan):.4f}",
        }
        self._bar.set_postfix(shown, refresh=False)
        if self._bar.disable:
            self.say(
                f"iteration {self._progress.iteration:,} of {self._config.iterations:,}  "
                + "  ".join(f"{name} {value}" for name, value in shown.items())
                + f"  {minutes_left:.0f} min left"
            )


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: float(f"{value:.6g}") if isinstance(value, float) else value
        for name, value in row.items()
    }
