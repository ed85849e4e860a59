"""A window that shows a game at its speed, and takes keys."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

import numpy as np

from console.errors import UserError

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pygame's own: pkg_resources is deprecated
    import pygame

FRAMES_PER_SEC = 60
_FACTOR = 3
_UP_DOWN = {pygame.K_UP: "UP", pygame.K_DOWN: "DOWN"}
_LEFT_RIGHT = {pygame.K_RIGHT: "RIGHT", pygame.K_LEFT: "LEFT"}


class WindowError(UserError):
    """No window can be opened."""


class WindowClosedError(Exception):
    """The user has left."""


class Window:
    """A window for the screens of one game.

    | key | what it does |
    |---|---|
    | space, p | pause, and go on; with the keyboard in control only p |
    | . | one frame, then pause |
    | m | take over with the keyboard: arrows, space for FIRE; again: give back |
    | Esc, q | leave; closing the window does the same |

    Args:
      title: what plays.
      meanings: the names of the game's actions.

    Raises:
      WindowError: if there is no display.
    """

    def __init__(self, title: str, meanings: Sequence[str]) -> None:
        self._title, self._meanings = title, list(meanings)
        self._caption = ""
        self._surface: pygame.surface.Surface | None = None
        self._held: set[int] = set()
        self.paused = False
        self.manual = False
        self._frames_due = 0  # single steps that were asked for
        try:
            pygame.display.init()
            self._clock = pygame.time.Clock()
        except pygame.error as error:
            raise _no_window(error) from None

    def close(self) -> None:
        """Close the window."""
        pygame.display.quit()

    def show(self, screen: np.ndarray, score: float, lives: int) -> None:
        """Show a frame, uint8 [height, width, 3], for a 60th of a second, or as long as paused.

        Raises:
          WindowClosedError: if the user leaves.
          WindowError: if there is no display.
        """
        picture = screen.repeat(_FACTOR, axis=0).repeat(_FACTOR, axis=1)
        if self._surface is None:
            try:
                self._surface = pygame.display.set_mode(picture.shape[1::-1])
            except pygame.error as error:
                raise _no_window(error) from None
        pygame.surfarray.blit_array(self._surface, picture.swapaxes(0, 1))
        pygame.display.flip()
        while True:
            self._take_events()
            self._write_caption(score, lives)
            self._clock.tick(FRAMES_PER_SEC)
            if not self.paused:
                return
            if self._frames_due:
                self._frames_due -= 1
                return

    def keyboard_action(self) -> int:
        """Return the action that the held keys mean, the nearest one that the game has."""
        up_down = "".join(name for key, name in _UP_DOWN.items() if key in self._held)
        left_right = "".join(name for key, name in _LEFT_RIGHT.items() if key in self._held)
        # Opposite keys cancel out.
        up_down = up_down if len(up_down) < len("UPDOWN") else ""
        left_right = left_right if len(left_right) < len("RIGHTLEFT") else ""
        fire = "FIRE" if pygame.K_SPACE in self._held else ""
        for wanted in (
            up_down + left_right + fire,
            left_right + fire,
            up_down + fire,
            fire,
            up_down + left_right,
            left_right,
            up_down,
            "NOOP",
        ):
            if wanted and wanted in self._meanings:
                return self._meanings.index(wanted)
        return 0

    def _take_events(self) -> None:
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                raise WindowClosedError
            if event.type == pygame.KEYUP:
                self._held.discard(event.key)
            elif event.type == pygame.KEYDOWN:
                self._press(event.key)

    def _press(self, key: int) -> None:
        if key in {pygame.K_ESCAPE, pygame.K_q}:
            raise WindowClosedError
        if key == pygame.K_m:
            self.manual = not self.manual
        elif key == pygame.K_p or (key == pygame.K_SPACE and not self.manual):
            self.paused = not self.paused
        elif key == pygame.K_PERIOD:
            self._frames_due += self.paused
            self.paused = True
        else:
            self._held.add(key)

    def _write_caption(self, score: float, lives: int) -> None:
        words = [self._title, f"score {score:,.0f}", f"lives {lives}"]
        words += ["you play"] * self.manual + ["paused"] * self.paused
        caption = " - ".join(words)
        if caption != self._caption:
            self._caption = caption
            pygame.display.set_caption(caption)


def _no_window(error: pygame.error) -> WindowError:
    return WindowError(
        f"no window can be opened here ({error}); run it where there is a display, or write a film "
        "with --film"
    )
