"""Curves as SVG, drawn for a page: its style sheet gives them their colors, by day and by night."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from evaluation.page.elements import Element, element
from evaluation.page.scale import shown, ticks

_WIDTH, _HEIGHT = 480, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 14, 44, 50  # around the plot
_BUCKETS = 300  # of a line with more points, of each of which the least and greatest are drawn
_NEAR = 1.5  # times the curves' own range: a level farther away would press them flat


class Line(NamedTuple):
    """Values at iterations; a gap where one is NaN."""

    label: str
    x: np.ndarray
    y: np.ndarray
    style: str = "a"


class Points(NamedTuple):
    """Values with a thick stroke from `low` to `high` and a thin one from `least` to `greatest`.

    The thin one ends where the picture does.
    """

    label: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray
    high: np.ndarray
    least: np.ndarray
    greatest: np.ndarray
    style: str = "b"


class Level(NamedTuple):
    """A value to compare with, drawn where it is not far from the curves."""

    label: str
    y: float
    style: str = "c"


def chart(
    title: str,
    about: str,
    lines: Sequence[Line] = (),
    points: Sequence[Points] = (),
    levels: Sequence[Level] = (),
    *,
    minutes: tuple[np.ndarray, np.ndarray],
) -> Element:
    """Return a figure: curves against iterations (below) and minutes (above), and their legend.

    Args:
      title: of the figure.
      about: what is drawn, and in which unit.
      lines: drawn in this order.
      points: drawn on top.
      levels: drawn behind.
      minutes: iterations float64 [n], growing, and the minutes at each.

    Returns:
      a figure, with a sentence in place of the picture where there is no number.
    """
    heading = element("h3", title)
    curves: list[Line | Points] = [*lines, *points]
    drawn = [each for each in curves if np.isfinite(each.y).any()]
    if not drawn:
        nothing = element("p", "No number is written down yet.", class_="nothing")
        return element("figure", heading, nothing)
    low, high = _range(drawn)
    reach = _NEAR * (high - low)
    near = [level for level in levels if low - reach <= level.y <= high + reach]
    far = [level for level in levels if level not in near]
    plot = _Plot(
        max(float(each.x[-1]) for each in drawn),
        min([low, *(level.y for level in near)]),
        max([high, *(level.y for level in near)]),
    )
    picture = element(
        "svg",
        element("title", _spoken(title, drawn)),
        *plot.axes(*minutes),
        *(plot.level(level) for level in near),
        *itertools.chain(*(plot.line(line) for line in lines)),
        *itertools.chain(*(plot.points(each) for each in points)),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
    )
    keys = [
        element("span", element("i", class_=f"key {each.style}"), each.label)
        for each in (*drawn, *near)
    ]
    beyond = [f" {level.label} ({level.y:,g}) is beyond this picture." for level in far]
    caption = element(
        "figcaption",
        element("span", *_spaced(keys), class_="legend"),
        element("span", about + "".join(beyond)),
    )
    return element("figure", heading, picture, caption)


class _Plot:
    """Where numbers are in the picture."""

    def __init__(self, greatest_x: float, low: float, high: float) -> None:
        self._greatest_x = greatest_x or 1.0
        self._ticks = ticks(low, high, 5)
        self._low, self._high = min(low, self._ticks[0]), max(high, self._ticks[-1])

    def _x(self, iteration: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * iteration / self._greatest_x

    def _y(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share

    def axes(self, iterations: np.ndarray, minutes: np.ndarray) -> Iterator[Element]:
        """Draw a grid with its numbers; that of minutes is not even."""
        bottom = _HEIGHT - _BOTTOM
        for value in self._ticks:
            y = self._y(value)
            yield _stroke(_LEFT, y, _WIDTH - _RIGHT, y, "grid")
            yield _text(_LEFT - 6, y, shown(value), "left")
        for value in ticks(0.0, self._greatest_x, 5):
            if value <= self._greatest_x:
                yield _stroke(self._x(value), bottom, self._x(value), bottom + 4, "tick")
                yield _text(self._x(value), bottom + 17, shown(value))
        yield _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 7, "iterations", "name")
        known = np.isfinite(minutes)
        if known.sum() < 2 or np.any(np.diff(minutes[known]) <= 0):
            return
        iterations, minutes = iterations[known], minutes[known]
        for value in ticks(float(minutes[0]), float(minutes[-1]), 4):
            x = self._x(float(np.interp(value, minutes, iterations)))
            if minutes[0] <= value <= minutes[-1] and x <= _WIDTH - _RIGHT:
                yield _stroke(x, _TOP - 4, x, _TOP, "tick")
                yield _text(x, _TOP - 9, shown(value))
        yield _text((_LEFT + _WIDTH - _RIGHT) / 2, 12, "minutes", "name")

    def line(self, line: Line) -> Iterator[Element]:
        """Draw each stretch between two gaps; one of a single value is a dot."""
        for x, y in _stretches(*_thinned(line.x, line.y)):
            if len(x) == 1:
                yield self._dot(x[0], y[0], line.style)
                continue
            places = (f"{self._x(a):.1f},{self._y(b):.1f}" for a, b in zip(x, y, strict=True))
            yield element("polyline", points=" ".join(places), class_=f"line {line.style}")

    def points(self, points: Points) -> Iterator[Element]:
        """Draw points and their strokes, where they have some."""
        for x, y, low, high, least, greatest in zip(*points[1:7], strict=True):
            for ends, kind in (((least, greatest), "thin"), ((low, high), "thick")):
                if all(map(math.isfinite, ends)):
                    one, two = (max(self._low, min(self._high, end)) for end in ends)
                    a = self._x(x)
                    yield _stroke(a, self._y(one), a, self._y(two), f"{kind} {points.style}")
            if math.isfinite(y):
                yield self._dot(x, y, points.style)

    def level(self, level: Level) -> Element:
        """Draw a line over the whole width."""
        y = self._y(level.y)
        return _stroke(_LEFT, y, _WIDTH - _RIGHT, y, f"level {level.style}")

    def _dot(self, x: float, y: float, style: str) -> Element:
        place = {"cx": f"{self._x(x):.1f}", "cy": f"{self._y(y):.1f}"}
        return element("circle", **place, r="3", class_=f"dot {style}")


def _range(drawn: Iterable[Line | Points]) -> tuple[float, float]:
    values = [each.y for each in drawn]
    for each in drawn:
        if isinstance(each, Points):
            values += [each.low, each.high]  # one lucky game would press the curves flat
    together = np.concatenate(values)
    together = together[np.isfinite(together)]
    return min(0.0, float(together.min())), max(0.0, float(together.max()))


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keep the least and the greatest value of each of many stretches: no peak is lost."""
    if len(x) <= 2 * _BUCKETS:
        return x, y
    kept: list[int] = []
    for bucket in np.array_split(np.arange(len(x)), _BUCKETS):
        known = bucket[np.isfinite(y[bucket])]
        kept += sorted({int(known[y[known].argmin()]), int(known[y[known].argmax()])} if len(known)
                       else {int(bucket[0])})  # fmt: skip
    return x[kept], y[kept]


def _stretches(x: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    is_known = np.isfinite(y)
    for known, group in itertools.groupby(range(len(x)), key=lambda place: bool(is_known[place])):
        if known:
            places = list(group)
            yield x[places], y[places]


def _spoken(title: str, drawn: Sequence[Line | Points]) -> str:
    """Say the curves to who does not see them."""
    sentences = []
    for each in drawn:
        known = np.isfinite(each.y)
        x, y = each.x[known], each.y[known]
        sentences.append(
            f"{each.label}: {y[0]:.4g} at iteration {x[0]:,.0f}, {y[-1]:.4g} at iteration "
            f"{x[-1]:,.0f}, from {y.min():.4g} to {y.max():.4g} in between"
        )
    return f"{title}. " + "; ".join(sentences)


def _stroke(x1: float, y1: float, x2: float, y2: float, style: str) -> Element:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return element("line", **{name: f"{at:.1f}" for name, at in ends.items()}, class_=style)


def _text(x: float, y: float, text: str, style: str = "middle") -> Element:
    return element("text", text, x=f"{x:.1f}", y=f"{y:.1f}", class_=style)


def _spaced(keys: Sequence[Element]) -> Iterator[Element | str]:
    for key in keys:
        yield key
        yield " "
