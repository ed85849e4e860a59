"""A ring of single frames from which stacks and stretches of play are rebuilt. No TensorFlow here.

One row holds one time step of every game; the same row of all games was written together. A frame
is kept once, where a stack of four would keep it four times:

    row          0 1 2 3 4 5 6 7 8
    step type    F M M M L F M M M        F = FIRST, M = MID, L = LAST
    frame        a b c d e f g h i
    stack of 3   a,a,b,c                  (FIRST stands for the frames before it)
    stack of 6   f,f,f,g                  (and not for the game before)
"""

from __future__ import annotations

import cv2
import numpy as np

from replay.arrays import Rows, empty_aligned

FIRST, MID, LAST = 0, 1, 2  # tf_agents.trajectories.StepType


class FrameStore:
    """Keeps the last `capacity` time steps of `num_envs` games, one frame each.

    Args:
      capacity: time steps in all; `capacity // num_envs` of each game are kept.
      num_envs: games side by side.
      frame_shape: shape of one frame; of the whole observation where `stack_size` is 1.
      frame_dtype: uint8 for pictures.
      stack_size: frames in an observation, stacked on its last axis; 1: no stacking.
    """

    def __init__(
        self,
        capacity: int,
        num_envs: int,
        *,
        frame_shape: tuple[int, ...] = (84, 84),
        frame_dtype: type[np.generic] | np.dtype = np.uint8,
        stack_size: int = 4,
    ) -> None:
        self.rows_kept = capacity // num_envs
        if self.rows_kept < 1:
            raise ValueError(f"a replay of {capacity} has no room for {num_envs} games")
        self.num_envs = num_envs
        self.stack_size = stack_size
        # The oldest stacks need the frames before them.
        self._size = self.rows_kept + stack_size - 1
        shape = (self._size, num_envs)
        self._rows = Rows(
            frame=np.zeros((*shape, *frame_shape), frame_dtype),
            age=np.zeros(shape, np.uint8),  # steps since FIRST, at most stack_size - 1
            step_type=np.zeros(shape, np.uint8),
            next_step_type=np.zeros(shape, np.uint8),
            action=np.zeros(shape, np.uint8),
            reward=np.zeros(shape, np.float32),
            discount=np.zeros(shape, np.float32),
        )
        self.rows_added = 0

    @staticmethod
    def bytes_needed(capacity: int, frame_bytes: int = 84 * 84) -> int:
        """Return the memory that `capacity` time steps take."""
        return capacity * (frame_bytes + 4 * 1 + 2 * 4)

    @property
    def nbytes(self) -> int:
        """The memory that the ring has taken."""
        return sum(array.nbytes for array in self._rows)

    @property
    def row_nbytes(self) -> int:
        """The memory of one row, of all games."""
        return self.nbytes // self._size

    @property
    def oldest_row(self) -> int:
        """The first row that is kept; rows are numbered from the first ever added."""
        return max(0, self.rows_added - self.rows_kept)

    @property
    def num_kept(self) -> int:
        """The number of time steps kept, all games together."""
        return (self.rows_added - self.oldest_row) * self.num_envs

    def clear(self) -> None:
        """Forget all rows; the next must be FIRST in every game."""
        self.rows_added = 0

    def add(
        self,
        step_type: np.ndarray,
        observation: np.ndarray,
        action: np.ndarray,
        next_step_type: np.ndarray,
        reward: np.ndarray,
        discount: np.ndarray,
    ) -> None:
        """Add one time step of every game; the arguments are a TF-Agents Trajectory's.

        Args:
          step_type: int [num_envs].
          observation: [num_envs, *frame_shape, stack_size]; only its newest frame is kept.
          action: int [num_envs], below 256.
          next_step_type: int [num_envs].
          reward: float [num_envs], of the step from here to the next row, raw.
          discount: float [num_envs], of the same step.

        Raises:
          ValueError: if a game goes on (MID or LAST) whose step before is not in the ring.
        """
        rows, row = self._rows, self.rows_added % self._size
        before = row - 1 if row else self._size - 1
        is_first = step_type == FIRST
        if self.rows_added:
            goes_on = rows.step_type[before] != LAST
            # A game that was left in its middle, as at a resume, ends with the row it reached.
            rows.step_type[before, is_first & goes_on] = LAST
            age = np.minimum(rows.age[before] + 1, self.stack_size - 1)
        else:
            goes_on = np.zeros(self.num_envs, bool)
            age = np.zeros(self.num_envs, np.uint8)
        if not np.all(is_first | goes_on):
            raise ValueError("the first time step of an episode that is added must be FIRST")
        rows.frame[row] = observation if self.stack_size == 1 else observation[..., -1]
        rows.age[row] = np.where(is_first, 0, age)
        rows.step_type[row] = step_type
        rows.next_step_type[row] = next_step_type
        rows.action[row] = action
        rows.reward[row] = reward
        rows.discount[row] = discount
        self.rows_added += 1

    def _steps_from(self, row: np.ndarray, game: np.ndarray, n_step: int) -> np.ndarray:
        """Return how many steps a window from `row` has, 0 where none can begin there."""
        steps = np.full(row.shape, 0)
        undecided = self._rows.step_type[row % self._size, game] != LAST
        for step in range(1, n_step + 1):
            undecided &= row + step < self.rows_added
            ends = self._rows.step_type[(row + step) % self._size, game] == LAST
            decided = undecided & (ends | (step == n_step))
            steps[decided] = step
            undecided &= ~decided
        return steps

    def trajectories(
        self, row: np.ndarray, game: np.ndarray, length: int, *, within_episode: bool
    ) -> dict[str, np.ndarray]:
        """Return time steps [B, length, ...] from `row` on, by the names of a Trajectory.

        Args:
          row: int64 [B], where each begins.
          game: int64 [B].
          length: time steps of each.
          within_episode: behind the end of the episode repeat its LAST step, with reward 0 and
            discount 1; else the next episode follows, as in TF-Agents' own buffers.
        """
        offsets = np.arange(length)
        after_end = np.zeros((len(row), length), bool)
        if within_episode:
            steps = self._steps_from(row, game, length - 1)[:, None]
            after_end = offsets > steps
            offsets = np.minimum(offsets, steps)
        rows = row[:, None] + offsets
        games = np.broadcast_to(game[:, None], rows.shape)
        kept = self._rows
        index = (rows % self._size, games)
        stacks = self.stacks(rows.reshape(-1), games.reshape(-1))
        return {
            "step_type": kept.step_type[index].astype(np.int32),
            "observation": stacks.reshape(*rows.shape, *stacks.shape[1:]),
            "action": kept.action[index].astype(np.int64),
            "next_step_type": kept.next_step_type[index].astype(np.int32),
            "reward": np.where(after_end, np.float32(0), kept.reward[index]),
            "discount": np.where(after_end, np.float32(1), kept.discount[index]),
        }

    def stacks(self, row: np.ndarray, game: np.ndarray) -> np.ndarray:
        """Return the observations of time steps, [B, *frame_shape, stack_size], newest last."""
        frames = self._rows.frame
        if self.stack_size == 1:
            return frames[row % self._size, game]
        rows = self._rows_of_stacks(row, game)
        stacks = empty_aligned((len(row), *frames.shape[2:], self.stack_size), frames.dtype)
        for stack, indices, slot in zip(stacks, rows.tolist(), game.tolist(), strict=True):
            cv2.merge([frames[index, slot] for index in indices], stack)
        return stacks

    def frames(self, row: np.ndarray, game: np.ndarray) -> np.ndarray:
        """Return the frames of observations, [B, stack_size, *frame_shape], newest last.

        Each is copied as it lies in the ring: what `stacks` does with their bytes is left to a
        device that does it faster.
        """
        kept = self._rows.frame
        flat = kept.reshape(-1, *kept.shape[2:])  # a view: one row for each game and time step
        index = self._rows_of_stacks(row, game) * self.num_envs + game[:, None]
        frames = empty_aligned((*index.shape, *kept.shape[2:]), kept.dtype)
        return np.take(flat, index, axis=0, out=frames, mode="clip")  # else numpy copies twice

    def _rows_of_stacks(self, row: np.ndarray, game: np.ndarray) -> np.ndarray:
        """Return where the frames of observations are, int64 [B, stack_size], newest last."""
        age = self._rows.age[row % self._size, game]
        back = np.arange(self.stack_size - 1, -1, -1)
        return (row[:, None] - np.minimum(back, age[:, None])) % self._size

    def rows(self, first: int, stop: int) -> Rows:
        """Return a copy of the rows from `first` up to `stop`, which must be in the ring."""
        if not self.rows_added - self._size <= first <= stop <= self.rows_added:
            raise ValueError(f"rows {first} to {stop} are not in the replay")
        index = np.arange(first, stop) % self._size
        return Rows(*(array[index] for array in self._rows))

    def put_rows(self, first: int, rows: Rows) -> None:
        """Put rows back where `rows` found them, and make them the newest.

        Raises:
          ValueError: if their shapes or dtypes are not the ring's.
        """
        count = len(rows.frame)
        for name, kept, given in zip(Rows._fields, self._rows, rows, strict=True):
            if given.dtype != kept.dtype or given.shape != (count, *kept.shape[1:]):
                raise ValueError(
                    f"replay rows hold {name} as {given.dtype} {given.shape}, "
                    f"not {kept.dtype} {(count, *kept.shape[1:])}"
                )
        done = 0
        for place in self.places(first, first + count, first + count):
            for kept, given in zip(place, rows, strict=True):
                kept[:] = given[done : done + len(kept)]
            done += len(place.frame)
        self.take_back(first, first + count)

    def places(self, first: int, stop: int, newest_stop: int) -> list[Rows]:
        """Return memory for the rows from `first` up to `stop`, in pieces, oldest first.

        It is the ring's own, which is to be filled and then taken by `take_back`. Rows that are too
        old for a ring whose rows end at `newest_stop` get memory of their own.
        """
        pieces = []
        forgotten = min(stop, newest_stop - self._size) - first
        if forgotten > 0:
            pieces.append(
                Rows(*(np.empty((forgotten, *kept.shape[1:]), kept.dtype) for kept in self._rows))
            )
            first += forgotten
        while first < stop:
            begin = first % self._size
            end = min(begin + stop - first, self._size)
            pieces.append(Rows(*(kept[begin:end] for kept in self._rows)))
            first += end - begin
        return pieces

    def take_back(self, first: int, stop: int) -> None:
        """Make the rows from `first` up to `stop`, which lie in their `places`, the newest."""
        self.rows_added = stop
        self._end_left_games(max(first, stop - self._size), stop)

    def _end_left_games(self, first: int, stop: int) -> None:
        """Make LAST of each row whose game was left in its middle before the next row's FIRST."""
        oldest = max(0, self.rows_added - self._size)
        rows = np.arange(max(first, oldest + 1), stop)  # each with the row before it in the ring
        here, before = rows % self._size, (rows - 1) % self._size
        left = (self._rows.step_type[here] == FIRST) & (self._rows.step_type[before] != LAST)
        row, game = np.nonzero(left)
        self._rows.step_type[before[row], game] = LAST
