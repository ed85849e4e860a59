"""What is said of a number that became infinite or NaN, and what to do about it."""

from __future__ import annotations

from configs.policy_gradient import TrainedConfig
from console.errors import UserError


def diverged(what: str, when: str, config: TrainedConfig, checkpoint: int | None) -> UserError:
    """Return the error that ends the run.

    Args:
      what: became infinite or NaN.
      when: it was noticed, `after iteration 9`.
      config: of the run.
      checkpoint: iteration of the newest; None: there is none yet.
    """
    slower = f"--learning_rate={config.learning_rate / 2:g}"  # may change at a resume
    clipped = "" if config.reward_clip else ", or start again with --reward_clip=1"
    then = (
        f"there is no checkpoint yet; start again with {slower}"
        if checkpoint is None
        else f"checkpoint {checkpoint} is kept; go on with --resume {slower}"
    )
    return UserError(f"{what} became infinite or NaN {when}; {then}{clipped}")
