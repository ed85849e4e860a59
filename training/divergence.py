"""Numbers that became infinite or NaN: whether there are any, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterable

import tensorflow as tf

from configs.policy_gradient import TrainedConfig
from console.errors import UserError
from training.run_folder import RunFolder


def are_finite(weights: Iterable[tf.Variable]) -> bool:
    """Whether all numbers of all weights are finite."""
    return all(bool(tf.reduce_all(tf.math.is_finite(weight))) for weight in weights)


def diverged(what: str, when: str, config: TrainedConfig, run: RunFolder) -> UserError:
    """Return the error that ends the run.

    Args:
      what: became infinite or NaN.
      when: it was noticed, `after iteration 9`.
      config: of the run.
      run: its folder.
    """
    slower = f"--learning_rate={config.learning_rate / 2:g}"  # may change at a resume
    clipped = "" if config.reward_clip else ", or start again with --reward_clip=1"
    then = f"there is no checkpoint yet; start again with {slower}"
    if kept := run.checkpoint_paths():
        newest = run.iteration_of(kept[-1])
        then = f"checkpoint {newest} is kept; go on with: {run.resume_command} {slower}"
    return UserError(f"{what} became infinite or NaN {when}; {then}{clipped}")
