"""Where the time of a run goes: seconds by activity."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping

from tf_agents.environments import py_environment, wrappers
from tf_agents.trajectories import time_step as ts
from tf_agents.typing import types

ACTIVITIES = {
    "acting": "choosing actions and storing what came of them",
    "emulating": "the games",
    "sampling": "drawing batches",
    "training": "learning from batches; with --overlap the whole of the iterations",
    "evaluating": "evaluation games",
    "writing": "logs, checkpoints and policies",
}


class TimeSpent:
    """Sums up the seconds of each of ACTIVITIES.

    Attributes:
      seconds: by activity. What goes on side by side counts in full for each.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(ACTIVITIES, 0.0)
        self._began = time.monotonic()

    def add(self, activity: str, seconds: float) -> None:
        """Count seconds that were measured elsewhere."""
        self.seconds[activity] += seconds

    @contextlib.contextmanager
    def on(self, activity: str) -> Iterator[None]:
        """Count the time until the block is left, whatever ends it."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(activity, time.perf_counter() - began)

    def percent_since(self, before: Mapping[str, float], passed_sec: float) -> dict[str, float]:
        """Return the share of each activity, as `acting_percent`, since `seconds` was `before`."""
        return {
            f"{activity}_percent": 100 * (spent - before[activity]) / passed_sec
            for activity, spent in self.seconds.items()
        }

    def summary(self) -> str:
        """Return one sentence: the share of each activity in the time since this was made."""
        passed = max(time.monotonic() - self._began, 1e-9)
        percents = self.percent_since(dict.fromkeys(self.seconds, 0.0), passed)
        shares = zip(self.seconds, percents.values(), strict=True)
        told = ", ".join(f"{activity} {percent:.0f} %" for activity, percent in shares)
        return f"where the {passed / 60:.1f} minutes went: {told}"


class TimedEnvironment(wrappers.PyEnvironmentBaseWrapper):
    """Counts the time of an environment's steps as emulating.

    Args:
      env: any environment.
      spent: is told.
    """

    def __init__(self, env: py_environment.PyEnvironment, spent: TimeSpent) -> None:
        super().__init__(env)
        self._spent = spent

    def _step(self, action: types.NestedArray) -> ts.TimeStep:
        with self._spent.on("emulating"):
            return self._env.step(action)
