"""What a run does every so often, whatever learns in it: evaluations, exports, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from tf_agents.trajectories import trajectory

from configs import Config
from evaluation.score_report import Report
from evaluation.watch import ChooseActions, PlayedGame, play_games
from training.checkpoint_folder import CheckpointFolder
from training.export import Exporter
from training.faults import games_from_python
from training.log import RunLog
from training.progress import Progress
from training.stop import StopRequestedError, StopSignal
from training.time_spent import TimeSpent

_EVALUATION = 0x6576616C  # tells these seeds from others that come from the same number


class Milestones:
    """Evaluates a run, exports its best and its last policy, and writes its checkpoints.

    Args:
      config: says what is played, and how.
      progress: where the run stands; changed by each of these.
      log: is told of evaluations.
      checkpoints: of the run.
      exporter: exports the last policy, and the best by evaluation score.
      stop: cuts an evaluation short, which is then due again.
      spent: is told what they take.
    """

    def __init__(
        self,
        config: Config,
        progress: Progress,
        log: RunLog,
        checkpoints: CheckpointFolder,
        exporter: Exporter,
        stop: StopSignal,
        spent: TimeSpent,
    ) -> None:
        self._config = config
        self._progress = progress
        self._log = log
        self._checkpoints = checkpoints
        self._exporter = exporter
        self._stop = stop
        self._spent = spent

    def evaluate(
        self,
        choose: ChooseActions,
        observers: Sequence[Callable[[trajectory.Trajectory], Any]] = (),
        more: Callable[[Sequence[PlayedGame]], Mapping[str, float]] = lambda _: {},
    ) -> None:
        """Play evaluation games; export the policy if it is the best so far.

        Args:
          choose: the policy's actions.
          observers: are called with each step of all slots.
          more: what else is logged of the games, by the names of EVALUATION_METRICS.
        """
        config, progress, seed = self._config, self._progress, evaluation_seed(self._config.seed)
        try:
            with self._spent.on("evaluating"), games_from_python():
                games = play_games(
                    config,
                    choose,
                    games=config.eval_games,
                    epsilon=config.eval_epsilon,
                    seed=seed,
                    observers=[lambda _: self._stop.raise_if_requested(), *observers],
                )
        except StopRequestedError:
            return  # it is due again after a resume
        report = Report.of_games(config, games, epsilon=config.eval_epsilon, seed=seed)
        progress.evaluated_iteration = progress.iteration
        self._log.evaluation({**_results(report), **more(games)}, games)
        self._log.say(
            f"evaluation at iteration {progress.iteration:,}: mean score {report.mean:.1f} of "
            f"{config.eval_games} games, from {min(report.scores):g} to {max(report.scores):g}"
        )
        if progress.best_score is None or report.mean > progress.best_score:
            progress.best_score = report.mean
            with self._spent.on("writing"):
                self._export_best(report.mean)

    def _export_best(self, score: float) -> None:
        """Export the policy, unless there is one of a higher score.

        There is none but after a kill: an evaluation behind the checkpoint from which the run has
        gone on is forgotten with its row, and what it exported is not to be lost for less.
        """
        exported = self._exporter.score_of("best")
        if exported is None or score > exported:
            self._exporter.export("best", self._progress.iteration, score)

    def save(self) -> None:
        """Write a checkpoint and export the last policy."""
        progress = self._progress
        progress.checkpoint_iteration = progress.iteration
        with self._spent.on("writing"):
            state = {"progress": progress.to_dict(), "csv_bytes": self._log.sync()}
            self._checkpoints.save(progress.iteration, state)
            self._exporter.export("last", progress.iteration, None)


def evaluation_seed(seed: int) -> int:
    """Return the seed of the games that choose the best policy.

    It is far from the seeds that people type: a report by `evaluate.py --seed 1` would otherwise be
    about the very games by which its policy was chosen.
    """
    return int(np.random.SeedSequence([seed, _EVALUATION]).generate_state(1)[0] >> 1)


def _results(report: Report) -> dict[str, float]:
    """Return what a report has of EVALUATION_METRICS, by their names."""
    return {
        "games": len(report.scores),
        "score_mean": report.mean,
        "score_median": report.median,
        "score_std": report.std,
        "score_least": min(report.scores),
        "score_greatest": max(report.scores),
        "length_mean_agent_steps": math.fsum(report.lengths) / len(report.lengths),
    }
