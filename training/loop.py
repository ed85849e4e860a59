"""The whole story of a training run, on one page."""

from __future__ import annotations

import contextlib
import math
import time

import numpy as np
import tensorflow as tf

from console.errors import UserError
from evaluation.score_report import Report
from evaluation.values import ValuedPlay
from evaluation.watch import play_games
from training.checkpoint import Checkpoints
from training.divergence import diverged
from training.export import Exporter
from training.faults import games_from_python
from training.log import RunLog
from training.parts import Parts, q_values_of
from training.profiler import Profiler
from training.progress import Progress
from training.stop import StopRequestedError, StopSignal

_EVALUATION = 0x6576616C  # tells these seeds from others that come from the same number
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
        self._exporter = exporter
        self._stop = stop
        self._profiler = profiler
        self._q_values = tf.function(q_values_of(parts.agent.policy.wrapped_policy))
        self._sec_per_iteration = _STRETCH_SEC  # the first stretch is one iteration: it is slow

    def run(self) -> None:
        """Collect at random, train, evaluate, write; the last word is a checkpoint."""
        config, progress = self._parts.config, self._progress
        self._collect_at_random()
        self._log.begin_training(self._parts.agent_steps())
        if self._is_due(progress.evaluated_iteration, config.eval_period):
            self._evaluate()  # a stop had cut it short
        while progress.iteration < config.iterations and not self._stop.requested:
            self._train_a_stretch()
            self._checkpoints.write_ahead()
            if self._is_due(progress.logged_iteration, config.log_period):
                self._log_row()
            if self._is_due(progress.evaluated_iteration, config.eval_period):
                self._evaluate()
            if self._is_due(progress.checkpoint_iteration, config.checkpoint_period):
                self._save()
        if progress.iteration >= config.iterations:  # a run that was stopped has its rows later
            if progress.logged_iteration < progress.iteration:
                self._log_row()
            if progress.evaluated_iteration < progress.iteration and config.eval_period:
                self._evaluate()
        self._save()

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
        weights = self._parts.agent.policy.variables()
        if not all(bool(tf.reduce_all(tf.math.is_finite(weight))) for weight in weights):
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
        """Play evaluation games; export the policy if it is the best so far."""
        config, progress = self._parts.config, self._progress
        valued = ValuedPlay(self._q_values)
        try:
            with self._parts.time_spent.on("evaluating"), games_from_python():
                games = play_games(
                    config,
                    valued.choose,
                    games=config.eval_games,
                    epsilon=config.eval_epsilon,
                    seed=evaluation_seed(config.seed),
                    observers=[lambda _: self._stop.raise_if_requested(), valued.observe],
                )
        except StopRequestedError:
            return  # it is due again after a resume
        report = Report.of_games(
            config, games, epsilon=config.eval_epsilon, seed=evaluation_seed(config.seed)
        )
        progress.evaluated_iteration = progress.iteration
        results = {**evaluation_results(report), **valued.compare(config, games)}
        self._log.evaluation(results, games)
        self._log.say(
            f"evaluation at iteration {progress.iteration:,}: mean score {report.mean:.1f} of "
            f"{config.eval_games} games, from {min(report.scores):g} to {max(report.scores):g}"
        )
        if progress.best_score is None or report.mean > progress.best_score:
            progress.best_score = report.mean
            with self._parts.time_spent.on("writing"):
                self._exporter.export("best", progress.iteration, report.mean)

    def _save(self) -> None:
        """Write a checkpoint and export the last policy."""
        progress = self._progress
        progress.checkpoint_iteration = progress.iteration
        with self._parts.time_spent.on("writing"):
            state = {"progress": progress.to_dict(), "csv_bytes": self._log.sync()}
            self._checkpoints.save(progress.iteration, state)
            self._exporter.export("last", progress.iteration, None)

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

    def _is_due(self, last: int, period: int) -> bool:
        """Whether a multiple of `period` was reached since `last`, which need not be one."""
        return period > 0 and self._progress.iteration // period > last // period

    def _until_due(self, period: int) -> int:
        return period - self._progress.iteration % period if period else 10**9

    def _diverged(self, what: str) -> UserError:
        progress = self._progress
        when, newest = f"after iteration {progress.iteration}", progress.checkpoint_iteration
        return diverged(what, when, self._parts.config, newest or None)


def evaluation_seed(seed: int) -> int:
    """Return the seed of the games that choose the best policy.

    It is far from the seeds that people type: a report by `evaluate.py --seed 1` would otherwise be
    about the very games by which its policy was chosen.
    """
    return int(np.random.SeedSequence([seed, _EVALUATION]).generate_state(1)[0] >> 1)


def evaluation_results(report: Report) -> dict[str, float]:
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
