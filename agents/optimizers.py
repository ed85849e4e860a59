"""The optimizers that a config can name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from configs import Config


def build_optimizer(config: Config) -> tf.keras.optimizers.Optimizer:
    """Return the optimizer of `config`.

    Keras' `legacy` Adam updates a weight with one fused kernel, the new one with many small
    operations: about 1 ms against 4 for the 1.7 million weights of Nature DQN.
    """
    if config.optimizer == "adam":
        # Kingma and Ba, "Adam", 2015, with the "epsilon hat" of its section 2.
        return tf.keras.optimizers.legacy.Adam(
            config.learning_rate, epsilon=config.optimizer_epsilon
        )
    if config.optimizer == "rmsprop":
        # root of (mean square - squared mean), plus epsilon: the reference recipe's Keras.
        return tf.keras.optimizers.legacy.RMSprop(
            config.learning_rate, rho=0.95, epsilon=config.optimizer_epsilon, centered=True
        )
    # root of (mean square - squared mean + epsilon): Mnih et al. 2015, extended data table 1.
    return tf.keras.optimizers.RMSprop(
        config.learning_rate,
        rho=0.95,
        epsilon=config.optimizer_epsilon,
        centered=True,
        jit_compile=False,
    )


class WeightUpdate(tf.Module):
    """An optimizer of weights that may be bfloat16; its interface is that of a Keras optimizer.

    Weights in bfloat16 would swallow small updates: the optimizer works on float32 masters of them,
    and each weight is its master, rounded (Micikevicius et al., "Mixed Precision Training", 2018,
    section 3.1). So each weight is rounded once a training step, and not at each use. Weights in
    float32 are their own masters.

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
