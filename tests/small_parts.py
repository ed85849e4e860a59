"""The parts of a run in small: two variables, a ring of small frames, games that only count."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import tensorflow as tf

from configs import Config
from replay.frame_ring import FrameRing
from replay.frame_store import FIRST, MID

_STACK = 4


class SmallGames:
    """Games whose whole state is how many steps were played."""

    def __init__(self) -> None:
        self.played = 0

    def state(self) -> dict[str, np.ndarray]:
        return {"played": np.array([self.played])}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.played = int(state["played"][0])


class SmallParts:
    """Parts with two variables, a ring of small frames and small games."""

    def __init__(self, seed: int, config: Config | None = None) -> None:
        self.config = config or Config()
        self.ring = FrameRing(20, 2, seed=seed, frame_shape=(2, 3), stack_size=_STACK)
        self.replay = SimpleNamespace(ring=self.ring)
        self.env = SmallGames()
        self.weight = tf.Variable([float(seed)] * 3)
        self.counter = tf.Variable(seed, dtype=tf.int64)
        self.variables = {"weight": self.weight, "counter": self.counter}

    def work(self, rows: int) -> None:
        """Change everything."""
        for row in range(self.ring.rows_added, self.ring.rows_added + rows):
            self.ring.add(
                step_type=np.full(2, MID if row else FIRST),
                observation=np.full((2, 2, 3, _STACK), row, np.uint8),
                action=np.array([1, 2]),
                next_step_type=np.full(2, MID),
                reward=np.array([row, -row], np.float32),
                discount=np.ones(2, np.float32),
            )
        self.ring.sample(3, 1)
        self.env.played += rows
        self.weight.assign_add([1.0, 2.0, 3.0])
        self.counter.assign_add(rows)

    def contents(self) -> list[Any]:
        """Return everything that a checkpoint must bring back."""
        oldest = max(0, self.ring.oldest_row - _STACK + 1)
        rows = self.ring.rows(oldest, self.ring.rows_added)
        return [
            self.weight.numpy().tolist(),
            int(self.counter),
            self.env.played,
            self.ring.rows_added,
            *(array.tolist() for array in rows),
            self.ring.generator.bit_generator.state,
        ]
