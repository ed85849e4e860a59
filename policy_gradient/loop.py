"""The whole story of a run of policy gradients, on one page."""

from __future__ import annotations

import tensorflow as tf

from configs.policy_gradient import PolicyGradientConfig
from evaluation.score_report import Report
from evaluation.watch import play_games
from policy_gradient.learner import Learner
from training.checkpoint_folder import CheckpointFolder
from training.divergence import diverged
from training.export import Exporter
from training.faults import games_from_python
from training.log import RunLog
from training.loop import evaluation_results, evaluation_seed
from training.progress import Progress
from training.stop import StopRequestedError, StopSignal


class Training:
    """Trains until all iterations are done, or a stop is asked for.

    Args:
      config: of the run.
      learner: plays and learns.
      progress: where the run stands; changed as it goes on.
      log: is told everything.
      checkpoints: written every so often, and at the end.
      exporter: exports the last policy, and the best by evaluation score.
      stop: is asked after each iteration.
    """

    def __init__(
        self,
        config: PolicyGradientConfig,
        learner: Learner,
        progress: Progress,
        log: RunLog,
        checkpoints: CheckpointFolder,
        exporter: Exporter,
        stop: StopSignal,
    ) -> None:
        self._config = config
        self._learner = learner
        self._progress = progress
        self._log = log
        self._checkpoints = checkpoints
        self._exporter = exporter
        self._stop = stop

    def run(self) -> None:
        """Play and learn, evaluate, write; the last word is a checkpoint."""
        config, progress = self._config, self._progress
        self._learner.begin()
        self._log.begin_training(self._learner.agent_steps())
        if self._is_due(progress.evaluated_iteration, config.eval_period):
            self._evaluate()  # a stop had cut it short
        while progress.iteration < config.iterations and not self._stop.requested:
            self._iterate()
            is_last = progress.iteration >= config.iterations
            if is_last or self._is_due(progress.logged_iteration, config.log_period):
                self._log.row(self._learner.agent_steps(), {"learning_rate": config.learning_rate})
            is_due = self._is_due(progress.evaluated_iteration, config.eval_period)
            if is_due or (is_last and config.eval_period):
                self._evaluate()
            if not is_last and self._is_due(
                progress.checkpoint_iteration, config.checkpoint_period
            ):
                self._save()
        self._save()

    def _iterate(self) -> None:
        try:
            losses = self._learner.iterate()
        except tf.errors.InvalidArgumentError as error:
            if "Loss is inf or nan" in str(error):
                after = f"after iteration {self._progress.iteration}"
                newest = self._progress.checkpoint_iteration or None
                raise diverged("the loss", after, self._config, newest) from error
            raise
        self._progress.iteration += 1
        self._log.games(self._learner.env.pop_finished_games())
        self._log.iterations(1, losses, self._learner.agent_steps())

    def _evaluate(self) -> None:
        """Play evaluation games; export the policy if it is the best so far."""
        config, progress = self._config, self._progress
        playing, seed = config.playing(), evaluation_seed(config.seed)
        try:
            with self._learner.time_spent.on("evaluating"), games_from_python():
                games = play_games(
                    playing,
                    self._learner.choose,
                    games=config.eval_games,
                    epsilon=config.eval_epsilon,
                    seed=seed,
                    observers=[lambda _: self._stop.raise_if_requested()],
                )
        except StopRequestedError:
            return  # it is due again after a resume
        report = Report.of_games(playing, games, epsilon=config.eval_epsilon, seed=seed)
        progress.evaluated_iteration = progress.iteration
        self._log.evaluation(evaluation_results(report))
        self._log.say(
            f"evaluation at iteration {progress.iteration:,}: mean score {report.mean:.1f} of "
            f"{config.eval_games} games, from {min(report.scores):g} to {max(report.scores):g}"
        )
        if progress.best_score is None or report.mean > progress.best_score:
            progress.best_score = report.mean
            with self._learner.time_spent.on("writing"):
                self._exporter.export("best", progress.iteration, report.mean)

    def _save(self) -> None:
        """Write a checkpoint and export the last policy."""
        progress = self._progress
        progress.checkpoint_iteration = progress.iteration
        with self._learner.time_spent.on("writing"):
            state = {"progress": progress.to_dict(), "csv_bytes": self._log.sync()}
            self._checkpoints.save(progress.iteration, state)
            self._exporter.export("last", progress.iteration, None)

    def _is_due(self, last: int, period: int) -> bool:
        """Whether a multiple of `period` was reached since `last`, which need not be one."""
        return period > 0 and self._progress.iteration // period > last // period
