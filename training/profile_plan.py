"""Which iterations of a run are profiled; decided before any work. No TensorFlow here."""

from __future__ import annotations

from typing import NamedTuple

from configs import Config
from console.errors import UserError

WARMUP_ITERATIONS = 20
"""Are left out: functions are traced and memory is taken for the first time."""


class ProfilePlan(NamedTuple):
    """So many iterations behind the iteration `begin`, in one stretch of the loop."""

    begin: int
    iterations: int


def plan_profile(config: Config, iterations_done: int, iterations: int) -> ProfilePlan:
    """Return where `iterations` can be profiled with nothing else between them.

    That is behind the warm-up of this session, where no row, evaluation or checkpoint is due.

    Args:
      config: of the run.
      iterations_done: before this session.
      iterations: to be profiled.

    Raises:
      UserError: if there is no such place.
    """
    periods = {
        name: getattr(config, name)
        for name in ("log_period", "eval_period", "checkpoint_period")
        if getattr(config, name)
    }
    shortest = min(periods, key=lambda name: periods[name])
    if iterations > periods[shortest]:
        raise UserError(
            f"--profile_iterations is {iterations:,}, but --{shortest} {periods[shortest]:,} comes "
            "in between; make the first smaller, or the second greater"
        )
    begin = iterations_done + WARMUP_ITERATIONS
    while begin + iterations <= config.iterations:
        due = [begin - begin % period + period for period in periods.values()]
        if begin + iterations <= min(due):
            return ProfilePlan(begin, iterations)
        begin = min(due)
    raise UserError(
        f"--profile_iterations {iterations:,}: from iteration {iterations_done:,} to "
        f"{config.iterations:,} there is no room for so many behind {WARMUP_ITERATIONS} of "
        "warm-up; give more --iterations, or profile fewer"
    )
