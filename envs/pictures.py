"""Pictures of the preprocessing: each stage of an agent step, and a stack in four colors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw

from configs import Config
from envs import ale, starts

FRAME_SKIP = 4
STACK_SIZE = 4
SIDE = 84  # pixels of an observation

# Oldest to newest; they sum up to white, so that what stands still is gray and what moves is not.
STACK_COLORS = np.array([[0.5, 0, 0], [0.25, 0.5, 0], [0, 0.5, 0.5], [0.25, 0, 0.5]])

_STAGES = ("emulator, {} x {}", "gray", "maximum of two frames", "84 x 84", "stack of four")
_MARGIN, _TITLE_HEIGHT = 8, 16
_BACKGROUND, _INK = (32, 32, 32), (230, 230, 230)


class Stages(NamedTuple):
    """One agent step on its way from the emulator to the agent.

    Attributes:
      screen: uint8 [height, width, 3], the last of the step's four frames.
      gray: uint8 [height, width], the same.
      maximum: uint8 [height, width], of the last two frames; games blink from frame to frame.
      resized: uint8 [84, 84].
      stack: uint8 [84, 84, 4], newest last.
    """

    screen: np.ndarray
    gray: np.ndarray
    maximum: np.ndarray
    resized: np.ndarray
    stack: np.ndarray


def random_play(game: str, seed: int) -> Iterator[Stages]:
    """Play `game` at random for ever, and yield each agent step as the pipelines show it.

    As with `Config()` but without NOOP starts: a life begins as `life_start` "auto" says, and the
    first stack of a life holds one frame four times.

    Raises:
      ValueError: if there is no such game.
    """
    emulator = ale.new_emulator(ale.rom_of(game), seed, sticky_action_probability=0.0)
    actions = emulator.getMinimalActionSet()
    start = starts.starts(Config(game=game), [action.name for action in actions])
    generator = np.random.default_rng(seed)
    while True:
        frames, begins, lives = [emulator.getScreenGrayscale()] * 2, True, emulator.lives()
        stack: list[np.ndarray] = []
        while not emulator.game_over():
            played = start.life if begins else (int(generator.integers(len(actions))),)
            for action in played:
                frames = []
                for _ in range(FRAME_SKIP):
                    emulator.act(actions[action])
                    frames.append(emulator.getScreenGrayscale())
            maximum = np.maximum(frames[-2], frames[-1])
            newest = resized(maximum)
            stack = [newest] * STACK_SIZE if begins else [*stack[1:], newest]
            screen = emulator.getScreenRGB()
            yield Stages(screen, frames[-1], maximum, newest, np.stack(stack, axis=-1))
            begins, lives = emulator.lives() < lives, emulator.lives()
        emulator.reset_game()


def resized(gray: np.ndarray) -> np.ndarray:
    """Return uint8 [84, 84] of a gray screen, as AtariPreprocessing of TF-Agents resizes it."""
    return cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def colored_stack(stack: np.ndarray) -> np.ndarray:
    """Return a stack, uint8 [84, 84, 4], as one picture, uint8 [84, 84, 3], in STACK_COLORS."""
    return np.rint(stack.astype(np.float64) @ STACK_COLORS).astype(np.uint8)


def side_by_side(stages: Stages) -> Image.Image:
    """Return one picture of all stages, each under its name."""
    twice = (2 * SIDE, 2 * SIDE)
    panels = [
        *(Image.fromarray(stage).convert("RGB") for stage in stages[:3]),
        *(
            Image.fromarray(stage).convert("RGB").resize(twice, Image.Resampling.NEAREST)
            for stage in (stages.resized, colored_stack(stages.stack))
        ),
    ]
    width = sum(panel.width + _MARGIN for panel in panels) + _MARGIN
    height = max(panel.height for panel in panels) + _TITLE_HEIGHT + 2 * _MARGIN
    picture = Image.new("RGB", (width, height), _BACKGROUND)
    draw, left = ImageDraw.Draw(picture), _MARGIN
    for title, panel in zip(_STAGES, panels, strict=True):
        draw.text((left, _MARGIN // 2), title.format(panel.width, panel.height), _INK)
        picture.paste(panel, (left, _MARGIN + _TITLE_HEIGHT))
        left += panel.width + _MARGIN
    return picture
