"""The window under a virtual screen: keys that are posted, and a game that they drive."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from configs import Config
from envs.ale import action_meanings
from envs.finished_game import FinishedGame
from evaluation.live import play_in_window
from evaluation.watch import play_games
from evaluation.window import Window, WindowClosedError, WindowError

import pygame  # isort: skip - behind evaluation.window, which keeps it quiet

_SCREEN = np.zeros((210, 160, 3), np.uint8)
_ALL_ACTIONS = action_meanings("Alien")
_BREAKOUT = action_meanings("Breakout")  # NOOP, FIRE, RIGHT, LEFT


def _press(*keys: int) -> None:
    for key in keys:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))


def _release(*keys: int) -> None:
    for key in keys:
        pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key))


@pytest.fixture(autouse=True)
def _virtual_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


@pytest.fixture
def window() -> Iterator[Window]:
    result = Window("Alien", _ALL_ACTIONS)
    result.show(_SCREEN, 0.0, 3)
    yield result
    result.close()


def _caption() -> str:
    return pygame.display.get_caption()[0]


def test_a_screen_is_shown_three_times_as_large(window: Window) -> None:
    screen = np.random.default_rng(1).integers(0, 256, (210, 160, 3), np.uint8)
    window.show(screen, 1_234.0, 2)
    assert _caption() == "Alien - score 1,234 - lives 2"
    shown = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
    np.testing.assert_array_equal(shown, screen.repeat(3, 0).repeat(3, 1))


@pytest.mark.parametrize("key", [pygame.K_ESCAPE, pygame.K_q])
def test_leaving(window: Window, key: int) -> None:
    _press(key)
    with pytest.raises(WindowClosedError):
        window.show(_SCREEN, 0.0, 3)


def test_closing_the_window(window: Window) -> None:
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    with pytest.raises(WindowClosedError):
        window.show(_SCREEN, 0.0, 3)


def test_a_pause_holds_the_frame_until_a_step_or_its_end(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is pressed in each 60th of a second: a pause, nothing, a step; a step; nothing, go on.
    tape: list[tuple[int, ...]] = [
        (pygame.K_SPACE,),
        (),
        (pygame.K_PERIOD,),
        (pygame.K_PERIOD,),
        (),
        (pygame.K_SPACE,),
    ]
    left = iter(tape)
    captions = []

    class _Clock:
        def tick(self, frames_per_sec: int) -> None:
            assert frames_per_sec == 60
            captions.append(_caption())
            _press(*next(left, ()))

    monkeypatch.setattr(window, "_clock", _Clock())
    ticks = []
    for _ in range(4):
        window.show(_SCREEN, 0.0, 3)
        ticks.append(len(captions))
    # 1: the pause is pressed while frame 1 is shown. 2: nothing, then a step. 3: a step at once.
    assert ticks == [1, 4, 5, 7]
    assert [caption.endswith("paused") for caption in captions] == [False, *[True] * 5, False]


def test_a_step_while_the_game_runs_is_a_pause(window: Window) -> None:
    _press(pygame.K_PERIOD, pygame.K_PERIOD)
    window.show(_SCREEN, 0.0, 3)  # held by the first, let go by the second
    assert window.paused


@pytest.mark.parametrize(
    ("keys", "meanings", "expected"),
    [
        ((), _ALL_ACTIONS, "NOOP"),
        ((pygame.K_UP,), _ALL_ACTIONS, "UP"),
        ((pygame.K_RIGHT, pygame.K_UP, pygame.K_SPACE), _ALL_ACTIONS, "UPRIGHTFIRE"),
        ((pygame.K_LEFT, pygame.K_RIGHT, pygame.K_DOWN), _ALL_ACTIONS, "DOWN"),
        ((pygame.K_LEFT,), _BREAKOUT, "LEFT"),
        ((pygame.K_LEFT, pygame.K_SPACE), _BREAKOUT, "FIRE"),
        ((pygame.K_LEFT, pygame.K_UP), _BREAKOUT, "LEFT"),
        ((pygame.K_UP,), _BREAKOUT, "NOOP"),
        ((pygame.K_UP,), ("UPFIRE", "FIRE"), "UPFIRE"),
    ],
)
def test_held_keys_are_the_nearest_action(
    keys: tuple[int, ...], meanings: tuple[str, ...], expected: str
) -> None:
    window = Window("a game", meanings)
    window.show(_SCREEN, 0.0, 3)
    _press(pygame.K_m, pygame.K_x, *keys)
    _release(pygame.K_x)
    window.show(_SCREEN, 0.0, 3)
    assert (window.manual, window.paused) == (True, False)  # space is FIRE now
    assert _caption() == "a game - score 0 - lives 3 - you play"
    assert meanings[window.keyboard_action()] == expected
    _release(*keys)
    _press(pygame.K_m)
    window.show(_SCREEN, 0.0, 3)
    assert (window.manual, window.paused) == (False, False)
    window.close()


def test_a_game_in_the_window_is_that_of_an_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.window.FRAMES_PER_SEC", 0)  # as fast as it goes
    config = Config(max_agent_steps_per_game=60)
    (expected,) = play_games(config, None, games=1, epsilon=1.0, seed=5)
    played: list[FinishedGame] = []
    ended = play_in_window(
        config, None, games=1, epsilon=1.0, seed=5, title="Breakout", on_game=played.append
    )
    assert ended == 1
    assert (played[0].score, played[0].frames) == (expected.score, expected.frames)
    assert not pygame.display.get_init()  # closed


def test_the_keyboard_plays_after_m_until_m(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.window.FRAMES_PER_SEC", 0)
    config = Config(max_agent_steps_per_game=30, noop_start_max_frames=0)
    frames = 0
    actions: list[int] = []

    class _Taped(Window):
        def show(self, screen: np.ndarray, score: float, lives: int) -> None:
            nonlocal frames
            frames += 1
            if frames == 40:
                _press(pygame.K_m, pygame.K_RIGHT)
            if frames == 80:
                _press(pygame.K_m)
            if frames == 100:
                _press(pygame.K_q)
            super().show(screen, score, lives)

        def keyboard_action(self) -> int:
            actions.append(super().keyboard_action())
            return actions[-1]

    monkeypatch.setattr("evaluation.live.Window", _Taped)
    ended = play_in_window(
        config, lambda observation: np.array([0]), games=9, epsilon=0.0, seed=5, title="Breakout"
    )
    assert (ended, frames) == (0, 100)
    assert actions == [2] * 10  # RIGHT, for forty frames


def test_no_display_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "there-is-no-such-driver")
    with pytest.raises(WindowError, match=r"^no window can be opened here \(.*--film$") as caught:
        Window("a game", _BREAKOUT).show(_SCREEN, 0.0, 3)
    assert "\n" not in str(caught.value)
