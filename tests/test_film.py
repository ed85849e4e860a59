"""Films: every pixel and every hundredth of a second, read back by Pillow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gym
import numpy as np
import pytest
from PIL import GifImagePlugin, Image

from configs import Config
from console.errors import UserError
from envs import suite
from evaluation import files, film, gif
from evaluation.watch import PlayedGame, play_games, suite_seed, watched_config


def _read(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """Return the pictures of a GIF, uint8 [height, width, 3], and their times in 1/100 s."""
    pictures, delays = [], []
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            pictures.append(np.asarray(image.convert("RGB")))
            delays.append(int(image.info["duration"]) // 10)
    return pictures, delays


def _picture(value: int, height: int = 3, width: int = 4) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def _film(*pictures: np.ndarray) -> film.Film:
    result = film.Film(*pictures[0].shape[:2])
    for picture in pictures:
        result.append(picture)
    return result


class _ScriptedGame(gym.Env):
    """Shows the frames of a script, one for each step."""

    def __init__(self, frames: list[np.ndarray]) -> None:
        self._frames = iter(frames)

    def reset(self, **kwargs: Any) -> np.ndarray:
        return _picture(255)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, dict[str, Any]]:
        return next(self._frames), 0.0, False, {}


class TestRecorder:
    def _pictures(self, values: list[int]) -> list[int]:
        recorder = film.Recorder(_ScriptedGame([_picture(value) for value in values]))
        recorder.recording = True
        recorder.reset()
        for _ in values:
            recorder.step(0)
        result = recorder.finish()
        return [
            int(result.palette[indices[0, 0]][0])
            for indices, repeats in result.pictures()
            for _ in range(repeats)
        ]

    def test_a_picture_is_the_maximum_of_two_frames(self) -> None:
        assert self._pictures([1, 9, 5, 2, 3, 3]) == [9, 5, 3]

    def test_a_last_frame_without_partner_is_a_picture(self) -> None:
        assert self._pictures([1, 9, 7]) == [9, 7]

    def test_maximum_is_color_by_color(self) -> None:
        red, green = np.zeros((2, 1, 1, 3), np.uint8)
        red[0, 0], green[0, 0] = (200, 10, 0), (30, 90, 0)
        recorder = film.Recorder(_ScriptedGame([red, green]))
        recorder.recording = True
        recorder.reset()
        recorder.step(0), recorder.step(0)
        assert recorder.finish().palette.tolist() == [[200, 90, 0]]

    def test_a_reset_begins_anew(self) -> None:
        recorder = film.Recorder(_ScriptedGame([_picture(v) for v in (1, 2, 3, 4, 5)]))
        recorder.recording = True
        recorder.reset()
        for _ in range(3):
            recorder.step(0)
        recorder.reset()
        recorder.step(0), recorder.step(0)
        assert recorder.finish().palette.tolist() == [[5, 5, 5]]

    def test_nothing_is_filmed_before_it_is_told(self) -> None:
        recorder = film.Recorder(_ScriptedGame([_picture(1), _picture(2)]))
        recorder.reset()
        recorder.step(0)
        with pytest.raises(film.FilmError, match="nothing on the film"):
            recorder.finish()


class TestGif:
    def test_pictures_are_shown_for_3_3_and_4_hundredths(self, tmp_path: Path) -> None:
        tape = _film(*[_picture(value) for value in range(7)])
        seconds, size_bytes = gif.write_gif(tape, tmp_path / "a.gif")
        pictures, delays = _read(tmp_path / "a.gif")
        assert delays == [3, 3, 4, 3, 3, 4, 3]
        assert [int(picture[0, 0, 0]) for picture in pictures] == [0, 1, 2, 3, 4, 5, 6]
        assert seconds == 7 / 30
        assert size_bytes == (tmp_path / "a.gif").stat().st_size

    def test_equal_neighbors_are_one_picture(self, tmp_path: Path) -> None:
        tape = _film(*[_picture(value) for value in (1, 1, 2, 2, 2, 2, 1)])
        gif.write_gif(tape, tmp_path / "a.gif")
        _, delays = _read(tmp_path / "a.gif")
        assert delays == [6, 4 + 3 + 3 + 4, 3]
        assert len(tape) == 7

    def test_loops_forever(self, tmp_path: Path) -> None:
        gif.write_gif(_film(_picture(1), _picture(2)), tmp_path / "a.gif")
        with Image.open(tmp_path / "a.gif") as image:
            assert image.info["loop"] == 0

    def test_one_picture(self, tmp_path: Path) -> None:
        gif.write_gif(_film(_picture(9)), tmp_path / "a.gif")
        pictures, delays = _read(tmp_path / "a.gif")
        assert (len(pictures), delays) == (1, [3])

    def test_length_limit(self, tmp_path: Path) -> None:
        tape = _film(*[_picture(value // 2) for value in range(90)])
        seconds, _ = gif.write_gif(tape, tmp_path / "a.gif", seconds_limit=1.5)
        assert (seconds, sum(_read(tmp_path / "a.gif")[1])) == (1.5, 150)
        seconds, _ = gif.write_gif(tape, tmp_path / "a.gif", seconds_limit=0)
        assert (seconds, sum(_read(tmp_path / "a.gif")[1])) == (3.0, 300)
        # In the middle of a picture that is repeated:
        seconds, _ = gif.write_gif(tape, tmp_path / "a.gif", seconds_limit=0.1)
        assert (seconds, _read(tmp_path / "a.gif")[1]) == (0.1, [6, 4])

    def test_limit_is_a_minute(self, tmp_path: Path) -> None:
        tape = _film(_picture(1), *[_picture(2)] * (61 * 30))
        seconds, _ = gif.write_gif(tape, tmp_path / "a.gif")
        assert (seconds, sum(_read(tmp_path / "a.gif")[1])) == (60.0, 6_000)

    def test_a_picture_longer_than_a_delay_can_be(self, tmp_path: Path) -> None:
        minutes = 11 * 60 * 30
        tape = _film(_picture(1), *[_picture(2)] * minutes, _picture(3))
        gif.write_gif(tape, tmp_path / "a.gif", seconds_limit=0)
        pictures, delays = _read(tmp_path / "a.gif")
        assert sum(delays) == (minutes + 2) * 100 // 30
        assert max(delays) <= 65_535
        assert [int(picture[0, 0, 0]) for picture in pictures] == [1, 2, 2, 3]

    @pytest.mark.parametrize("count", [2, 255, 256])
    def test_up_to_256_colors_are_exact(self, tmp_path: Path, count: int) -> None:
        generator = np.random.default_rng(count)
        colors = np.unique(generator.integers(0, 256, (count * 2, 3), np.uint8), axis=0)[:count]
        first = colors[generator.permuted(np.resize(np.arange(count), 17 * 19))]
        first = first.reshape(17, 19, 3)
        pictures = [first, first[::-1], first[:, ::-1], first]
        tape = _film(*pictures)
        assert len(tape.palette) == count
        gif.write_gif(tape, tmp_path / "a.gif")
        for picture, expected in zip(_read(tmp_path / "a.gif")[0], pictures, strict=True):
            np.testing.assert_array_equal(picture, expected)

    def test_of_more_colors_the_commonest_are_exact(self, tmp_path: Path) -> None:
        # 300 grays and blues: color i covers 2 pixels if i < 192, else 1.
        colors = np.array([(i % 256, i % 256, i // 2) for i in range(300)], np.uint8)
        pixels = np.concatenate([colors, colors[:192]]).reshape(12, 41, 3)
        tape = _film(pixels, pixels[::-1])
        assert len(tape.palette) == 300
        gif.write_gif(tape, tmp_path / "a.gif")
        (first, second), _ = _read(tmp_path / "a.gif")
        np.testing.assert_array_equal(second, first[::-1])
        shown, true = first.reshape(-1, 3).astype(int), pixels.reshape(-1, 3).astype(int)
        exact = np.r_[0:192, 300:492]
        np.testing.assert_array_equal(shown[exact], true[exact])
        assert np.abs(shown - true).max() < 40
        assert len(np.unique(shown, axis=0)) <= 256

    def test_a_file_is_replaced_only_when_complete(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "a.gif"
        path.write_bytes(b"old")
        tape = _film(_picture(1), _picture(2))

        def fail(*_: object, **__: object) -> None:
            raise OSError("disk full")

        with monkeypatch.context() as broken:
            broken.setattr(GifImagePlugin, "getdata", fail)
            with pytest.raises(OSError, match="disk full"):
                gif.write_gif(tape, path)
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]
        gif.write_gif(tape, path)
        assert path.read_bytes().startswith(b"GIF89a")
        assert list(tmp_path.iterdir()) == [path]


class _Screens(gym.Wrapper):
    """The naive recorder: keeps every screen since the last reset."""

    def reset(self, **kwargs: Any) -> np.ndarray:
        self.screens: list[np.ndarray] = []
        return self.env.reset(**kwargs)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, dict[str, Any]]:
        screen, reward, done, info = self.env.step(action)
        self.screens.append(screen.copy())
        return screen, reward, done, info


def _screens(config: Config, game: PlayedGame, seed: int) -> list[np.ndarray]:
    """Return the emulator's own frames of `game`, by playing its slot again."""
    wrappers: list[_Screens] = []

    def wrap(env: gym.Env) -> gym.Env:
        wrappers.append(_Screens(env))
        return wrappers[0]

    env = suite.load(
        watched_config(config).replace(env_pipeline="suite"),
        1,
        suite_seed(seed),
        first_slot=game.slot,
        gym_wrappers=[wrap],
    )
    env.reset()
    for action in game.history:
        env.step(np.array([action]))
    return wrappers[0].screens


def _naive_pictures(screens: list[np.ndarray]) -> Iterator[np.ndarray]:
    for first, second in itertools.zip_longest(screens[::2], screens[1::2]):
        yield first if second is None else np.maximum(first, second)


@pytest.mark.parametrize(
    ("game", "limit_agent_steps", "which"),
    [
        ("Breakout", 101, 11),  # the second game of its slot, ended by the time limit
        ("SpaceInvaders", 27_000, 1),  # a first game, with shots that blink, ended by game over
    ],
)
def test_a_gif_of_a_real_game_is_the_emulators_picture(
    tmp_path: Path, game: str, limit_agent_steps: int, which: int
) -> None:
    config = Config(game=game, max_agent_steps_per_game=limit_agent_steps)
    played = play_games(config, None, games=which, epsilon=1.0, seed=5)[-1]
    assert played.number == which
    tape = film.film_game(config, played, seed=5)
    seconds, _ = gif.write_gif(tape, tmp_path / "a.gif", seconds_limit=0)
    screens = _screens(config, played, seed=5)
    expected = list(_naive_pictures(screens))
    assert 0 <= played.frames - len(screens) <= config.noop_start_max_frames
    assert len(tape) == len(expected)
    assert seconds == tape.seconds == pytest.approx(len(screens) / 60, abs=1 / 30)
    pictures, delays = _read(tmp_path / "a.gif")
    assert pictures[0].shape == (210, 160, 3)
    assert sum(delays) == int(seconds * 100)
    assert len(tape.palette) < 64
    ends = np.cumsum(delays)
    for number, picture in enumerate(expected):
        shown = int(np.searchsorted(ends, number * 100 // 30, side="right"))
        np.testing.assert_array_equal(pictures[shown], picture)


def test_a_game_that_plays_differently_is_not_filmed() -> None:
    config = Config(max_agent_steps_per_game=60)
    (game,) = play_games(config, None, games=1, epsilon=1.0, seed=5)
    film.film_game(config, game, seed=5)
    with pytest.raises(film.FilmError, match=r"game 1 had score 99 after 60 .* had score [0-9] "):
        film.film_game(config, game._replace(score=99.0), seed=5)
    unfinished = game._replace(history=game.history[:-1])
    with pytest.raises(film.FilmError, match="played again it had no end"):
        film.film_game(config, unfinished, seed=5)


def test_unwritable_places(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, sentence in [
        (tmp_path / "none" / "a.gif", "there is no folder .*none; make it first"),
        (tmp_path / "file" / "a.gif", "there is no folder .*file; make it first"),
        (tmp_path, "is a folder; name a file in it"),
        (tmp_path / ("x" * 300 + ".gif"), r"cannot be written \(File name too long\)"),
    ]:
        with pytest.raises(UserError, match=f"^--gif .*{sentence}"):
            files.check_writable(path, "--gif")
    files.check_writable(tmp_path / "a.gif", "--gif")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
