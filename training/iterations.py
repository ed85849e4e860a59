"""Iterations, many in one graph: play, draw a batch, learn."""

from __future__ import annotations

import time
from typing import Any

import tensorflow as tf
from tf_agents.drivers import dynamic_step_driver
from tf_agents.environments import tf_py_environment
from tf_agents.metrics import tf_metrics

from agents.n_step import n_step_transition
from configs import Config
from replay.arrays import WeightedWindow, Window
from replay.prioritized import PrioritizedReplay
from replay.uniform import UniformReplay
from training.time_spent import TimeSpent

BOOKKEEPING = "/CPU:0"
"""Where everything is but learning and the networks.

A GPU works off one queue: a number that is copied back from it waits for all that was queued
before, the training step among it. TensorFlow would put the int64 counters there, and with them the
loop around the games, so that playing would wait at every step for learning to end.
"""

LOSS_FIELDS = ("loss", "td_error_abs", "q_value")


class Iterations(tf.Module):
    """Plays, draws and learns; with `config.overlap`, at the same time.

        overlap    time ->
        no         play 1, draw 1, learn 1 | play 2, draw 2, learn 2 | ...
        yes        draw 1 | learn 1        | learn 2        | ...
                          | play 1, draw 2 | play 2, draw 3 | ...

    Either way the policy that plays has learned from all iterations before; with overlap and
    `config.policy_lag_iterations` above 1, from those up to the last multiple of that. With overlap
    the batch of an iteration misses the agent steps of that iteration. The order of all draws and
    steps is fixed: the same seed gives the same run. With prioritized replay the priorities of a
    batch are changed when it has been learned from and, with overlap, the next one has been drawn.

    On a GPU learning and the networks are there, all else is on the processor; see BOOKKEEPING.

    Attributes:
      batch_ahead: the batch that the next training step will learn from, None if not drawn yet.

    Args:
      config: the numbers.
      env: the games.
      agent: learns from transitions; see `agents.AGENTS`.
      replay: observes the games.
      spent: is told where the time goes.
    """

    def __init__(
        self,
        config: Config,
        env: tf_py_environment.TFPyEnvironment,
        agent: Any,
        replay: UniformReplay,
        spent: TimeSpent,
    ) -> None:
        super().__init__(name="Iterations")
        self._config = config
        self._env = env
        self._agent = agent
        self._replay = replay
        self._spent = spent
        with tf.device(BOOKKEEPING):
            self._agent_steps = tf_metrics.EnvironmentSteps()
            # How many there should be by now. Games side by side overshoot: what one iteration
            # collects too much, a later one leaves out, so that `update_period` is kept to in the
            # long run.
            self._agent_steps_due = tf.Variable(0, dtype=tf.int64, name="agent_steps_due")
            self._missing = tf.Variable(0, dtype=tf.int32, name="agent_steps_missing")
        step = self._train_step
        self._train = tf.function(step, jit_compile=True) if config.xla else step
        self._random_driver = self._driver(agent.random_policy)
        self._collect_driver = self._driver(agent.collect_policy)
        self.batch_ahead: Window | WeightedWindow | None = None

    @property
    def variables_to_keep(self) -> dict[str, tf.Variable]:
        """What a checkpoint must hold, by name."""
        return {
            "agent_steps": self._agent_steps.environment_steps,
            "agent_steps_due": self._agent_steps_due,
        }

    def agent_steps(self) -> int:
        """Return the number of actions chosen so far, at random or not."""
        return int(self._agent_steps.result())

    def collect_at_random(self, until: int) -> None:
        """Act at random until so many actions have been chosen in all."""
        began, emulating_sec = time.perf_counter(), self._spent.seconds["emulating"]
        self._collect_at_random(tf.constant(until, tf.int64))
        emulating_sec = self._spent.seconds["emulating"] - emulating_sec
        self._spent.add("acting", time.perf_counter() - began - emulating_sec)

    def run(self, count: int) -> dict[str, float]:
        """Run `count` iterations; return means over them, by LOSS_FIELDS."""
        began, before = time.perf_counter(), dict(self._spent.seconds)
        if self._config.overlap:
            batch = self.batch_ahead or self._draw()
            means, playing_sec, self.batch_ahead = self._run_overlapped(tf.constant(count), batch)
        else:
            means, playing_sec = self._run(tf.constant(count))
        losses = dict(zip(LOSS_FIELDS, map(float, means.numpy()), strict=True))
        self._count_time(time.perf_counter() - began, float(playing_sec), before)
        return losses

    def _count_time(self, sec: float, playing_sec: float, before: dict[str, float]) -> None:
        spent = self._spent
        playing_sec = min(max(playing_sec, 0.0), sec)  # its clock may be set while it runs
        emulating_sec = spent.seconds["emulating"] - before["emulating"]
        sampling_sec = spent.seconds["sampling"] - before["sampling"]
        spent.add("acting", max(0.0, playing_sec - emulating_sec))
        beside_sec = playing_sec + sampling_sec
        spent.add("training", sec if self._config.overlap else sec - beside_sec)

    def _driver(self, policy: Any) -> dynamic_step_driver.DynamicStepDriver:
        return dynamic_step_driver.DynamicStepDriver(
            self._env,
            policy,
            observers=[self._replay.add_batch, self._agent_steps],
            num_steps=self._missing,
        )

    @tf.function
    def _collect_at_random(self, until: tf.Tensor) -> None:
        with tf.device(BOOKKEEPING):
            self._agent_steps_due.assign(until)
            self._missing.assign(tf.cast(until - self._agent_steps.result(), tf.int32))
            self._random_driver.run(self._env.current_time_step())

    @tf.function
    def _run(self, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        sums, playing_sec = _zeros()
        for _ in tf.range(count):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            sec = self._play(after=sums)
            with tf.control_dependencies([sec]):
                batch = self._sample()
            sums += self._learn(batch, drawn_before=batch)
            playing_sec += sec
        return sums / tf.cast(count, tf.float64), playing_sec

    @tf.function
    def _run_overlapped(
        self, count: tf.Tensor, batch: Window | WeightedWindow
    ) -> tuple[tf.Tensor, tf.Tensor, Window | WeightedWindow]:
        sums, playing_sec = _zeros()
        for _ in tf.range(count):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            sec = self._play(after=sums)
            with tf.control_dependencies([sec]):
                next_batch = self._sample()
            sums += self._learn(batch, drawn_before=next_batch)
            batch = next_batch
            playing_sec += sec
            with tf.control_dependencies([sec, sums]):
                self._refresh_collect_policy()
        return sums / tf.cast(count, tf.float64), playing_sec, batch

    @tf.function
    def _draw(self) -> Window | WeightedWindow:
        return self._sample()

    def _play(self, after: tf.Tensor) -> tf.Tensor:
        """Play the agent steps that are due; return the seconds it took, float64 []."""
        with tf.device(BOOKKEEPING):
            with tf.control_dependencies([after]):
                began = self._now()
            with tf.control_dependencies([began]):
                self._agent_steps_due.assign_add(self._config.update_period)
                missing = self._agent_steps_due - self._agent_steps.result()
                self._missing.assign(tf.cast(missing, tf.int32))
                # Asked for, though the step before returned it: as a variable of the loop around
                # all iterations it would be on the GPU.
                time_step, _ = self._collect_driver.run(self._env.current_time_step())
            with tf.control_dependencies(tf.nest.flatten(time_step)):
                return self._now() - began

    def _refresh_collect_policy(self) -> None:
        """Let the policy that plays have what was learned, where that is due.

        What counts is the number of training steps, and a checkpoint holds the policy as it is: a
        resumed run refreshes it when the uninterrupted one does.
        """
        lag = self._config.policy_lag_iterations
        if lag == 1 or self._agent.train_step_counter % lag == 0:
            self._agent.refresh_collect_policy()

    def _now(self) -> tf.Tensor:
        """Return a time in seconds, float64 []."""
        if self._config.deterministic:  # which forbids TensorFlow's own, but not Python's
            return tf.ensure_shape(tf.numpy_function(time.perf_counter, [], tf.float64), [])
        return tf.timestamp()

    def _sample(self) -> Window | WeightedWindow:
        config, replay = self._config, self._replay
        if isinstance(replay, PrioritizedReplay):
            return replay.sample_by_priority(config.batch_size, ahead=config.overlap)
        return replay.sample(config.batch_size, config.n_step, ahead=config.overlap)

    def _learn(
        self, batch: Window | WeightedWindow, drawn_before: Window | WeightedWindow
    ) -> tf.Tensor:
        """Take one training step; return LOSS_FIELDS, float64.

        Args:
          batch: what is learned.
          drawn_before: is drawn by the priorities as they were before this step changes them.
        """
        replay = self._replay
        if not isinstance(batch, WeightedWindow) or not isinstance(replay, PrioritizedReplay):
            means, _ = self._train(batch, None)
            return means
        means, priority = self._train(batch.window, batch.weights)
        with tf.control_dependencies(tf.nest.flatten(drawn_before)):
            changed = replay.update_priorities(batch.ids, priority)
        with tf.control_dependencies([changed]):
            return tf.identity(means)

    def _train_step(self, window: Window, weights: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        """Take one training step; return LOSS_FIELDS, float64, and the priorities, float32 [B].

        Compiled by XLA, TensorFlow's checks are not in it: the caller must look at the loss.
        """
        config = self._config
        info = self._agent.train(
            n_step_transition(*window, discount=config.discount, reward_clip=config.reward_clip),
            weights=weights,
        )
        error = tf.reduce_mean(tf.abs(info.extra.td_error))
        means = tf.stack([info.loss, error, tf.reduce_mean(info.extra.q_value)])
        return tf.cast(means, tf.float64), info.extra.priority


def _zeros() -> tuple[tf.Tensor, tf.Tensor]:
    return tf.zeros([len(LOSS_FIELDS)], tf.float64), tf.zeros([], tf.float64)
