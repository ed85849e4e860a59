"""What a run tells: CSV files, TensorBoard, and a progress bar or plain lines."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psutil

from configs.games import frames_per_agent_step
from configs.policy_gradient import TrainedConfig
from envs.finished_game import FinishedGame
from evaluation.watch import PlayedGame
from replay.durable import sync
from training import csv_log
from training.health import Health
from training.looks import Looks
from training.metrics import CHARTED_METRICS, DQN_TABLES, Tables
from training.progress import Progress
from training.run_folder import RunFolder
from training.tensorboard import TensorBoard
from training.terminal import Terminal
from training.time_spent import TimeSpent


class RunLog:
    """Writes down what happens in a run, in the units of `training.metrics`.

    Args:
      folder: of the run.
      config: of the run.
      progress: where the run stands; shared with the loop.
      spent: where the time goes; shared with all that take it.
      kept_bytes: lengths of the files at the checkpoint that is resumed, from `sync`.
      tables: what the run logs.
      health: is asked after each row what is to be warned of; None: nothing is.
      looks: shows in TensorBoard what is no number; None: nothing does.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: TrainedConfig,
        progress: Progress,
        spent: TimeSpent,
        kept_bytes: Mapping[str, int] | None = None,
        tables: Tables = DQN_TABLES,
        health: Health | None = None,
        looks: Looks | None = None,
    ) -> None:
        self._tables = tables
        self._health = health
        self._folder = folder.path
        self._frames_per_agent_step = frames_per_agent_step(config.game)
        self._progress = progress
        self._spent = spent
        self._csv = {
            name: csv_log.CsvLog(folder.path / name, columns, (kept_bytes or {}).get(name, 0))
            for name, columns in tables.columns().items()
        }
        self._tensorboard = TensorBoard(folder.tensorboard, kept_bytes)
        self._looks = looks
        if looks and kept_bytes is None:  # once: a resume goes on with what is there
            looks.begin(self._tensorboard)
        self._row_began = self._clock = time.monotonic()
        self._iterations_of_session = 0  # since the row began, or the resume
        self._row_began_agent_steps = 0
        self._row_began_spent = dict(spent.seconds)
        self._terminal = Terminal(config.iterations, progress.iteration)

    def sync(self) -> dict[str, int]:
        """Wait until the disk has all that was written; return the files' lengths.

        A checkpoint that knows of rows that a power cut has taken could not be resumed.
        """
        for log in self._csv.values():
            log.sync()
        lengths = {name: log.size_bytes for name, log in self._csv.items()}
        lengths |= self._tensorboard.sync()
        sync(self._folder)  # the first checkpoint is of files that are new
        return lengths

    def say(self, sentence: str) -> None:
        """Print a line, above the progress bar where there is one."""
        self._terminal.say(sentence)

    def games(self, games: Iterable[FinishedGame]) -> None:
        """Write down finished games."""
        finished = list(games)
        for number, game in enumerate(finished, self._progress.games_finished + 1):
            self._csv["games.csv"].write(
                {"game": number, "iteration": self._progress.iteration, **game._asdict()}
            )
        self._progress.add_games(finished)

    def begin_training(self, agent_steps: int) -> None:
        """Let the clocks of speed begin here, behind the random play."""
        self._tick()
        self._row_began, self._row_began_agent_steps = time.monotonic(), agent_steps
        self._row_began_spent = dict(self._spent.seconds)
        self._terminal.begin_training(self._progress.iteration)

    def iterations(
        self,
        count: int,
        losses: Mapping[str, float],
        agent_steps: int,
        epsilon: float | None = None,
    ) -> None:
        """Add `count` iterations, over which `losses` are means, to the row that is due next."""
        self._progress.add_losses(count, losses)
        self._iterations_of_session += count
        self._tick()
        self._terminal.advance(
            count, lambda: self._shown(self._frames_per_sec(agent_steps), epsilon)
        )

    def row(self, agent_steps: int, state: Mapping[str, float]) -> None:
        """Write a row of metrics about the iterations since the last.

        Args:
          agent_steps: in training so far.
          state: what else is known of the moment, by the names of the table: `epsilon`,
            `learning_rate`, `replay_transitions`.
        """
        self._tick()
        now, progress = time.monotonic(), self._progress
        seconds = now - self._row_began
        row: dict[str, Any] = {
            "iteration": progress.iteration,
            "minutes": progress.seconds / 60,
            "agent_steps": agent_steps,
            "frames": agent_steps * self._frames_per_agent_step,
            "games_finished": progress.games_finished,
            **progress.recent(),
            **state,
            **progress.losses,
            "resident_gb": psutil.Process().memory_info().rss / 1e9,
            "iterations_per_sec": self._iterations_of_session / seconds,
            "frames_per_sec": self._frames_per_sec(agent_steps),
            **self._spent_percent(seconds),
        }
        self._terminal.row(
            progress.iteration,
            lambda: self._shown(row["frames_per_sec"], row.get("epsilon")),
            row["iterations_per_sec"],
        )
        self._row_began, self._row_began_agent_steps = now, agent_steps
        self._row_began_spent = dict(self._spent.seconds)
        self._iterations_of_session = 0
        progress.begin_row()
        self._csv["metrics.csv"].write(_rounded(row))
        self._tensorboard.scalars(self._tables.progress, row, progress.iteration)
        if self._health:
            self._warn(self._health.row(row))

    def evaluation(self, results: Mapping[str, float], games: Sequence[PlayedGame] = ()) -> None:
        """Write down an evaluation, before it changes the best score.

        Args:
          results: by the names of the table.
          games: that it consists of.
        """
        iteration, best = self._progress.iteration, self._progress.best_score
        row = {"iteration": iteration, **results}
        self._csv["evaluations.csv"].write(_rounded(row))
        is_best = best is None or row["score_mean"] > best
        row["score_mean_best"] = max(row["score_mean"], -math.inf if best is None else best)
        metrics = (*self._tables.evaluation, *CHARTED_METRICS)
        self._tensorboard.scalars(metrics, row, iteration)
        if self._health:
            self._health.evaluation(row)
        if self._looks:
            with self._spent.on("writing"):
                board = self._tensorboard
                self._warn(self._looks.evaluated(board, iteration, games, is_best=is_best))
        self._tick()  # no row may follow

    def close(self) -> None:
        """Close all files."""
        self._terminal.close()
        self._tensorboard.close()
        for log in self._csv.values():
            log.close()

    def _warn(self, warnings: Iterable[str]) -> None:
        for warning in warnings:
            row = {"iteration": self._progress.iteration, "warning": warning}
            self._csv["warnings.csv"].write(row)
            self.say(f"warning: {warning}")

    def _tick(self) -> None:
        now = time.monotonic()
        self._progress.seconds += now - self._clock
        self._clock = now

    def _frames_per_sec(self, agent_steps: int) -> float:
        agent_steps -= self._row_began_agent_steps
        frames = agent_steps * self._frames_per_agent_step
        return frames / max(time.monotonic() - self._row_began, 1e-9)

    def _spent_percent(self, seconds: float) -> dict[str, float]:
        """Return the shares of those activities that the table has: not all runs have a replay."""
        names = {metric.name for metric in self._tables.progress}
        percents = self._spent.percent_since(self._row_began_spent, seconds)
        return {name: percent for name, percent in percents.items() if name in names}

    def _shown(self, frames_per_sec: float, epsilon: float | None) -> dict[str, str]:
        """Return what a user sees of the row in the making."""
        recent = self._progress.recent()
        return {
            "fps": f"{frames_per_sec:,.0f}",
            "score": f"{recent['score_mean_30_games']:.1f}" if recent else "-",
            **({} if epsilon is None else {"epsilon": f"{epsilon:.3f}"}),
            "loss": f"{self._progress.losses.get('loss', float('nan')):.4f}",
        }


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: float(f"{value:.6g}") if isinstance(value, float) else value
        for name, value in row.items()
    }
