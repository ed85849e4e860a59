"""Films of games: a game is played again from its actions, in color, and written as a GIF.

frames at 60 a second     1   2   3   4   5   6   7
pictures at 30 a second   max(1,2) max(3,4) max(5,6) 7
shown, in 1/100 s         3        3        4        3 ...
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import gym
import numpy as np
from PIL import GifImagePlugin, Image

from configs import Config
from console.errors import UserError
from envs import suite
from envs.finished_game import FinishedGame
from evaluation.files import replaced_file
from evaluation.watch import PlayedGame, suite_seed, watched_config

PICTURES_PER_SEC = 30
FRAMES_PER_PICTURE = 2
DEFAULT_SECONDS_LIMIT = 60.0

_MAX_GIF_COLORS = 256
# Where a film has more colors than a GIF: so many of the commonest stay exact.
_EXACT_COLORS = 192
_MAX_GIF_DELAY = 65_535  # 1/100 s
_DISPOSAL_KEEP = 1  # a picture is drawn over the one before

_NO_INDEX = 0xFFFF


class FilmError(UserError):
    """A game could not be filmed as it was played."""


class Film:
    """Pictures at 30 a second as palette indices, zlib-compressed; equal neighbors are one.

    A minute takes about a megabyte, where its RGB would take 181.

    Args:
      height: pixels; ALE's own, 210 in most games.
      width: pixels; ALE's own, 160.
    """

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self._pictures: list[bytes] = []
        self._repeats: list[int] = []
        self._last: np.ndarray | None = None
        self._colors: list[int] = []  # 0xRRGGBB, in the order they appeared
        # A table of all 2**24 colors is faster than a search: 50 microseconds a picture.
        self._index_of = np.full(1 << 24, _NO_INDEX, np.uint16)

    def append(self, picture: np.ndarray) -> None:
        """Add the next picture, uint8 [height, width, 3]."""
        rgb = picture.astype(np.uint32)
        packed = rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]
        indices = self._index_of[packed]
        unknown = indices == _NO_INDEX
        if unknown.any():
            for color in np.unique(packed[unknown]).tolist():
                self._index_of[color] = len(self._colors)
                self._colors.append(color)
            indices = self._index_of[packed]
        if self._last is not None and np.array_equal(indices, self._last):
            self._repeats[-1] += 1
            return
        self._pictures.append(zlib.compress(indices.tobytes(), level=1))
        self._repeats.append(1)
        self._last = indices

    def __len__(self) -> int:
        """The number of pictures, repeated ones counted as often as they are shown."""
        return sum(self._repeats)

    @property
    def seconds(self) -> float:
        """How long the film is."""
        return len(self) / PICTURES_PER_SEC

    @property
    def palette(self) -> np.ndarray:
        """The colors, uint8 [n, 3], in the order they appeared."""
        colors = np.array(self._colors, np.uint32)
        return np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=-1).astype(np.uint8)

    def pictures(self, limit: int | None = None) -> Iterator[tuple[np.ndarray, int]]:
        """Yield each picture (indices into `palette`, uint16 [height, width]) and its repeats.

        Args:
          limit: stop after so many pictures, repeats counted; None: yield all.
        """
        left = len(self) if limit is None else min(limit, len(self))
        for picture, repeats in zip(self._pictures, self._repeats, strict=True):
            if left <= 0:
                return
            indices = np.frombuffer(zlib.decompress(picture), np.uint16)
            yield indices.reshape(self.height, self.width), min(repeats, left)
            left -= repeats


class Recorder(gym.Wrapper):
    """Films the game at 60 frames a second that it is put around, while `recording` is set.

    A picture is the maximum of two consecutive frames, color by color: many games draw a sprite in
    every other frame only. A last frame without a partner is a picture of its own. A reset begins
    the film anew, so that it holds one game from the first action, that of the start of a life, to
    its last frame. The frames of NOOP before are no steps of this environment and are left out.
    """

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env)
        self.recording = False
        self._film: Film | None = None
        self._frame: np.ndarray | None = None  # one that waits for its partner

    def reset(self, **kwargs: Any) -> np.ndarray:
        """Begin a game, and its film."""
        self._film = self._frame = None
        return self.env.reset(**kwargs)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, dict[str, Any]]:
        """Hold `action` for one frame, and film it."""
        screen, reward, done, info = self.env.step(action)
        if self.recording:
            self._add(screen)
        return screen, reward, done, info

    def _add(self, screen: np.ndarray) -> None:
        if self._film is None:
            self._film = Film(*screen.shape[:2])
        if self._frame is None:
            self._frame = screen
        else:
            self._film.append(np.maximum(self._frame, screen))
            self._frame = None

    def finish(self) -> Film:
        """Return the film of the game so far, and record no longer.

        Raises:
          FilmError: if no frame was recorded.
        """
        self.recording = False
        if self._film is None:
            raise FilmError("there is nothing on the film; record at least one frame")
        if self._frame is not None:
            self._film.append(self._frame)
            self._frame = None
        return self._film


def film_game(config: Config, game: PlayedGame, *, seed: int) -> Film:
    """Play the slot of `game` again from its first action, and return the film of `game`.

    It is played in the Python pipeline, which renders in color, whatever `config.env_pipeline`
    says: both pipelines turn the same seed, slot and actions into the same games.

    Args:
      config: that of `play_games`.
      game: one that `play_games` returned.
      seed: that of `play_games`.

    Raises:
      FilmError: if the game played again differs from `game` in score or length.
    """
    recorders: list[Recorder] = []

    def recorded(env: gym.Env) -> gym.Env:
        recorders.append(Recorder(env))
        return recorders[-1]

    env = suite.load(
        watched_config(config).replace(env_pipeline="suite"),
        1,
        suite_seed(seed),
        first_slot=game.slot,
        gym_wrappers=[recorded],
    )
    (recorder,) = recorders
    # The game begins in the step after the last LAST, or in the environment's first reset.
    opening = game.first_step - 1
    recorder.recording = opening < 0
    env.reset()
    for number, action in enumerate(game.history):
        if number == opening:
            recorder.recording = True
        env.step(np.array([action]))
    film = recorder.finish()
    finished = env.pop_finished_games()
    env.close()
    check_same_game(game, finished)
    return film


def check_same_game(game: PlayedGame, again: Sequence[FinishedGame]) -> None:
    """Raise FilmError if the last of the games played `again` differs from `game`."""
    played, repeated = _facts(game), _facts(again[-1]) if again else "no end"
    if played != repeated:
        raise FilmError(
            f"game {game.number} had {played}, but played again it had {repeated}, so no film "
            "of it is written; were config, seed and ale-py those that it was played with?"
        )


def _facts(game: Any) -> str:
    return f"score {game.score:g} after {game.agent_steps} agent steps and {game.frames} frames"


def write_gif(
    film: Film, path: str | Path, seconds_limit: float = DEFAULT_SECONDS_LIMIT
) -> tuple[float, int]:
    """Write `film` at its real speed, pixel by pixel and color by color, looping forever.

    GIF counts time in hundredths of a second: pictures are shown for 3, 3 and 4 of them in turn.
    Each picture after the first holds only the box that changed. Pillow compresses; the file is
    put together here, one picture at a time, because Pillow keeps all pictures in memory and gives
    each its own palette. If a film has more than 256 colors, the 192 commonest stay exact and the
    others are merged into 64 by Pillow's median cut.

    Args:
      film: at least one picture.
      path: replaced when the new file is complete.
      seconds_limit: the film is cut off here; 0: never.

    Returns:
      how many seconds were written, and how many bytes.

    Raises:
      OSError: if the file cannot be written.
    """
    limit = round(seconds_limit * PICTURES_PER_SEC) if seconds_limit else None
    palette, gif_index = _gif_palette(film, limit)
    # An index that no color uses marks the pixels that stay as they are.
    unchanged_index = len(palette) if len(palette) < _MAX_GIF_COLORS else None
    shown, previous = 0, None
    with replaced_file(Path(path)) as file:
        file.write(_gif_header(film, palette))
        for indices, repeats in film.pictures(limit):
            delay = _hundredths(shown + repeats) - _hundredths(shown)
            shown += repeats
            picture = gif_index[indices]
            while delay > 0:
                part = min(delay, _MAX_GIF_DELAY)
                _write_picture(file, picture, previous, part, unchanged_index)
                previous, delay = picture, delay - part
        file.write(b";")
        size_bytes = file.tell()
    return shown / PICTURES_PER_SEC, size_bytes


def _hundredths(pictures: int) -> int:
    return pictures * 100 // PICTURES_PER_SEC


def _gif_palette(film: Film, limit: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return at most 256 colors, uint8 [n, 3], and the uint8 index of each color of the film."""
    palette = film.palette
    if len(palette) <= _MAX_GIF_COLORS:
        return palette, np.arange(len(palette), dtype=np.uint8)
    counts = np.zeros(len(palette), np.int64)
    for indices, repeats in film.pictures(limit):
        counts += repeats * np.bincount(indices.ravel(), minlength=len(palette))
    by_count = np.argsort(-counts, kind="stable")
    exact, surplus = by_count[:_EXACT_COLORS], by_count[_EXACT_COLORS:]
    merged = Image.fromarray(palette[surplus][None]).quantize(
        _MAX_GIF_COLORS - _EXACT_COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    merged_colors = np.array(merged.getpalette(), np.uint8).reshape(-1, 3)
    gif_index = np.empty(len(palette), np.uint8)
    gif_index[exact] = np.arange(_EXACT_COLORS)
    gif_index[surplus] = _EXACT_COLORS + np.asarray(merged)[0]
    merged_count = _MAX_GIF_COLORS - _EXACT_COLORS
    return np.concatenate([palette[exact], merged_colors[:merged_count]]), gif_index


def _gif_header(film: Film, palette: np.ndarray) -> bytes:
    """Return the header, a table of 256 colors, and the extension that loops forever."""
    table = palette.tobytes().ljust(3 * _MAX_GIF_COLORS, b"\0")
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", film.width, film.height, 0xF7, 0, 0)
        + table
        + b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
    )


def _write_picture(
    file: IO[bytes],
    picture: np.ndarray,
    previous: np.ndarray | None,
    delay: int,
    unchanged_index: int | None,
) -> None:
    """Write the part of `picture` that differs from `previous`, shown for `delay` hundredths."""
    top, left, part = 0, 0, picture
    options: dict[str, int] = {"duration": delay * 10, "disposal": _DISPOSAL_KEEP}
    if previous is not None:
        changed = picture != previous
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        if not len(rows):
            rows = columns = np.array([0])
        top, left = int(rows[0]), int(columns[0])
        box = np.s_[top : rows[-1] + 1, left : columns[-1] + 1]
        part = picture[box]
        if unchanged_index is not None:
            part = np.where(changed[box], part, np.uint8(unchanged_index))
            options["transparency"] = unchanged_index
    image = Image.fromarray(np.ascontiguousarray(part))  # 8-bit numbers; the table is the header's
    for block in GifImagePlugin.getdata(image, (left, top), **options):
        file.write(block)
