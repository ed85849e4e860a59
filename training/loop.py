"""The whole story of a training run, on one page."""

from __future__ import annotations

import contextlib
import math
import time

import tensorflow as tf

from console.errors import UserError
from evaluation.values import ValuedPlay
from training.checkpoint import Checkpoints
from training.divergence import are_finite
from training.export import Exporter
from training.log import RunLog
from training.milestones import Milestones
from training.parts import Parts, q_values_of
from training.profiler import Profiler
from training.progress import Progress
from training.stop import StopSignal

_STRETCH_SEC = 1.0  # of work between two looks at the clock, the signals and the log
_MOST_ITERATIONS_OF_A_STRETCH = 1_000
_DETERMINISTIC_STRETCH = (
    50  # iterations; what is logged between two stretches must not hang on a clock
)


class Training:
    """Trains until all iterations are done, or a stop is asked for.

    Args:
      parts: what is trained.
      progress: where the run stands; changed as it goes on.
      log: is told everything.
      checkpoints: written every so often, and at the end; what can be, ahead.
      exporter: exports the last policy, and the best by evaluation score.
      stop: is asked after each stretch of about a second.
      profiler: watches a stretch of its choice; None: nothing does.
    """

    def __init__(
        self,
        parts: Parts,
        progress: Progress,
        log: RunLog,
        checkpoints: Checkpoints,
        exporter: Exporter,
        stop: StopSignal,
        profiler: Profiler | None = None,
    ) -> None:
        self._parts = parts
        self._progress = progress
        self._log = log
        self._checkpoints = checkpoints
        self._stop = stop
        self._profiler = profiler
        self._milestones = Milestones(
            parts.config, progress, log, checkpoints, exporter, stop, parts.time_spent
        )
        self._q_values = tf.function(q_values_of(parts.agent.policy.wrapped_policy))
        self._sec_per_iteration = _STRETCH_SEC  # the first stretch is one iteration: it is slow

    def run(self) -> None:
        """Collect at random, train, evaluate, write; the last word is a checkpoint."""
        config, progress = self._parts.config, self._progress
        self._collect_at_random()
        self._log.begin_training(self._parts.agent_steps())
        if progress.is_due(progress.evaluated_iteration, config.eval_period):
            self._evaluate()  # a stop had cut it short
        while progress.iteration < config.iterations and not self._stop.requested:
            self._train_a_stretch()
            self._checkpoints.write_ahead()
            if progress.is_due(progress.logged_iteration, config.log_period):
                self._log_row()
            if progress.is_due(progress.evaluated_iteration, config.eval_period):
                self._evaluate()
            if progress.is_due(progress.checkpoint_iteration, config.checkpoint_period):
                self._milestones.save()
        if progress.iteration >= config.iterations:  # a run that was stopped has its rows later
            if progress.logged_iteration < progress.iteration:
                self._log_row()
            if progress.evaluated_iteration < progress.iteration and config.eval_period:
                self._evaluate()
        self._milestones.save()

    def _collect_at_random(self) -> None:
        wanted = self._parts.config.initial_collect_steps
        while self._parts.agent_steps() < wanted and not self._stop.requested:
            self._parts.collect_at_random(min(wanted, self._parts.agent_steps() + 2_000))
            self._checkpoints.write_ahead()
            self._log.games(self._parts.env.pop_finished_games())

    def _train_a_stretch(self) -> None:
        progress = self._progress
        count = self._length_of_stretch()
        watching = (
            self._profiler.watching(progress.iteration)
            if self._profiler
            else contextlib.nullcontext()
        )
        began = time.monotonic()
        try:
            with watching:
                losses = self._parts.iterate(count)
                self._sec_per_iteration = (time.monotonic() - began) / count
        except tf.errors.InvalidArgumentError as error:
            if "Loss is inf or nan" in str(error):
                raise self._diverged("the loss") from error
            raise
        if not math.isfinite(losses["loss"]):  # XLA leaves TensorFlow's own check out
            raise self._diverged("the loss")
        progress.iteration += count
        if not are_finite(self._parts.agent.policy.variables()):
            raise self._diverged("a weight")
        self._log.games(self._parts.env.pop_finished_games())
        self._log.iterations(count, losses, self._parts.agent_steps(), self._epsilon())

    def _length_of_stretch(self) -> int:
        """Return for how many iterations nothing else is due, about a second of them at most."""
        config, progress = self._parts.config, self._progress
        sized_by_clock = int(_STRETCH_SEC / self._sec_per_iteration)
        count = min(
            _MOST_ITERATIONS_OF_A_STRETCH,
            self._until_due(_DETERMINISTIC_STRETCH) if config.deterministic else sized_by_clock,
            config.iterations - progress.iteration,
            self._until_due(config.log_period),
            self._until_due(config.eval_period),
            self._until_due(config.checkpoint_period),
        )
        if self._profiler:
            count = self._profiler.stretch(progress.iteration, count)
        return max(1, count)  # an iteration may take longer than a stretch

    def _evaluate(self) -> None:
        valued = ValuedPlay(self._q_values)
        self._milestones.evaluate(
            valued.choose,
            [valued.observe],
            lambda games: valued.compare(self._parts.config, games),
        )

    def _log_row(self) -> None:
        with self._parts.time_spent.on("writing"):
            state = {
                "epsilon": self._epsilon(),
                "learning_rate": float(self._parts.agent.learning_rate),
                "replay_transitions": self._parts.replay.ring.num_kept,
            }
            self._log.row(self._parts.agent_steps(), state)

    def _epsilon(self) -> float:
        return float(self._parts.agent.epsilon)

    def _until_due(self, period: int) -> int:
        return period - self._progress.iteration % period if period else 10**9

    def _diverged(self, what: str) -> UserError:
        return self._checkpoints.diverged(what, f"after iteration {self._progress.iteration}")
