"""Draws windows of play from a ring of frames. No TensorFlow here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from replay.arrays import Window
from replay.frame_store import FrameStore
from replay.shifts import draw_shifts, shift

_MOST_DRAWS = 10_000  # of a batch, before the ring is held to have no complete window


class FrameRing(FrameStore):
    """A FrameStore that draws windows uniformly.

    Args:
      capacity: as FrameStore's, and so are num_envs and what is not named here.
      num_envs: games side by side.
      seed: of the generator that draws the samples.
      random_shift_pixels: pictures of windows are shifted by up to so many; see replay/shifts.py.
      store_arguments: the others of FrameStore.
    """

    def __init__(
        self,
        capacity: int,
        num_envs: int,
        *,
        seed: int,
        random_shift_pixels: int = 0,
        **store_arguments: Any,
    ) -> None:
        super().__init__(capacity, num_envs, **store_arguments)
        self.random_shift_pixels = random_shift_pixels
        self.generator = np.random.default_rng(seed)
        self._state_before_ahead: dict[str, Any] | None = None

    @property
    def generator_state(self) -> dict[str, Any]:
        """The state of the generator, from which a resumed run draws the same samples.

        A batch that was drawn ahead and is not yet learned from is drawn again by that run.
        """
        state: Any = self._state_before_ahead or self.generator.bit_generator.state
        return dict(state)

    @generator_state.setter
    def generator_state(self, state: dict[str, Any]) -> None:
        self._state_before_ahead = None
        self.generator.bit_generator.state = state

    def sample(
        self, batch_size: int, n_step: int, *, ahead: bool = False, stacked: bool = True
    ) -> Window:
        """Draw windows uniformly, with replacement, over all steps that can begin one.

        A step can begin a window if it is not LAST and if its episode's end, or `n_step` further
        steps, are in the ring.

        Args:
          batch_size: B.
          n_step: agent steps of a window.
          ahead: the batch waits while another is learned; see `generator_state`.
          stacked: False: the frames of an observation come one behind another, and another puts
            them together; see `frames`.

        Raises:
          ValueError: if no step can.
        """
        state: Any = self.generator.bit_generator.state
        self._state_before_ahead = state if ahead else None
        drawn = self.draw(batch_size, n_step)
        return self.windows(*drawn, n_step, self._draw_shifts(batch_size), stacked=stacked)

    def sample_aside(
        self, batch_size: int, n_step: int, seed: Sequence[int]
    ) -> tuple[Window, np.ndarray]:
        """Draw windows as training does, of which the run's own draws notice nothing.

        Args:
          batch_size: B.
          n_step: agent steps of a window.
          seed: of the generator that draws them; the same seed draws the same.

        Returns:
          the windows, and what each counts for in learning, float32 [B].

        Raises:
          ValueError: if no window is in the ring.
        """
        with self._drawing_by(np.random.default_rng(seed)):
            drawn = self.draw(batch_size, n_step)
            shifts = self._draw_shifts(batch_size)
        return self.windows(*drawn, n_step, shifts), np.ones(batch_size, np.float32)

    @contextlib.contextmanager
    def _drawing_by(self, generator: np.random.Generator) -> Iterator[None]:
        own, self.generator = self.generator, generator
        try:
            yield
        finally:
            self.generator = own

    def _draw_shifts(self, batch_size: int) -> np.ndarray:
        """Return int64 [2, B, 2]; without random shifts nothing is drawn, and it is empty."""
        if not self.random_shift_pixels:
            return np.zeros((2, 0, 2), np.int64)
        return draw_shifts(self.generator, batch_size, self.random_shift_pixels)

    def windows(
        self,
        start: np.ndarray,
        game: np.ndarray,
        steps: np.ndarray,
        n_step: int,
        shifts: np.ndarray,
        *,
        stacked: bool = True,
    ) -> Window:
        """Return the windows that begin at rows `start`, of `steps` agent steps each, int64 [B].

        Their pictures are shifted by `shifts`, of `_draw_shifts`.
        """
        first = self._observations(start, game, shifts[0], stacked)
        last = self._observations(start + steps, game, shifts[1], stacked)
        offsets = np.arange(n_step)
        valid = offsets < steps[:, None]  # [B, n]
        index = (np.where(valid, start[:, None] + offsets, 0) % self._size, game[:, None])
        return Window(
            observation=first,
            action=self._rows.action[start % self._size, game].astype(np.int64),
            rewards=np.where(valid, self._rows.reward[index], np.float32(0)),
            discounts=np.where(valid, self._rows.discount[index], np.float32(1)),
            valid=valid,
            next_observation=last,
        )

    def _observations(
        self, row: np.ndarray, game: np.ndarray, shifts: np.ndarray, stacked: bool
    ) -> np.ndarray:
        observations = self.stacks(row, game) if stacked else self.frames(row, game)
        if len(shifts):
            pictures = observations if stacked else observations.reshape(-1, *self._picture_shape)
            alike = shifts if stacked else np.repeat(shifts, self.stack_size, axis=0)
            shift(pictures, alike, self.random_shift_pixels)
        return observations

    @property
    def _picture_shape(self) -> tuple[int, ...]:
        return self._rows.frame.shape[2:]

    def draw(self, batch_size: int, n_step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw where windows begin, by rejection; return row, game and steps of each, int64 [B].

        Raises:
          ValueError: if no window of `n_step` is in the ring.
        """
        drawn: list[np.ndarray] = []
        missing = batch_size
        for _ in range(_MOST_DRAWS if self.rows_added else 0):
            row = self.generator.integers(self.oldest_row, self.rows_added, missing)
            game = self.generator.integers(0, self.num_envs, missing)
            steps = self._steps_from(row, game, n_step)
            accepted = np.stack([row, game, steps])[:, (steps > 0) | (n_step == 0)]
            drawn.append(accepted)
            missing -= accepted.shape[1]
            if not missing:
                row, game, steps = np.concatenate(drawn, axis=1)
                return row, game, steps
        raise ValueError(f"the replay holds no episode of {n_step} steps yet; collect more first")
