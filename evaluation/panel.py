"""The panel of an explained film: what the network sees, what it thinks, what it looks at.

 x  16          336 352                          736
 44 +------------+  frame  frame  frame  frame
    |    the     |  action  bar  Q-value   heat map
    |    game    |  ...                    of the decision
    |  doubled   |  value over time
464 +------------+  ------------------------------
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAME_FACTOR = 2
_MARGIN = 16
_TOP = 44
_COLUMN_WIDTH = 384
_FRAME = 84
_FRAMES_TOP = _TOP + 20
_BARS_TOP = _FRAMES_TOP + _FRAME + 30
_BARS_HEIGHT = 192
_HEAT = 168
_CURVE_TOP = _BARS_TOP + _BARS_HEIGHT + 28
_CURVE_BOTTOM = _TOP + 420

_BACKGROUND = (24, 24, 24)
_SHADE = (48, 48, 48)
_TEXT = (232, 232, 232)
_FAINT_TEXT = (160, 160, 160)
_BAR = (88, 120, 168)
_PLAYED = (248, 160, 48)

# Few colors, so that a GIF has room for them.
_HEAT_LEVELS = 16
_LEAST_SCALE = 1e-6


class Decision(NamedTuple):
    """One agent step of an explained film.

    Attributes:
      picture: number of the first picture it is on, from 0.
      packed_frames: what the network saw, uint8 [84, 84, 4], newest last, zlib-compressed: half an
        hour of play would else take 760 MB.
      action: what was played.
      score: sum of the raw rewards after it.
      lives: that are left after it.
      q_values: float32 [A].
      heat: what it depends on, float32 [14, 14]; None: not asked for.
    """

    picture: int
    packed_frames: bytes
    action: int
    score: float
    lives: int
    q_values: np.ndarray
    heat: np.ndarray | None

    @property
    def frames(self) -> np.ndarray:
        """What the network saw, uint8 [84, 84, 4], newest last."""
        content = zlib.decompress(self.packed_frames)
        return np.frombuffer(content, np.uint8).reshape(_FRAME, _FRAME, 4)


class Panel:
    """Draws decisions; all pictures of a film have the same scales.

    Args:
      title: what plays.
      meanings: the names of the actions.
      decisions: all of the film.
      game_size: height and width of the game's picture.
    """

    def __init__(
        self,
        title: str,
        meanings: Sequence[str],
        decisions: Sequence[Decision],
        game_size: tuple[int, int],
    ) -> None:
        self._title, self._meanings, self._decisions = title, meanings, decisions
        self._has_heat = decisions[0].heat is not None
        self._game_bottom = _TOP + GAME_FACTOR * game_size[0]
        self._left = 2 * _MARGIN + GAME_FACTOR * game_size[1]
        self.width = self._left + _COLUMN_WIDTH + _MARGIN
        self.height = max(self._game_bottom, _CURVE_BOTTOM) + _MARGIN
        values = np.array([decision.q_values for decision in decisions])  # [T, A]
        # The values of a moment differ by less than moments do: bars begin at the moment's least.
        spreads = values.max(axis=1) - values.min(axis=1)
        self._spread = max(float(np.quantile(spreads, 0.98)), _LEAST_SCALE)
        self._values = values.max(axis=1)
        self._heat_scale = _LEAST_SCALE
        if self._has_heat:
            heats = [decision.heat.max() for decision in decisions if decision.heat is not None]
            self._heat_scale = max(float(np.quantile(heats, 0.9)), _LEAST_SCALE)

    def draw(self, number: int) -> np.ndarray:
        """Return the whole picture but the game, uint8 [height, width, 3], of decision `number`."""
        decision = self._decisions[number]
        frames = decision.frames
        image = Image.new("RGB", (self.width, self.height), _BACKGROUND)
        draw = ImageDraw.Draw(image)
        self._draw_heading(draw, decision)
        self._draw_frames(image, draw, frames)
        self._draw_bars(draw, decision)
        if decision.heat is not None:
            self._draw_heat(image, draw, frames[..., -1], decision.heat)
        self._draw_curve(draw, number)
        return np.asarray(image)

    def place_game(self, picture: np.ndarray, game: np.ndarray) -> np.ndarray:
        """Return `picture` with the game's, uint8 [height, width, 3], at its place."""
        picture = picture.copy()
        large = game.repeat(GAME_FACTOR, axis=0).repeat(GAME_FACTOR, axis=1)
        picture[_TOP : _TOP + large.shape[0], _MARGIN : _MARGIN + large.shape[1]] = large
        return picture

    def _draw_heading(self, draw: ImageDraw.ImageDraw, decision: Decision) -> None:
        middle = _TOP / 2
        score = f"score {decision.score:,.0f}    lives {decision.lives}"
        right = self.width - _MARGIN
        room = right - font(18).getlength(score) - 2 * _MARGIN
        draw.text((_MARGIN, middle), shortened(self._title, 18, room), _TEXT, font(18), "lm")
        draw.text((right, middle), score, _TEXT, font(18), "rm")

    def _label(self, draw: ImageDraw.ImageDraw, left: float, top: float, text: str) -> None:
        draw.text((left, top - 6), text, _FAINT_TEXT, font(13), "ls")

    def _draw_frames(
        self, image: Image.Image, draw: ImageDraw.ImageDraw, frames: np.ndarray
    ) -> None:
        self._label(draw, self._left, _FRAMES_TOP, "what the network sees, newest on the right")
        gap = (_COLUMN_WIDTH - 4 * _FRAME) // 3
        for number in range(4):
            frame = Image.fromarray(np.ascontiguousarray(frames[..., number]))
            image.paste(frame, (self._left + number * (_FRAME + gap), _FRAMES_TOP))

    def _draw_bars(self, draw: ImageDraw.ImageDraw, decision: Decision) -> None:
        self._label(draw, self._left, _BARS_TOP, "Q-values; orange: played")
        row = min(32, _BARS_HEIGHT // len(self._meanings))
        letters = font(min(13, row))
        names = max(letters.getlength(name) for name in self._meanings)
        numbers = letters.getlength("-000.00")
        right = self._left + _COLUMN_WIDTH - (_HEAT + _MARGIN if self._has_heat else 0)
        start = self._left + names + 6
        room = right - numbers - 6 - start
        least = decision.q_values.min()
        for action, (name, value) in enumerate(zip(self._meanings, decision.q_values, strict=True)):
            played = action == decision.action
            top = _BARS_TOP + action * row
            middle = top + row / 2
            draw.text((self._left, middle), name, _PLAYED if played else _TEXT, letters, "lm")
            length = room * min(1.0, float(value - least) / self._spread)
            inset = max(1, row // 6)
            draw.rectangle((start, top + inset, start + room, top + row - inset), _SHADE)
            draw.rectangle(
                (start, top + inset, start + length, top + row - inset),
                _PLAYED if played else _BAR,
            )
            draw.text((right, middle), f"{value:.2f}", _TEXT, letters, "rm")

    def _draw_heat(
        self, image: Image.Image, draw: ImageDraw.ImageDraw, newest: np.ndarray, heat: np.ndarray
    ) -> None:
        left = self._left + _COLUMN_WIDTH - _HEAT
        self._label(draw, left, _BARS_TOP, "what it depends on")
        size = (_HEAT, _HEAT)
        smooth = Image.fromarray(heat / self._heat_scale).resize(size, Image.Resampling.BICUBIC)
        levels = np.clip(np.asarray(smooth) * _HEAT_LEVELS, 0, _HEAT_LEVELS - 1).astype(int)
        factor = _HEAT // _FRAME
        gray = newest.repeat(factor, axis=0).repeat(factor, axis=1)
        image.paste(Image.fromarray(_heat_colors()[levels, gray // 16]), (left, _BARS_TOP))

    def _draw_curve(self, draw: ImageDraw.ImageDraw, number: int) -> None:
        self._label(draw, self._left, _CURVE_TOP, "value over time")
        right = self._left + _COLUMN_WIDTH - 1
        draw.rectangle((self._left, _CURVE_TOP, right, _CURVE_BOTTOM - 1), _SHADE)
        low, high = float(self._values.min()), float(self._values.max())
        scale = max(high - low, _LEAST_SCALE)
        inner = _CURVE_BOTTOM - _CURVE_TOP - 8
        last = self._decisions[-1].picture or 1
        points = [
            (
                self._left + decision.picture / last * (_COLUMN_WIDTH - 3) + 1,
                _CURVE_BOTTOM - 4 - (float(value) - low) / scale * inner,
            )
            for decision, value in zip(
                self._decisions[: number + 1], self._values[: number + 1], strict=True
            )
        ]
        if len(points) > 1:
            draw.line(points, _BAR, 2)
        x, y = points[-1]
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), _PLAYED)
        now = f"{self._values[number]:.2f}   (from {low:.2f} to {high:.2f})"
        draw.text((right, _CURVE_TOP - 6), now, _TEXT, font(13), "rs")


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font, of `size` pixels."""
    return ImageFont.load_default(size)


def shortened(text: str, size: int, room: float) -> str:
    """Return `text`, with its middle left out where it is wider than `room` pixels."""
    letters = font(size)
    kept = len(text)
    shown = text
    while kept > 2 and letters.getlength(shown) > room:
        kept -= 1
        shown = f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"
    return shown


@functools.cache
def _heat_colors() -> np.ndarray:
    """Return the color of each heat and gray, uint8 [16, 16, 3]: gray, then red, then yellow."""
    heat = np.linspace(0, 1, _HEAT_LEVELS)[:, None, None]
    gray = (np.arange(16) * 17 * 0.7)[None, :, None]
    red_to_yellow = np.concatenate([np.full_like(heat, 255), 220 * heat**2, 0 * heat], axis=-1)
    return np.rint(gray * (1 - heat) + red_to_yellow * heat).astype(np.uint8)
