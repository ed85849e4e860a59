"""Some iterations under TensorFlow's profiler: for TensorBoard's profile plugin, and as text."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from training.profile_plan import ProfilePlan
from training.profile_summary import summary
from training.run_folder import RunFolder
from training.time_spent import TimeSpent

# Python's own tracer sees one thread, which waits for the graph; what the graph calls runs in
# TensorFlow's threads, and is there as PyFunc.
_OPTIONS = tf.profiler.experimental.ProfilerOptions(host_tracer_level=2, python_tracer_level=0)


class Profiler:
    """Watches the iterations of a plan; changes nothing of them.

    Args:
      plan: which.
      folder: of the run.
      spent: is asked what the iterations were about, and told of the time that writing takes.
      say: is told where the files are.
    """

    def __init__(
        self, plan: ProfilePlan, folder: RunFolder, spent: TimeSpent, say: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._spent = spent
        self._say = say

    def stretch(self, iteration: int, count: int) -> int:
        """Return how many iterations to do in one stretch, where it would be `count` without."""
        if iteration == self._plan.begin:
            return self._plan.iterations
        missing = self._plan.begin - iteration
        return min(count, missing) if missing > 0 else count

    @contextlib.contextmanager
    def watching(self, iteration: int) -> Iterator[None]:
        """Profile what is inside, if the plan begins at this iteration.

        A profile that cannot be made or written is a warning: it is no reason to let a run fail.
        """
        if iteration != self._plan.begin or not self._began():
            yield
            return
        before = dict(self._spent.seconds)
        try:
            yield
        except BaseException:
            tf.profiler.experimental.stop(save=False)
            raise
        seconds = {name: now - before[name] for name, now in self._spent.seconds.items()}
        with self._spent.on("writing"):
            self._finish({name: spent for name, spent in seconds.items() if spent > 0})

    def _began(self) -> bool:
        try:
            tf.profiler.experimental.start(str(self._folder.tensorboard), _OPTIONS)
        except tf.errors.OpError as error:
            self._say(f"warning: no profile was made ({error.message})")
            return False
        return True

    def _finish(self, seconds: dict[str, float]) -> None:
        file = self._folder.path / "profile.txt"
        known = set(self._traces())
        try:
            tf.profiler.experimental.stop()
            (trace,) = set(self._traces()) - known
            space = xplane_pb2.XSpace.FromString(trace.read_bytes())
            first, last = self._plan.begin + 1, self._plan.begin + self._plan.iterations
            file.write_text(summary(space, first, last, seconds))
        except (OSError, ValueError, tf.errors.OpError) as error:  # ValueError: no trace, or two
            reason = " ".join(str(error).split())
            self._say(f"warning: the profile was not written ({reason})")
            return
        self._say(
            f"profiled {self._plan.iterations:,} iterations: {file}; "
            f"trace for TensorBoard's profile plugin: {trace.parent}"
        )

    def _traces(self) -> list[Path]:
        return list(self._folder.tensorboard.glob("plugins/profile/*/*.xplane.pb"))
