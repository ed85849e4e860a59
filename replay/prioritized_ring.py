"""A ring of frames that also draws windows by priority. No TensorFlow here.

Schaul et al., "Prioritized Experience Replay", 2016, the proportional variant. Which steps can be
drawn, for windows of 3 agent steps; 0 where none can begin, p where the priority counts:

    row          0 1 2 3 4 5 6 7 8
    step type    F M M M L F M M M        F = FIRST, M = MID, L = LAST
    priority     p p p p 0 p 0 0 0        (rows 6 to 8 can begin one when more has been added)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from replay.arrays import WeightedWindow, Window
from replay.frame_ring import FrameRing
from replay.sum_tree import SumTree

PRIORITY_OFFSET = 1e-6
"""Added to each priority, so that what has no error now is drawn again some day. Epsilon in section
3.3, which gives no number."""


class PrioritizedRing(FrameRing):
    """Draws windows with a probability in proportion to priority ** exponent.

    A step that can begin a window for the first time has the greatest priority seen so far; later
    `update_priorities` sets it. The inherited `sample` still draws uniformly.

    Ids number all time steps ever added, game by game within a row: row * num_envs + game.

    Attributes:
      greatest_priority: seen so far; 1 before the first.
      batches_drawn: by priority, so far.

    Args:
      capacity: as FrameRing's, and so are num_envs and what is not named here.
      num_envs: games side by side.
      n_step: agent steps of a window.
      exponent: 0: uniform; 1: in proportion to priority (alpha in the paper).
      weight_initial: exponent of the importance weights at first (beta in the paper).
      weight_batches: it rises linearly to 1 over so many batches.
      ring_arguments: the others of FrameRing, seed among them.
    """

    def __init__(
        self,
        capacity: int,
        num_envs: int,
        *,
        n_step: int,
        exponent: float,
        weight_initial: float,
        weight_batches: int,
        **ring_arguments: Any,
    ) -> None:
        super().__init__(capacity, num_envs, **ring_arguments)
        self._n_step = n_step
        self._exponent = exponent
        self._weight_initial = weight_initial
        self._weight_batches = weight_batches
        self._forget()

    def _forget(self) -> None:
        self._tree = SumTree(self.rows_kept * self.num_envs)  # of priorities to the exponent
        self.greatest_priority = 1.0
        self.batches_drawn = 0
        # ids, weights and shifts
        self._ahead: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self._ahead_is_due = False

    @property
    def weight_exponent(self) -> float:
        """That of the importance weights of the next batch, `weight_initial` to 1."""
        risen = min(1.0, self.batches_drawn / self._weight_batches)
        return self._weight_initial + (1 - self._weight_initial) * risen

    def clear(self) -> None:
        """Forget all rows and priorities; the next row must be FIRST in every game."""
        super().clear()
        self._forget()

    def add(self, *args: np.ndarray, **named: np.ndarray) -> None:
        """Add one time step of every game, as `FrameRing.add` does."""
        super().add(*args, **named)
        # The new row takes the places of one that is forgotten, and cannot begin a window yet. What
        # can since now is no older than `n_step` rows: it has so many steps, or its episode's end.
        first = max(self.oldest_row, self.rows_added - 1 - self._n_step)
        ids = np.arange(first * self.num_envs, self.rows_added * self.num_envs)
        places = ids % self._tree.size
        can = self._steps_from(*np.divmod(ids, self.num_envs), self._n_step) > 0
        values = self._tree.get(places)
        values[can & (values == 0)] = self.greatest_priority**self._exponent
        values[~can] = 0
        self._tree.set(places, values)

    def sample_by_priority(
        self, batch_size: int, *, ahead: bool = False, stacked: bool = True
    ) -> WeightedWindow:
        """Draw windows in proportion to priority ** exponent, one from each B-th part of the total.

        These strata are those of section 3.3 and appendix B.2.1. The weights are (N P) ** -beta,
        divided by the greatest in the batch (section 3.4); so the number N of steps cancels out.

        Args:
          batch_size: B.
          ahead: the batch waits while another is learned. It is part of `priority_state`, and a
            ring that is given this state returns it first: priorities have changed meanwhile.
          stacked: as in `sample`.

        Raises:
          ValueError: if no window is in the ring.
        """
        if self._ahead and self._ahead_is_due:
            ids, weights, shifts = self._ahead
        else:
            ids, weights = self._draw_by_priority(batch_size)
            shifts = self._draw_shifts(batch_size)
        self._ahead, self._ahead_is_due = (ids, weights, shifts) if ahead else None, False
        row, game = np.divmod(ids, self.num_envs)
        steps = self._steps_from(row, game, self._n_step)
        window = self.windows(row, game, steps, self._n_step, shifts, stacked=stacked)
        return WeightedWindow(window, weights, ids)

    def sample_aside(
        self, batch_size: int, n_step: int, seed: Sequence[int]
    ) -> tuple[Window, np.ndarray]:
        """Draw windows by priority, as `FrameRing.sample_aside` does; `n_step` is the ring's."""
        assert n_step == self._n_step
        with self._drawing_by(np.random.default_rng(seed)):
            ids, weights = self._draw_by_priority(batch_size)
            shifts = self._draw_shifts(batch_size)
        self.batches_drawn -= 1  # this one is none of the run's
        row, game = np.divmod(ids, self.num_envs)
        steps = self._steps_from(row, game, n_step)
        return self.windows(row, game, steps, n_step, shifts), weights

    def _draw_by_priority(self, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        total = self._tree.total
        if total == 0:
            raise ValueError(
                f"the replay holds no episode of {self._n_step} steps yet; collect more first"
            )
        parts = np.arange(batch_size) + self.generator.random(batch_size)
        places = self._tree.find(parts * (total / batch_size))
        values = self._tree.get(places)
        weights = (values.min() / values) ** self.weight_exponent
        self.batches_drawn += 1
        oldest = self.oldest_row * self.num_envs
        return oldest + (places - oldest) % self._tree.size, weights.astype(np.float32)

    def update_priorities(self, ids: np.ndarray, priorities: np.ndarray) -> None:
        """Set the priorities, float32 [B], of drawn steps, by their ids, int64 [B].

        Steps that are forgotten meanwhile are left out. So are priorities that are not finite, of a
        network that has diverged: the loop stops such a run and says why.
        """
        kept = (ids >= self.oldest_row * self.num_envs) & np.isfinite(priorities)
        if not np.any(kept):
            return
        raised = np.maximum(priorities[kept].astype(np.float64), 0) + PRIORITY_OFFSET
        self.greatest_priority = max(self.greatest_priority, float(raised.max()))
        self._tree.set(ids[kept] % self._tree.size, raised**self._exponent)

    def priority_state(self) -> dict[str, np.ndarray]:
        """Return what a resumed run needs besides rows and generator, as arrays by name.

        The largest, `values`, has 8 bytes for each time step that the ring has room for.
        """
        nothing = np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros((2, 0, 2), np.int64)
        ids, weights, shifts = self._ahead or nothing
        return {
            "values": self._tree.values,
            "greatest_priority": np.array(self.greatest_priority),
            "batches_drawn": np.array(self.batches_drawn),
            "ahead_ids": ids,
            "ahead_weights": weights,
            "ahead_shifts": shifts,
        }

    def put_priority_state(self, state: dict[str, np.ndarray]) -> None:
        """Put back what `priority_state` returned, when all rows are in the ring again.

        Raises:
          KeyError: if something is missing.
          ValueError: if it is of a ring of another size.
        """
        ids, weights, shifts = (state[f"ahead_{name}"] for name in ("ids", "weights", "shifts"))
        self._tree.set_all(state["values"])
        self.greatest_priority = float(state["greatest_priority"])
        self.batches_drawn = int(state["batches_drawn"])
        self._ahead = (ids, weights, shifts) if len(ids) else None
        self._ahead_is_due = self._ahead is not None
