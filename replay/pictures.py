"""Sub-episodes of a run's replay as pictures. No TensorFlow here."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from replay.arrays import Rows
from replay.frame_ring import FrameRing
from replay.frame_store import FIRST, LAST
from replay.segments import SegmentError

_SCALE = 2  # pixels for each of a frame
_MARGIN, _TEXT_HEIGHT = 6, 26
_BACKGROUND, _INK = (255, 255, 255), (0, 0, 0)
_STEP_NAMES = {FIRST: "FIRST", LAST: "LAST"}
_STEP_COLORS = {FIRST: (0, 150, 0), LAST: (210, 0, 0)}


class SubEpisode(NamedTuple):
    """Time steps that follow one another in one game, T of them.

    Attributes:
      frames: uint8 [T, height, width], the newest of each observation.
      step_types: int [T].
      actions: int [T], chosen there; without meaning at a LAST.
      rewards: float [T], raw, for these actions.
      row: where it begins, counted from the first row that the run ever stored.
      game: which of the games side by side.
    """

    frames: np.ndarray
    step_types: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    row: int
    game: int


def sampled_sub_episodes(folder: Path, count: int, agent_steps: int, seed: int) -> list[SubEpisode]:
    """Draw sub-episodes from the files that a checkpoint left, by the draw that training uses.

    Files are drawn by the rows that they hold; a sub-episode lies in one file and one episode, so
    it may be shorter than asked for where its episode ends.

    Args:
      folder: with the files `rows-*.npz`.
      count: how many.
      agent_steps: of each, at the most.
      seed: the same seed draws the same.

    Raises:
      SegmentError: if there is no file, or one is damaged.
      ValueError: if a file holds no stretch of so many agent steps.
    """
    paths = sorted(folder.glob("rows-*.npz"))
    if not paths:
        raise SegmentError(f"{folder} holds no replay")
    spans = [tuple(map(int, path.stem.split("-")[1:])) for path in paths]
    sizes = np.array([stop - first for first, stop in spans], float)
    if (is_long := sizes > agent_steps).any():  # a stop may have left a file of few rows
        sizes *= is_long
    generator = np.random.default_rng(seed)
    drawn = np.bincount(generator.choice(len(paths), count, p=sizes / sizes.sum()))
    found: list[SubEpisode] = []
    for path, (first, _), wanted in zip(paths, spans, drawn, strict=False):
        if wanted:
            ring = _ring_of(path, first, int(generator.integers(2**31)))
            found += _drawn(ring, int(wanted), agent_steps)
    return found


def drawing(episodes: Sequence[SubEpisode], meanings: Sequence[str]) -> Image.Image:
    """Return a picture with a row for each sub-episode: frames, and under each what happened there.

    Args:
      episodes: at least one.
      meanings: of the actions, by number.
    """
    height, width = (_SCALE * side for side in episodes[0].frames.shape[1:])
    cell_width, cell_height = width + _MARGIN, height + _TEXT_HEIGHT + _MARGIN
    longest = max(len(episode.frames) for episode in episodes)
    size = (longest * cell_width + _MARGIN, len(episodes) * cell_height + _MARGIN)
    picture = Image.new("RGB", size, _BACKGROUND)
    draw = ImageDraw.Draw(picture)
    for number, episode in enumerate(episodes):
        top = number * cell_height + _MARGIN
        for step, frame in enumerate(episode.frames):
            left, kind = step * cell_width + _MARGIN, int(episode.step_types[step])
            image = Image.fromarray(frame).resize((width, height), Image.Resampling.NEAREST)
            picture.paste(image, (left, top))
            if kind in _STEP_COLORS:
                frame_box = (left, top, left + width - 1, top + height - 1)
                draw.rectangle(frame_box, outline=_STEP_COLORS[kind], width=3)
            draw.text((left, top + height), caption(episode, step, meanings), _INK)
    return picture


def caption(episode: SubEpisode, step: int, meanings: Sequence[str]) -> str:
    """Return two lines: step type and action, then the reward if it is not 0."""
    kind = int(episode.step_types[step])
    words = [_STEP_NAMES[kind]] if kind in _STEP_NAMES else []
    reward = ""
    if kind != LAST:
        action = int(episode.actions[step])
        words.append(meanings[action] if action < len(meanings) else f"action {action}")
        reward = f"reward {episode.rewards[step]:+g}" if episode.rewards[step] else ""
    return f"{' '.join(words)}\n{reward}"


def _ring_of(path: Path, first: int, seed: int) -> FrameRing:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            rows = Rows(*(arrays[name] for name in Rows._fields))
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise SegmentError(f"{path} is missing or damaged ({error})") from error
    count, games = rows.action.shape
    ring = FrameRing(
        count * games,
        games,
        frame_shape=rows.frame.shape[2:],
        frame_dtype=rows.frame.dtype,
        stack_size=1,  # a stack may reach back behind the file
        seed=seed,
    )
    ring.put_rows(first, rows)
    return ring


def _drawn(ring: FrameRing, count: int, agent_steps: int) -> list[SubEpisode]:
    row, game, steps = ring.draw(count, agent_steps)
    items = ring.trajectories(row, game, agent_steps + 1, within_episode=True)
    return [
        SubEpisode(
            frames=items["observation"][index, : steps[index] + 1],
            step_types=items["step_type"][index, : steps[index] + 1],
            actions=items["action"][index, : steps[index] + 1],
            rewards=items["reward"][index, : steps[index] + 1],
            row=int(row[index]),
            game=int(game[index]),
        )
        for index in range(count)
    ]
