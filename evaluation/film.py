"""Films of games: a game is played again from its actions, in color.

frames at 60 a second     1   2   3   4   5   6   7
pictures at 30 a second   max(1,2) max(3,4) max(5,6) 7
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import gym
import numpy as np

from configs import Config
from console.errors import UserError
from envs import suite
from envs.finished_game import FinishedGame
from evaluation.watch import PlayedGame, suite_seed, watched_config

PICTURES_PER_SEC = 30
FRAMES_PER_PICTURE = 2
DEFAULT_SECONDS_LIMIT = 60.0

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

    def rgb_pictures(self, limit: int | None = None) -> Iterator[tuple[np.ndarray, int]]:
        """Yield what `pictures` yields in its colors, uint8 [height, width, 3]."""
        palette = self.palette
        for indices, repeats in self.pictures(limit):
            yield palette[indices], repeats

    def limit(self, seconds: float) -> int:
        """Return how many pictures the first `seconds` have, at least 1; 0 seconds: all."""
        if not seconds:
            return len(self)
        return min(pictures_in(seconds), len(self))


def pictures_in(seconds: float) -> int:
    """Return how many pictures are shown in so many seconds, at least 1."""
    return max(1, round(seconds * PICTURES_PER_SEC))


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
        self.score = 0.0
        self.lives = 0

    @property
    def pictures(self) -> int:
        """The number of the picture that the next frame begins or completes, from 0."""
        return 0 if self._film is None else len(self._film)

    def reset(self, **kwargs: Any) -> np.ndarray:
        """Begin a game, and its film."""
        self._film = self._frame = None
        self.score, self.lives = 0.0, 0
        return self.env.reset(**kwargs)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, dict[str, Any]]:
        """Hold `action` for one frame, and film it."""
        screen, reward, done, info = self.env.step(action)
        self.score += reward
        self.lives = info.get("lives", 0)
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


class Step(NamedTuple):
    """An agent step of a game that is filmed.

    Attributes:
      picture: number of the first picture that it is on, from 0.
      observation: what the agent saw before, uint8 [84, 84, 4], newest frame last.
      action: what it did.
      score: sum of the raw rewards after it.
      lives: that are left after it.
    """

    picture: int
    observation: np.ndarray
    action: int
    score: float
    lives: int


def film_game(
    config: Config,
    game: PlayedGame,
    *,
    seed: int,
    on_step: Callable[[Step], None] | None = None,
    seconds_limit: float = 0.0,
) -> Film:
    """Play the slot of `game` again from its first action, and return the film of `game`.

    It is played in the Python pipeline, which renders in color, whatever `config.env_pipeline`
    says: both pipelines turn the same seed, slot and actions into the same games.

    Args:
      config: that of `play_games`.
      game: one that `play_games` returned.
      seed: that of `play_games`.
      on_step: called with each agent step of `game` when it is played.
      seconds_limit: no more is played and filmed than this; 0: the whole game.

    Raises:
      FilmError: if the game, played to its end, differs from `game` in score or length.
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
    time_step = env.reset()
    for number, action in enumerate(game.history):
        if number == opening:
            recorder.recording = True
        picture, observation = recorder.pictures, time_step.observation[0]
        time_step = env.step(np.array([action]))
        if on_step is not None and number >= game.first_step:
            on_step(Step(picture, observation, action, recorder.score, recorder.lives))
        if seconds_limit and recorder.pictures >= seconds_limit * PICTURES_PER_SEC:
            break
    film = recorder.finish()
    finished = env.pop_finished_games()
    env.close()
    if number + 1 == len(game.history):
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
