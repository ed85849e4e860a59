"""Pages as a reader's browser shows them: Debian's Chromium, without a window.

Chromium is spoken to by its DevTools protocol over two pipes, so that no package is needed:
https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
"""Chromium's path, None where there is none: tests are skipped there."""

WHY_SKIPPED = "no program chromium is here: apt-get install chromium"

_PATIENCE_SEC = 120.0  # a page that has not come by then on a busy machine will not come
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--no-first-run", "--disable-gpu", "--mute-audio"),
    *("--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"),
    *("--disable-extensions", "--disable-sync", "--hide-scrollbars", "--force-color-profile=srgb"),
)
_DEEP = """
const within = each => each.shadowRoot ? [each.shadowRoot, each] : [each];
const deep = (root, selector) => [...root.querySelectorAll('*')].flatMap(each => [
  ...(each.matches(selector) ? [each] : []),
  ...(each.shadowRoot ? deep(each.shadowRoot, selector) : [])]);
const all = selector => deep(document, selector);
const isSeen = each => each.nodeType == Node.ELEMENT_NODE && each.checkVisibility() &&
  !['STYLE', 'SCRIPT', 'TEMPLATE'].includes(each.tagName);
const texts = root => [...root.childNodes].map(each =>
  each.nodeType == Node.TEXT_NODE ? each.data :
  isSeen(each) ? within(each).map(texts).join(' ') : '').join(' ').replace(/\\s+/g, ' ');
"""


class Page:
    """A page that is open.

    Attributes:
      errors: what the page has complained of so far: exceptions nobody caught, files not found.
    """

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self.errors: list[str] = []
        self._to, self._from = to_browser, from_browser
        self._unread = b""
        self._calls = 0
        self._session: str | None = None  # commands are about the browser until there is a page
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def show(self, url: str, size: tuple[int, int]) -> None:
        """Open `url` in a window of (width, height) pixels and wait until it is loaded."""
        width, height = size
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        failure = self._call("Page.navigate", url=url).get("errorText")
        assert not failure, f"{url}: {failure}"
        self.wait_for("document.readyState == 'complete' && location.href != 'about:blank'")

    def evaluate(self, script: str) -> Any:
        """Return what JavaScript comes to, as a JSON value.

        It knows all(selector), a list of the elements that match, and texts(node), the text that a
        reader sees in a node: both look into shadow roots, too.
        """
        answer = self._call(
            "Runtime.evaluate",
            expression=f"(() => {{ {_DEEP} return ({script}); }})()",
            returnByValue=True,
            awaitPromise=True,
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, script: str) -> Any:
        """Return what JavaScript comes to as soon as that is true.

        Raises:
          AssertionError: if it does not become true; it says what the page shows instead.
        """
        ends = time.monotonic() + _PATIENCE_SEC
        while not (found := self.evaluate(script)):
            shown = "" if time.monotonic() < ends else self.text()
            assert time.monotonic() < ends, f"not so: {script}; {self.errors}; shown: {shown}"
            time.sleep(0.1)
        return found

    def text(self) -> str:
        """Return all text that a reader sees, each stretch of spaces as one."""
        return str(self.evaluate("texts(document.body)"))

    def click(self, selector: str, containing: str = "") -> None:
        """Click the first element that matches `selector` and has `containing` in its text."""
        match = (
            f"all({json.dumps(selector)}).find(e => texts(e).includes({json.dumps(containing)}))"
        )
        self.wait_for(f"!!{match}")
        self.evaluate(f"{match}.click()")

    def dom(self) -> str:
        """Return the page's HTML as it is now; what is in shadow roots is not in it."""
        return str(self.evaluate("document.documentElement.outerHTML"))

    def screenshot(self, path: Path) -> None:
        """Write what the window shows into a PNG file."""
        picture = self._call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(picture))

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the result of a DevTools command."""
        self._calls += 1
        command: dict[str, Any] = {"id": self._calls, "method": method, "params": parameters}
        if self._session is not None:
            command["sessionId"] = self._session
        os.write(self._to, json.dumps(command).encode() + b"\0")
        while (message := self._read()).get("id") != self._calls:
            self._note(message)
        assert "error" not in message, f"{method}: {message['error']}"
        return dict(message["result"])

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            is_ready, _, _ = select.select([self._from], [], [], _PATIENCE_SEC)
            assert is_ready, "Chromium does not answer"
            some = os.read(self._from, 1 << 20)
            assert some, "Chromium has ended"
            self._unread += some
        message, _, self._unread = self._unread.partition(b"\0")
        return dict(json.loads(message))

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        if event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            entry = parameters["entry"]
            self.errors.append(f"{entry['text']} {entry.get('url', '')}".strip())


@contextlib.contextmanager
def opened(url: str, size: tuple[int, int] = (1280, 800)) -> Iterator[Page]:
    """Show a page in a browser of its own, which ends with the block.

    Args:
      url: http://... or, of a file, Path.as_uri().
      size: of the window, (width, height) in pixels.
    """
    assert PROGRAM, WHY_SKIPPED
    read_commands, write_commands = os.pipe()
    read_answers, write_answers = os.pipe()
    redirect = f'exec "$@" 3<&{read_commands} 4>&{write_answers} 2>/dev/null'
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                *("bash", "-c", redirect, "bash", PROGRAM, *_FLAGS),
                *("--remote-debugging-pipe", f"--user-data-dir={profile}"),
            ],
            pass_fds=(read_commands, write_answers),
        )
        os.close(read_commands)
        os.close(write_answers)
        try:
            page = Page(write_commands, read_answers)
            page.show(url, size)
            yield page
        finally:
            os.close(write_commands)  # upon which it ends
            os.close(read_answers)
            try:
                process.wait(_PATIENCE_SEC)
            finally:
                process.kill()


def dump_dom(url: str, until: str = "true") -> str:
    """Return a page's HTML once the JavaScript `until` is true; shadow roots are not in it."""
    with opened(url) as page:
        page.wait_for(until)
        return page.dom()


def screenshot(url: str, size: tuple[int, int], path: Path, until: str = "true") -> None:
    """Write a page as a window of (width, height) pixels shows it into a PNG file.

    Args:
      url: of the page.
      size: of the window.
      path: of the file.
      until: JavaScript that is true once the page is as it is to be shown.
    """
    with opened(url, size) as page:
        page.wait_for(until)
        page.screenshot(path)
