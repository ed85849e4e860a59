"""The whole story of a run of policy gradients, on one page."""

from __future__ import annotations

import tensorflow as tf

from configs.policy_gradient import PolicyGradientConfig
from console.errors import UserError
from policy_gradient.learner import Learner
from training.checkpoint_folder import CheckpointFolder
from training.divergence import are_finite
from training.export import Exporter
from training.log import RunLog
from training.milestones import Milestones
from training.progress import Progress
from training.stop import StopSignal


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
        self._stop = stop
        self._milestones = Milestones(
            config.playing(), progress, log, checkpoints, exporter, stop, learner.time_spent
        )

    def run(self) -> None:
        """Play and learn, evaluate, write; the last word is a checkpoint."""
        config, progress = self._config, self._progress
        self._learner.begin()
        self._log.begin_training(self._learner.agent_steps())
        if progress.is_due(progress.evaluated_iteration, config.eval_period):
            self._milestones.evaluate(self._learner.choose)  # a stop had cut it short
        while progress.iteration < config.iterations and not self._stop.requested:
            self._iterate()
            is_last = progress.iteration >= config.iterations
            if is_last or progress.is_due(progress.logged_iteration, config.log_period):
                self._log.row(self._learner.agent_steps(), {"learning_rate": config.learning_rate})
            if progress.is_due(progress.evaluated_iteration, config.eval_period):
                self._milestones.evaluate(self._learner.choose)
            if not is_last and progress.is_due(
                progress.checkpoint_iteration, config.checkpoint_period
            ):
                self._milestones.save()
        is_done = progress.iteration >= config.iterations
        if is_done and config.eval_period and progress.evaluated_iteration < progress.iteration:
            self._milestones.evaluate(self._learner.choose)  # a stop may have cut it short
        self._milestones.save()

    def _iterate(self) -> None:
        try:
            losses = self._learner.iterate()
        except tf.errors.InvalidArgumentError as error:
            if "Loss is inf or nan" in str(error):
                raise self._diverged("the loss") from error
            raise
        self._progress.iteration += 1
        if not are_finite(self._learner.weights()):  # an overflow may have come behind the loss
            raise self._diverged("a weight")
        self._log.games(self._learner.env.pop_finished_games())
        self._log.iterations(1, losses, self._learner.agent_steps())

    def _diverged(self, what: str) -> UserError:
        return self._checkpoints.diverged(what, f"after iteration {self._progress.iteration}")
