"""The optimizers that a config can name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from configs import Config

LOSS_SCALE = 1_024.0
"""float16 gradients below 6e-8 would be 0. Micikevicius et al. 2018, section 3.2: a constant factor
will do where the range of the gradients is known, and those of a Huber loss are at most 1."""

MOST_SKIPPED = 100
"""Updates in a row; then the run ends, where it would go on and learn nothing."""


@tf.custom_gradient
def scale_gradient(values: tf.Tensor) -> Any:
    """Return `values`, whose gradient is LOSS_SCALE times as great for all that is behind them."""
    return tf.identity(values), lambda upstream: upstream * LOSS_SCALE


class FallingRate(tf.keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls exponentially, and stays where it is after `decay_steps` updates.

    A high rate learns soon and trembles, a low one is calm and late; in between each rate gets its
    time, an equal share of it on a logarithmic scale. A rate that does not fall is one, too: what
    it is follows from the settings and the number of updates, and no checkpoint holds it.

    Args:
      initial: rate of the first update.
      final_share: share of it that is left in the end, above 0 to 1.
      decay_steps: updates until then.
    """

    def __init__(self, initial: float, final_share: float, decay_steps: int) -> None:
        self._initial, self._final_share, self._decay_steps = initial, final_share, decay_steps

    def __call__(self, step: Any) -> tf.Tensor:
        """Return the rate, float32 [], after `step` updates, a number []."""
        done = tf.minimum(tf.cast(step, tf.float32) / float(self._decay_steps), 1.0)
        return self._initial * tf.pow(self._final_share, done)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, as Keras wants it."""
        return {
            "initial": self._initial,
            "final_share": self._final_share,
            "decay_steps": self._decay_steps,
        }


def build_learning_rate(config: Config) -> FallingRate:
    """Return the learning rate of `config`."""
    return FallingRate(
        config.learning_rate,
        config.learning_rate_final_share,
        config.learning_rate_decay_iterations,
    )


def build_optimizer(config: Config) -> tf.keras.optimizers.Optimizer:
    """Return the optimizer of `config`.

    Keras' `legacy` Adam updates a weight with one fused kernel, the new one with many small
    operations: about 1 ms against 4 for the 1.7 million weights of Nature DQN.
    """
    learning_rate = build_learning_rate(config)
    if config.optimizer == "adam":
        # Kingma and Ba, "Adam", 2015, with the "epsilon hat" of its section 2.
        return tf.keras.optimizers.legacy.Adam(learning_rate, epsilon=config.optimizer_epsilon)
    if config.optimizer == "rmsprop":
        # root of (mean square - squared mean), plus epsilon: the reference recipe's Keras.
        return tf.keras.optimizers.legacy.RMSprop(
            learning_rate, rho=0.95, epsilon=config.optimizer_epsilon, centered=True
        )
    # root of (mean square - squared mean + epsilon): Mnih et al. 2015, extended data table 1.
    return tf.keras.optimizers.RMSprop(
        learning_rate,
        rho=0.95,
        epsilon=config.optimizer_epsilon,
        centered=True,
        jit_compile=False,
    )


class WeightUpdate(tf.Module):
    """An optimizer of weights that may be of 16 bits; its interface is that of a Keras optimizer.

    Weights in bfloat16 would swallow small updates: the optimizer works on float32 masters of them,
    and each weight is its master, rounded (Micikevicius et al., "Mixed Precision Training", 2018,
    section 3.1). So each weight is rounded once a training step, and not at each use. Weights in
    float32 are their own masters.

    Where a weight is float16, all gradients come LOSS_SCALE times as great; an update in which one
    of them is infinite or NaN is left out. After MOST_SKIPPED in a row they are let through: the
    weights are NaN then, which ends a run.

    Args:
      optimizer: a Keras optimizer.
      weights: all that it will update, in the order in which the gradients come.
    """

    def __init__(
        self, optimizer: tf.keras.optimizers.Optimizer, weights: Sequence[tf.Variable]
    ) -> None:
        super().__init__(name="WeightUpdate")
        self._optimizer = optimizer
        self._weights = list(weights)
        self._masters = [
            weight if weight.dtype == tf.float32 else tf.Variable(tf.cast(weight, tf.float32))
            for weight in weights
        ]
        # Its variables must be there before a checkpoint is read.
        if isinstance(optimizer, tf.keras.optimizers.legacy.Optimizer):
            optimizer._create_all_weights(self._masters)
        else:
            optimizer.build(self._masters)
        is_scaled = any(weight.dtype == tf.float16 for weight in weights)
        self._skipped = tf.Variable(0, dtype=tf.int64, trainable=False) if is_scaled else None

    @property
    def masters(self) -> list[tf.Variable]:
        """The weights in float32, in their order."""
        return list(self._masters)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[tf.Tensor, tf.Variable]]) -> None:
        """Update the weights.

        Raises:
          ValueError: if the weights are not those that the update was built for, in their order.
        """
        gradients, weights = zip(*grads_and_vars, strict=True)
        if [weight.ref() for weight in weights] != [weight.ref() for weight in self._weights]:
            raise ValueError("the gradients are not those of the weights of this update")
        exact = [tf.cast(gradient, tf.float32) for gradient in gradients]
        if self._skipped is None:
            self._update(exact)
        else:
            self._update_if_finite(self._skipped, [gradient / LOSS_SCALE for gradient in exact])

    def _update_if_finite(self, skipped: tf.Variable, exact: list[tf.Tensor]) -> None:
        def update() -> tf.Tensor:
            self._update(exact)
            return skipped.assign(0).read_value()

        is_finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(each)) for each in exact])
        tf.cond(
            is_finite | (skipped >= MOST_SKIPPED),
            update,
            lambda: skipped.assign_add(1).read_value(),
        )

    def _update(self, exact: list[tf.Tensor]) -> None:
        self._optimizer.apply_gradients(zip(exact, self._masters, strict=True))
        for weight, master in zip(self._weights, self._masters, strict=True):
            if weight is not master:
                weight.assign(tf.cast(master, weight.dtype))


class RunningAverage(tf.Module):
    """Keeps weights as a running average of others, in float32 whatever their own precision.

    A small share of a bfloat16 weight would be rounded off: see WeightUpdate.

    Args:
      sources: float32, whose average is kept.
      targets: the averages, rounded to their precision; equal to `sources` at first.
      tau: share of the sources in each update, above 0 to 1.
    """

    def __init__(
        self, sources: Sequence[tf.Variable], targets: Sequence[tf.Variable], tau: float
    ) -> None:
        super().__init__(name="RunningAverage")
        self._sources = list(sources)
        self._targets = list(targets)
        self._tau = tau
        self._averages = [
            target if target.dtype == tf.float32 else tf.Variable(tf.cast(target, tf.float32))
            for target in targets
        ]

    def begin(self) -> None:
        """Let the averages begin at the sources."""
        for source, average in zip(self._sources, self._averages, strict=True):
            average.assign(source)
        self._round()

    def update(self) -> Any:
        """Move each average by tau towards its source; return the operation, in a graph."""
        for source, average in zip(self._sources, self._averages, strict=True):
            average.assign_add(self._tau * (source - average))
        self._round()
        return tf.no_op()  # all else runs before it, by automatic control dependencies

    def _round(self) -> None:
        for target, average in zip(self._targets, self._averages, strict=True):
            if target is not average:
                target.assign(tf.cast(average, target.dtype))
