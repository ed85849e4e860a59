"""What a run tells: CSV files, TensorBoard, and a progress bar or plain lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

import psutil
import tensorflow as tf
import tqdm

from configs import Config
from envs.finished_game import FinishedGame
from training.metrics import EVALUATION_METRICS, GAME_COLUMNS, PROGRESS_METRICS, Metric
from training.progress import FRAMES_PER_AGENT_STEP, Progress
from training.run_folder import CsvLog, RunFolder


class RunLog:
    """Writes down what happens in a run, in the units of `training.metrics`.

    Args:
      folder: of the run.
      config: of the run.
      progress: where the run stands; shared with the loop.
      kept_bytes: lengths of the CSV files at the checkpoint that is resumed, from `sizes_bytes`.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: Config,
        progress: Progress,
        kept_bytes: Mapping[str, int] | None = None,
    ) -> None:
        self._config = config
        self._progress = progress
        self._csv = {
            name: CsvLog(folder.path / name, columns, (kept_bytes or {}).get(name, 0))
            for name, columns in (
                ("metrics.csv", [metric.name for metric in PROGRESS_METRICS]),
                ("evaluations.csv", [metric.name for metric in EVALUATION_METRICS]),
                ("games.csv", GAME_COLUMNS),
            )
        }
        self._tensorboard = tf.summary.create_file_writer(str(folder.tensorboard))
        self._losses: dict[str, float] = {}
        self._iterations_of_losses = 0
        self._row_began = self._clock = time.monotonic()
        self._row_began_agent_steps: int | None = None
        self._bar = tqdm.tqdm(
            total=config.iterations,
            initial=progress.iteration,
            unit="it",
            dynamic_ncols=True,
            smoothing=0.05,
            disable=not sys.stderr.isatty(),
        )

    @property
    def sizes_bytes(self) -> dict[str, int]:
        """The lengths of the CSV files, for a checkpoint."""
        return {name: log.size_bytes for name, log in self._csv.items()}

    def say(self, sentence: str) -> None:
        """Print a line, above the progress bar where there is one."""
        self._bar.write(sentence, file=sys.stdout)
        sys.stdout.flush()

    def games(self, games: Iterable[FinishedGame]) -> None:
        """Write down finished games."""
        finished = list(games)
        for number, game in enumerate(finished, self._progress.games_finished + 1):
            self._csv["games.csv"].write(
                {"game": number, "iteration": self._progress.iteration, **game._asdict()}
            )
        self._progress.add_games(finished)

    def iterations(self, count: int, losses: Mapping[str, float]) -> None:
        """Add `count` iterations, over which `losses` are means, to the row that is due next."""
        weight = count / (self._iterations_of_losses + count)
        for name, mean in losses.items():
            before = self._losses.get(name, 0.0)
            self._losses[name] = before + weight * (mean - before)
        self._iterations_of_losses += count
        self._tick()
        self._bar.update(count)

    def row(self, agent_steps: int, replay_transitions: int, epsilon: float) -> None:
        """Write a row of metrics about the iterations since the last."""
        self._tick()
        now, progress = time.monotonic(), self._progress
        seconds = now - self._row_began
        row: dict[str, Any] = {
            "iteration": progress.iteration,
            "minutes": progress.seconds / 60,
            "agent_steps": agent_steps,
            "frames": agent_steps * FRAMES_PER_AGENT_STEP,
            "games_finished": progress.games_finished,
            **progress.recent(),
            "epsilon": epsilon,
            **self._losses,
            "replay_transitions": replay_transitions,
            "resident_gb": psutil.Process().memory_info().rss / 1e9,
            "iterations_per_sec": self._iterations_of_losses / seconds,
        }
        if self._row_began_agent_steps is not None:
            frames = (agent_steps - self._row_began_agent_steps) * FRAMES_PER_AGENT_STEP
            row["frames_per_sec"] = frames / seconds
        self._row_began, self._row_began_agent_steps = now, agent_steps
        self._losses, self._iterations_of_losses = {}, 0
        progress.logged_iteration = progress.iteration
        self._csv["metrics.csv"].write(_rounded(row))
        self._scalars(PROGRESS_METRICS, row)
        self._show(row)

    def evaluation(self, results: Mapping[str, float]) -> None:
        """Write down an evaluation, by the names of EVALUATION_METRICS."""
        row = {"iteration": self._progress.iteration, **results}
        self._csv["evaluations.csv"].write(_rounded(row))
        self._scalars(EVALUATION_METRICS, row)

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

    def _scalars(self, metrics: Iterable[Metric], row: Mapping[str, float]) -> None:
        with self._tensorboard.as_default(step=self._progress.iteration):
            for metric in metrics:
                if metric.tag and metric.name in row:
                    tf.summary.scalar(metric.tag, row[metric.name], description=metric.meaning)
        self._tensorboard.flush()

    def _show(self, row: Mapping[str, float]) -> None:
        shown = {
            "fps": f"{row['frames_per_sec']:,.0f}" if "frames_per_sec" in row else "-",
            "score": f"{row['score_mean_30_games']:.1f}" if "score_mean_30_games" in row else "-",
            "epsilon": f"{row['epsilon']:.3f}",
            "loss": f"{row.get('loss', float('nan')):.4f}",
        }
        if not self._bar.disable:
            self._bar.set_postfix(shown)
            return
        left = self._config.iterations - self._progress.iteration
        minutes_left = left / max(row["iterations_per_sec"], 1e-9) / 60
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
