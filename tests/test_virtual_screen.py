"""`evaluate.py --watch` on a virtual screen: a true window, keys from a true keyboard."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageGrab
from true_program import start
from Xlib import XK, X, display
from Xlib.ext import xtest

ROOT = Path(__file__).parent.parent
WAIT_SEC = 90.0  # for a window, on a busy machine

pytestmark = pytest.mark.skipif(
    shutil.which("Xvfb") is None, reason="there is no Xvfb (Debian's package xvfb)"
)


@pytest.fixture
def screen() -> Iterator[str]:
    """A virtual screen's name, as in DISPLAY."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x720x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as file:
        number = file.readline().strip()
    assert number, "Xvfb did not start"
    yield f":{number}"
    server.terminate()
    server.wait()


def _picture(screen: str) -> np.ndarray:
    return np.asarray(ImageGrab.grab(xdisplay=screen))


def _wait_until(is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT_SEC
    while not is_so():
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(0.1)


def _press(screen: str, key: str) -> None:
    keyboard = display.Display(screen)
    code = keyboard.keysym_to_keycode(XK.string_to_keysym(key))
    for event in (X.KeyPress, X.KeyRelease):
        xtest.fake_input(keyboard, event, code)
    keyboard.sync()
    keyboard.close()


def test_a_window_plays_pauses_goes_one_frame_on_and_closes(screen: str) -> None:
    program = start("evaluate.py", ROOT, "--watch", "--random", "--game=Breakout", screen=screen)
    try:
        _wait_until(lambda: len(np.unique(_picture(screen))) > 4, "a picture of Breakout")
        before = _picture(screen)
        _wait_until(lambda: bool((_picture(screen) != before).any()), "a game that moves")
        _press(screen, "p")
        _wait_until(lambda: _stands_still(screen), "a pause")
        paused = _picture(screen)

        def goes_on() -> bool:  # a frame may look like the one before
            _press(screen, "period")
            time.sleep(0.2)
            return bool((_picture(screen) != paused).any())

        _wait_until(goes_on, "another frame")
        assert _stands_still(screen)
        assert program.poll() is None
        _press(screen, "q")
        output, errors = program.communicate(timeout=WAIT_SEC)
    finally:
        program.kill()
        program.wait()
    assert (program.returncode, errors) == (0, ""), output


def _stands_still(screen: str) -> bool:
    before = _picture(screen)
    time.sleep(0.5)
    return not (_picture(screen) != before).any()
