"""Round numbers for an axis, and how they are written."""

from __future__ import annotations

import math


def ticks(low: float, high: float, count: int) -> list[float]:
    """Return about `count` round numbers from one at or below `low` to one at or above `high`."""
    span = high - low
    if span <= 0 or low + span / (4 * count) == low:  # one value, or too near for the numbers
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
        span = high - low
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * number for number in range(first, last + 1)]


def shown(value: float) -> str:
    """Return a number in few letters: 250k, 1.5M, 0.0008."""
    if abs(value) < 1e-12:
        return "0"
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= unit:
            return f"{value / (1e3 if letter == 'k' else unit):.4g}{letter}"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
