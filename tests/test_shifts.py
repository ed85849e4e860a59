"""Random shifts of the picture, against a shift that is done pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from replay.frame_ring import FrameRing
from replay.frame_store import FIRST, MID
from replay.shifts import draw_shifts, shift


@pytest.mark.parametrize("shape", [(3, 6, 5), (3, 6, 5, 4)])
def test_shift_repeats_the_border(shape: tuple[int, ...]) -> None:
    generator = np.random.default_rng(1)
    pictures = generator.integers(0, 256, shape, np.uint8)
    shifts = np.array([[2, 2], [0, 4], [3, 1]])
    expected = np.empty_like(pictures)
    for number, (down, right) in enumerate(shifts):
        for y in range(6):
            for x in range(5):
                source = np.clip(y + down - 2, 0, 5), np.clip(x + right - 2, 0, 4)
                expected[number, y, x] = pictures[number][source]
    np.testing.assert_array_equal(expected[0], pictures[0])  # 2 of 2: not at all
    shift(pictures, shifts, 2)
    np.testing.assert_array_equal(pictures, expected)


def test_shifts_reach_from_one_end_to_the_other() -> None:
    shifts = draw_shifts(np.random.default_rng(1), 500, 2)
    assert shifts.shape == (2, 500, 2)
    for axis in (0, 1):
        assert set(shifts[..., axis].ravel()) == {0, 1, 2, 3, 4}
    assert not np.array_equal(shifts[0], shifts[1])


def ring(pixels: int, seed: int = 1) -> FrameRing:
    made = FrameRing(200, 2, seed=seed, frame_shape=(8, 8), random_shift_pixels=pixels)
    generator = np.random.default_rng(5)
    for step in range(50):
        made.add(
            step_type=np.full(2, FIRST if step == 0 else MID),
            observation=generator.integers(0, 256, (2, 8, 8, 4), np.uint8),
            action=np.zeros(2, np.int64),
            next_step_type=np.full(2, MID),
            reward=np.zeros(2, np.float32),
            discount=np.ones(2, np.float32),
        )
    return made


def test_windows_are_shifted_and_nothing_else() -> None:
    plain, shifted, same, other = ring(0), ring(2), ring(2), ring(2, seed=2)
    before, after = plain.sample(32, 3), shifted.sample(32, 3)
    np.testing.assert_array_equal(before.action, after.action)
    shifts = draw_shifts(_generator_after_the_draw(), 32, 2)
    shift(before.observation, shifts[0], 2)
    shift(before.next_observation, shifts[1], 2)
    np.testing.assert_array_equal(before.observation, after.observation)
    np.testing.assert_array_equal(before.next_observation, after.next_observation)
    again = same.sample(32, 3)
    np.testing.assert_array_equal(again.observation, after.observation)
    assert not np.array_equal(other.sample(32, 3).observation, after.observation)


def _generator_after_the_draw() -> np.random.Generator:
    made = ring(0)
    made.draw(32, 3)
    return made.generator


def test_frames_that_are_stacked_later_are_shifted_alike() -> None:
    stacked, loose = ring(2).sample(16, 3), ring(2).sample(16, 3, stacked=False)
    together: Any = np.moveaxis(loose.observation, 1, -1)
    np.testing.assert_array_equal(together, stacked.observation)


def test_a_batch_drawn_ahead_is_drawn_again_with_its_shifts() -> None:
    first = ring(2)
    drawn = first.sample(16, 3, ahead=True)
    second = ring(2, seed=9)
    second.generator_state = first.generator_state
    np.testing.assert_array_equal(second.sample(16, 3).observation, drawn.observation)
