"""The ring of single frames, raced against a buffer that keeps whole stacks, and drawn by hand."""

from __future__ import annotations

import collections
from typing import NamedTuple

import numpy as np
import pytest

from replay.arrays import Rows, Window
from replay.frame_ring import FrameRing
from replay.frame_store import FIRST, LAST, MID

HEIGHT, WIDTH, STACK = 2, 3, 4


class Step(NamedTuple):
    """One time step of one game, with its whole stack."""

    step_type: int
    observation: np.ndarray
    action: int
    reward: float
    discount: float


class NaiveReplay:
    """The slow truth: a list of whole stacks for each game; forgets nothing by itself."""

    def __init__(self, rows_kept: int, num_envs: int) -> None:
        self.games: list[list[Step]] = [[] for _ in range(num_envs)]
        self.rows_kept = rows_kept

    def add(self, steps: list[Step]) -> None:
        for game, step in zip(self.games, steps, strict=True):
            if game and step.step_type == FIRST and game[-1].step_type != LAST:
                game[-1] = game[-1]._replace(step_type=LAST)  # it was left in its middle
            game.append(step)

    def windows(self, n_step: int) -> dict[bytes, Window]:
        """Return every window that may be drawn, by the bytes of its first observation."""
        windows = {}
        for game in self.games:
            for start in range(max(0, len(game) - self.rows_kept), len(game)):
                if game[start].step_type == LAST:
                    continue
                end = start
                while end < len(game) and end < start + n_step and game[end].step_type != LAST:
                    end += 1
                if end == len(game):
                    continue  # its end is not known yet
                missing = n_step - (end - start)
                taken = game[start:end]
                windows[game[start].observation.tobytes()] = Window(
                    observation=game[start].observation,
                    action=np.array(game[start].action),
                    rewards=np.array([step.reward for step in taken] + [0.0] * missing),
                    discounts=np.array([step.discount for step in taken] + [1.0] * missing),
                    valid=np.array([True] * len(taken) + [False] * missing),
                    next_observation=game[end].observation,
                )
        return windows


class Player:
    """Games at random: lives and games end, time runs out, a game is left in its middle."""

    def __init__(self, num_envs: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._stacks = [collections.deque[np.ndarray](maxlen=STACK) for _ in range(num_envs)]
        self._types = [LAST] * num_envs
        self._frames = 0

    def step(self) -> tuple[list[Step], np.ndarray]:
        """Return one time step of each game and the types of the next."""
        steps = []
        for game, stack in enumerate(self._stacks):
            left = self._random.random() < 0.03
            first = self._types[game] == LAST or left
            self._types[game] = FIRST if first else LAST if self._random.random() < 0.2 else MID
            self._frames += 1
            frame = np.full((HEIGHT, WIDTH), self._frames % 256, np.uint8)
            frame[0, 0], frame[0, 1] = divmod(self._frames, 256)
            stack.extend([frame] * (STACK if first else 1))
            steps.append(
                Step(
                    self._types[game],
                    np.stack(stack, axis=-1),
                    int(self._random.integers(18)),
                    float(self._random.integers(-9, 10)),
                    float(self._random.integers(2)),
                )
            )
        return steps, np.full(len(steps), MID)


def add(ring: FrameRing, steps: list[Step], next_types: np.ndarray) -> None:
    columns = [np.array(column) for column in zip(*steps, strict=True)]
    step_type, observation, action, reward, discount = columns
    ring.add(step_type, observation, action, next_types, reward, discount)


def new_ring(capacity: int, num_envs: int, seed: int = 0) -> FrameRing:
    return FrameRing(capacity, num_envs, seed=seed, frame_shape=(HEIGHT, WIDTH), stack_size=STACK)


def windows_of(batch: Window) -> list[Window]:
    return [Window(*fields) for fields in zip(*batch, strict=True)]


def assert_equal(actual: Window, expected: Window) -> None:
    for name, a, b in zip(Window._fields, actual, expected, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


@pytest.mark.parametrize("num_envs", [1, 3])
@pytest.mark.parametrize("n_step", [1, 3])
def test_ring_and_naive_replay_hold_the_same_windows(num_envs: int, n_step: int) -> None:
    ring, naive = new_ring(20 * num_envs, num_envs), NaiveReplay(20, num_envs)
    player, compared = Player(num_envs, seed=n_step), 0
    for row in range(150):
        steps, next_types = player.step()
        add(ring, steps, next_types)
        naive.add(steps)
        expected = naive.windows(n_step)
        if row % 10 or not expected:
            continue
        drawn = windows_of(ring.sample(40 * len(expected), n_step))
        for window in drawn:
            assert_equal(window, expected[window.observation.tobytes()])
        # Every window that may be drawn is drawn, and none else.
        assert {window.observation.tobytes() for window in drawn} == set(expected)
        compared += len(expected)
    assert compared > 100


def test_draws_are_uniform() -> None:
    ring, naive, player = new_ring(30, 3), NaiveReplay(10, 3), Player(3, seed=5)
    for _ in range(40):
        steps, next_types = player.step()
        add(ring, steps, next_types)
        naive.add(steps)
    expected = naive.windows(2)
    draws = 2_000 * len(expected)
    counts = collections.Counter(
        window.observation.tobytes() for window in windows_of(ring.sample(draws, 2))
    )
    # 2,000 each, with a standard deviation of about 45.
    assert min(counts.values()) > 1_800
    assert max(counts.values()) < 2_200


def step(step_type: int, frame: int, reward: float = 0.0, discount: float = 1.0) -> Step:
    stack = np.full((HEIGHT, WIDTH, STACK), frame, np.uint8)
    return Step(step_type, stack, 1, reward, discount)


def newest_frames(observation: np.ndarray) -> list[int]:
    return [int(frame) for frame in observation[0, 0]]


def test_stack_stands_on_first_and_not_on_the_game_before() -> None:
    ring = new_ring(100, 1)
    for number, step_type in enumerate([FIRST, MID, MID, MID, MID, LAST, FIRST, MID]):
        add(ring, [step(step_type, frame=10 + number)], np.array([MID]))
    stacks = ring.stacks(np.arange(8), np.zeros(8, np.int64))
    assert [newest_frames(stack) for stack in stacks] == [
        [10, 10, 10, 10],
        [10, 10, 10, 11],
        [10, 10, 11, 12],
        [10, 11, 12, 13],
        [11, 12, 13, 14],
        [12, 13, 14, 15],
        [16, 16, 16, 16],
        [16, 16, 16, 17],
    ]


def test_window_ends_at_a_death_and_at_a_time_limit() -> None:
    # frame      1 -> 2 -> 3 (death)   4 -> 5 (time limit)   6 -> 7
    # reward       1    2                3                     4
    ring = new_ring(100, 1)
    for one in [
        step(FIRST, 1, reward=1.0),
        step(MID, 2, reward=2.0, discount=0.0),
        step(LAST, 3, reward=99.0),
        step(FIRST, 4, reward=3.0),
        step(LAST, 5, reward=99.0),
        step(FIRST, 6, reward=4.0),
        step(MID, 7),
    ]:
        add(ring, [one], np.array([MID]))
    windows = {
        newest_frames(window.observation)[-1]: window for window in windows_of(ring.sample(99, 3))
    }
    assert sorted(windows) == [1, 2, 4]  # that of 6 is not complete
    of_1, of_2, of_4 = windows[1], windows[2], windows[4]
    assert of_1.rewards.tolist() == [1, 2, 0]
    assert of_1.discounts.tolist() == [1, 0, 1]
    assert of_1.valid.tolist() == [True, True, False]
    assert newest_frames(of_1.next_observation) == [1, 1, 2, 3]
    assert of_2.rewards.tolist() == [2, 0, 0]
    assert of_4.rewards.tolist() == [3, 0, 0]
    assert of_4.discounts.tolist() == [1, 1, 1]
    assert of_4.valid.tolist() == [True, False, False]
    assert newest_frames(of_4.next_observation) == [4, 4, 4, 5]


def test_same_seed_draws_the_same_and_another_seed_does_not() -> None:
    draws = []
    for seed in (1, 1, 2):
        ring, player = new_ring(100, 2, seed), Player(2, seed=0)
        for _ in range(60):
            add(ring, *player.step())
        draws.append(ring.sample(16, 3))
    assert_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0].observation, draws[2].observation)


@pytest.mark.parametrize("split", [1, 2, 17, 22])
def test_rows_put_back_make_the_same_ring(split: int) -> None:
    ring, copy, player = new_ring(40, 2), new_ring(40, 2), Player(2, seed=3)
    for _ in range(47):
        add(ring, *player.step())
    oldest = ring.oldest_row - STACK + 1
    copy.put_rows(oldest, ring.rows(oldest, 47 - split))
    copy.put_rows(47 - split, ring.rows(47 - split, 47))
    copy.generator.bit_generator.state = ring.generator.bit_generator.state
    assert_equal(copy.sample(64, 3), ring.sample(64, 3))


def test_game_left_at_the_border_of_two_files_ends_there() -> None:
    ring = new_ring(40, 1)
    ring.put_rows(0, _rows([FIRST, MID]))
    ring.put_rows(2, _rows([FIRST, MID]))
    assert ring.rows(0, 4).step_type[:, 0].tolist() == [FIRST, LAST, FIRST, MID]


def _rows(types: list[int]) -> Rows:
    other = new_ring(40, 1)
    for step_type in types:
        add(other, [step(step_type, frame=1)], np.array([MID]))
    return other.rows(0, len(types))


def test_rows_of_another_shape_are_refused() -> None:
    rows = _rows([FIRST])
    ring = FrameRing(40, 1, seed=0, frame_shape=(5, 5), stack_size=STACK)
    with pytest.raises(ValueError, match="replay rows hold frame as uint8"):
        ring.put_rows(0, rows)


def test_rows_that_are_gone_are_refused() -> None:
    ring = new_ring(10, 1)
    for number in range(30):
        add(ring, [step(FIRST if number == 0 else MID, frame=number)], np.array([MID]))
    with pytest.raises(ValueError, match="rows 5 to 30 are not in the replay"):
        ring.rows(5, 30)


def test_first_step_of_an_episode_must_be_first() -> None:
    ring = new_ring(10, 1)
    with pytest.raises(ValueError, match="must be FIRST"):
        add(ring, [step(MID, frame=1)], np.array([MID]))
    add(ring, [step(FIRST, frame=1)], np.array([LAST]))
    add(ring, [step(LAST, frame=2)], np.array([FIRST]))
    with pytest.raises(ValueError, match="must be FIRST"):
        add(ring, [step(MID, frame=3)], np.array([MID]))


def test_nothing_to_draw_is_an_error_and_no_hang() -> None:
    ring = new_ring(10, 1)
    with pytest.raises(ValueError, match="holds no episode of 3 steps yet"):
        ring.sample(4, 3)
    add(ring, [step(FIRST, frame=1)], np.array([MID]))
    with pytest.raises(ValueError, match="holds no episode of 3 steps yet"):
        ring.sample(4, 3)


def test_a_hundred_thousand_transitions_take_less_than_three_quarters_of_a_gigabyte() -> None:
    capacity = 1_000  # the ring's size is linear in its capacity
    ring = FrameRing(capacity, 4, seed=0)
    rows = capacity // 4 + 3
    assert ring.nbytes == rows * 4 * FrameRing.bytes_needed(1)
    assert FrameRing.bytes_needed(100_000) <= 0.75e9
    assert FrameRing.bytes_needed(1_000_000) <= 7.3e9


def test_full_ring_from_one_file_keeps_its_newest_row() -> None:
    ring, copy = new_ring(10, 1), new_ring(10, 1)
    for number in range(23):  # row 10 is the oldest that is kept, and a FIRST
        step_type = FIRST if number in {0, 10} else LAST if number == 9 else MID
        add(ring, [step(step_type, frame=number)], np.array([MID]))
    copy.put_rows(10, ring.rows(10, 23))
    assert copy.rows(22, 23).step_type.tolist() == [[MID]]


def test_a_batch_drawn_aside_leaves_no_trace() -> None:
    ring, player = new_ring(60, 2, seed=3), Player(2, seed=1)
    for _ in range(30):
        add(ring, *player.step())
    ring.sample(4, 2, ahead=True)
    state, own = ring.generator_state, ring.generator.bit_generator.state
    windows, importance = ring.sample_aside(4, 2, [7, 1])
    assert (ring.generator_state, ring.generator.bit_generator.state) == (state, own)
    assert importance.tolist() == [1, 1, 1, 1]
    for one, two in zip(ring.sample_aside(4, 2, [7, 1])[0], windows, strict=True):
        np.testing.assert_array_equal(one, two)
    other, _ = ring.sample_aside(4, 2, [7, 2])
    assert not np.array_equal(other.observation, windows.observation)
