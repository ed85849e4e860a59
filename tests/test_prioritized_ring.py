"""The ring that draws by priority, raced against a dictionary of all windows and its priorities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_frame_ring import NaiveReplay, Player, add, assert_equal, step, windows_of

from replay.arrays import WeightedWindow
from replay.frame_store import FIRST, LAST, MID
from replay.prioritized_ring import PRIORITY_OFFSET, PrioritizedRing


def new_ring(capacity: int = 40, num_envs: int = 1, **changes: Any) -> PrioritizedRing:
    settings: dict[str, Any] = {
        "n_step": 1,
        "exponent": 1.0,
        "weight_initial": 0.5,
        "weight_batches": 10**9,
        "seed": 0,
        "frame_shape": (2, 3),
        **changes,
    }
    return PrioritizedRing(capacity, num_envs, **settings)


def filled(types: list[int], **changes: Any) -> PrioritizedRing:
    """Return a ring of one game, whose ids are the numbers of its rows."""
    ring = new_ring(**changes)
    for number, step_type in enumerate(types):
        add(ring, [step(step_type, frame=number)], np.array([MID]))
    return ring


def values(ring: PrioritizedRing) -> list[float]:
    return ring.priority_state()["values"].tolist()


def by_first_observation(ring: PrioritizedRing) -> dict[bytes, float]:
    """Return what can be drawn: first observations, with priority ** exponent."""
    ids = np.arange(ring.oldest_row * ring.num_envs, ring.rows_added * ring.num_envs)
    kept = np.array(values(ring))
    stacks = ring.stacks(ids // ring.num_envs, ids % ring.num_envs)
    return {
        stack.tobytes(): kept[place]
        for stack, place in zip(stacks, ids % len(kept), strict=True)
        if kept[place]
    }


@pytest.mark.parametrize("num_envs", [1, 3])
@pytest.mark.parametrize("n_step", [1, 3])
def test_each_window_has_its_priority_and_no_other_step_has_one(num_envs: int, n_step: int) -> None:
    ring = new_ring(20 * num_envs, num_envs, n_step=n_step, exponent=0.5)
    naive, player = NaiveReplay(20, num_envs), Player(num_envs, seed=n_step)
    generator, greatest, compared, overwritten = np.random.default_rng(1), 1.0, 0, 0
    expected: dict[bytes, float] = {}  # priorities by first observation
    drawn: WeightedWindow | None = None
    for row in range(200):
        steps, next_types = player.step()
        add(ring, steps, next_types)
        naive.add(steps)
        expected = {first: expected.get(first, greatest) for first in naive.windows(n_step)}
        if row % 9 == 8 and drawn:  # eight rows later: some of its steps are overwritten
            priorities = generator.exponential(size=16).astype(np.float32)
            ring.update_priorities(drawn.ids, priorities)
            for first, priority in zip(drawn.window.observation, priorities.tolist(), strict=True):
                if first.tobytes() in expected:
                    expected[first.tobytes()] = priority + PRIORITY_OFFSET
                    greatest = max(greatest, priority + PRIORITY_OFFSET)
                else:
                    overwritten += 1
        actual = by_first_observation(ring)
        assert actual == pytest.approx({first: value**0.5 for first, value in expected.items()})
        assert np.count_nonzero(values(ring)) == len(actual)
        compared += len(actual)
        if row % 9 == 0 and expected:
            drawn = ring.sample_by_priority(16)
            windows = naive.windows(n_step)
            for window in windows_of(drawn.window):
                assert_equal(window, windows[window.observation.tobytes()])
    assert compared > 1_000
    assert overwritten > 10


def test_draws_and_weights_by_hand() -> None:
    ring = filled([FIRST, MID, MID, LAST, FIRST])  # 3 and 4 cannot begin a window
    assert values(ring)[:6] == [1, 1, 1, 0, 0, 0]
    ring.update_priorities(np.array([0, 1, 2]), np.array([1, 2, 5], np.float32))
    drawn = ring.sample_by_priority(800)
    # Of 800 equal parts of the total 8, the first 100 are those of step 0, and so on. No luck.
    assert drawn.ids.tolist() == [0] * 100 + [1] * 200 + [2] * 500
    # (N P) ** -0.5, by the greatest of them: (1/8, 2/8, 5/8) -> 1, (1/2) ** 0.5, (1/5) ** 0.5.
    np.testing.assert_allclose(drawn.weights[[0, 100, 300]], [1, 0.5**0.5, 0.2**0.5], rtol=1e-6)
    assert drawn.weights.dtype == np.float32
    assert drawn.ids.dtype == np.int64


@pytest.mark.parametrize(("exponent", "drawn_first"), [(0.0, 500), (0.5, 250), (1.0, 100)])
def test_exponent_leads_from_uniform_to_proportional(exponent: float, drawn_first: int) -> None:
    ring = filled([FIRST, MID, LAST], exponent=exponent)
    ring.update_priorities(np.array([0, 1]), np.array([1, 9], np.float32))
    assert abs(np.sum(ring.sample_by_priority(1_000).ids == 0) - drawn_first) <= 1


def test_weight_exponent_rises_to_one() -> None:
    ring = filled([FIRST, MID, LAST], weight_initial=0.4, weight_batches=4)
    exponents = []
    for _ in range(6):
        exponents.append(ring.weight_exponent)
        ring.sample_by_priority(1)
    assert exponents == pytest.approx([0.4, 0.55, 0.7, 0.85, 1.0, 1.0])


def test_new_steps_have_the_greatest_priority_so_far() -> None:
    ring = filled([FIRST, MID, MID])
    ring.update_priorities(np.array([0]), np.array([7], np.float32))
    ring.update_priorities(np.array([0]), np.array([0], np.float32))
    add(ring, [step(MID, frame=3)], np.array([MID]))
    assert values(ring)[:4] == pytest.approx([1e-6, 1, 7, 0], rel=1e-5)


def test_what_diverged_or_is_forgotten_changes_nothing() -> None:
    ring = filled([FIRST, *[MID] * 14], capacity=10)
    before = ring.priority_state()
    ring.update_priorities(np.array([4, 7, 8]), np.array([9, np.nan, np.inf], np.float32))
    for name, array in ring.priority_state().items():
        np.testing.assert_array_equal(array, before[name])


def test_same_seed_draws_the_same_and_another_seed_does_not() -> None:
    draws = [
        filled([FIRST, *[MID] * 30], seed=seed).sample_by_priority(8).ids.tolist()
        for seed in (1, 1, 2)
    ]
    assert draws[0] == draws[1] != draws[2]


def test_nothing_to_draw_is_an_error() -> None:
    ring = filled([FIRST, MID], n_step=2)
    with pytest.raises(ValueError, match="holds no episode of 2 steps yet"):
        ring.sample_by_priority(4)
    ring = filled([FIRST, MID, LAST])
    ring.clear()
    with pytest.raises(ValueError, match="holds no episode of 1 steps yet"):
        ring.sample_by_priority(4)


@pytest.mark.parametrize("ahead", [False, True])
def test_a_restored_ring_goes_on_drawing_the_same(ahead: bool) -> None:
    types = [FIRST, *[MID] * 30]
    ring, restored = filled(types, weight_batches=9), filled(types, weight_batches=9, seed=9)
    generator = np.random.default_rng(1)

    def learn(one: PrioritizedRing, drawn: WeightedWindow, priorities: np.ndarray) -> None:
        one.update_priorities(drawn.ids, priorities)

    for _ in range(3):
        before = ring.sample_by_priority(8)
    waits = ring.sample_by_priority(8, ahead=ahead)
    learn(ring, before, generator.random(8))  # while a batch may wait, drawn by the old priorities
    for _ in range(2):  # a restored ring that is saved at once is the same again
        state, generator_state = ring.priority_state(), ring.generator_state
        restored.put_priority_state(state)
        restored.generator_state = generator_state
        for name, array in restored.priority_state().items():
            np.testing.assert_array_equal(array, state[name], err_msg=name)
    if ahead:
        again = restored.sample_by_priority(8, ahead=True)
        assert_equal(again.window, waits.window)
        np.testing.assert_array_equal(again.ids, waits.ids)
        np.testing.assert_array_equal(again.weights, waits.weights)
    for _ in range(5):
        one, two = (each.sample_by_priority(8, ahead=ahead) for each in (ring, restored))
        np.testing.assert_array_equal(one.ids, two.ids)
        np.testing.assert_array_equal(one.weights, two.weights)
        priorities = generator.random(8)
        learn(ring, one, priorities)
        learn(restored, two, priorities)
    np.testing.assert_array_equal(ring._tree._nodes, restored._tree._nodes)


def test_a_state_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(50,\) values do not fit a sum tree of 40"):
        new_ring(40).put_priority_state(new_ring(50).priority_state())


def test_a_batch_drawn_aside_leaves_no_trace() -> None:
    ring = filled([FIRST, MID, MID, MID, LAST, FIRST], weight_batches=4, random_shift_pixels=1)
    ring.update_priorities(np.array([0, 1, 2]), np.array([0, 0, 8], np.float32))
    ahead = ring.sample_by_priority(2, ahead=True)
    before = {name: array.tolist() for name, array in ring.priority_state().items()}
    generator = ring.generator.bit_generator.state
    exponent = ring.weight_exponent
    windows, importance = ring.sample_aside(90, 1, [7, 1])
    assert {name: array.tolist() for name, array in ring.priority_state().items()} == before
    assert before["ahead_ids"] == ahead.ids.tolist()
    assert ring.generator.bit_generator.state == generator
    # 8 of row 2 and 1 of row 3, which nobody has set, in 9; rows 0 and 1 are hardly ever drawn.
    weights, counts = np.unique(importance, return_counts=True)
    assert counts.tolist() == [80, 10]
    assert weights == pytest.approx([8**-exponent, 1.0], rel=1e-5)
    assert len(windows.observation) == 90
