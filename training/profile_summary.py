"""A trace of TensorFlow's profiler as a page of text: what takes the time, dearest first."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from training.time_spent import ACTIVITIES

_OPS_SHOWN = 30
_KINDS_SHOWN = 15
_OP = re.compile(r"([\w/.\-]+):(\w+)")  # node:Type, as TensorFlow's executor names what it runs
_LOOPS = re.compile(r"(?:\w+/)*while/(?=.)(?:body/_\d+/)?(?:while/)?")
_PICOSECONDS_PER_MS = 1e9
_ABOUT = """\
An op's time is wall clock, from its call to its end on the thread that called it, without ops
inside of it; threads that help with one op are not counted again. Ops run side by side, so that
the sum may be more than the time that passed. PyFunc is Python that the graph calls: the games
(step_py_func), the replay (replay_...). On a GPU an op is the launch of its kernels, which have a
table of their own. The profiler itself takes some time of each op."""


class Cost(NamedTuple):
    """What something took in all: milliseconds, and how often it was called."""

    ms: float
    calls: int


def summary(space: Any, first: int, last: int, seconds: Mapping[str, float]) -> str:
    """Return the page.

    Args:
      space: an XSpace, the trace of these iterations.
      first: iteration of the trace.
      last: iteration of the trace.
      seconds: that these iterations spent, by activity, as training.time_spent has them.
    """
    count = last - first + 1
    ops = op_costs(space)
    kinds = _summed((kind, cost) for (kind, _), cost in ops.items())
    named = {f"{kind:<38} {name}": cost for (kind, name), cost in ops.items()}
    kernels = kernel_costs(space)
    spent = sorted(seconds.items(), key=lambda item: -item[1])
    parts = [
        f"Iterations {first:,} to {last:,}; milliseconds and calls are per iteration.\n",
        _ABOUT + "\n",
        "Activities; what goes on side by side counts in full for each:",
        *(f"{1000 * sec / count:10.3f} ms  {name}: {ACTIVITIES[name]}" for name, sec in spent),
        "",
        *_table("Ops by kind", kinds, count, _KINDS_SHOWN),
        *_table("Ops", named, count, _OPS_SHOWN),
    ]
    if kernels:
        parts += _table("Kernels of the GPU", kernels, count, _OPS_SHOWN)
    return "\n".join(parts)


def op_costs(space: Any) -> dict[tuple[str, str], Cost]:
    """Return the cost of each op on the processor, by type and name, without ops inside of it."""
    return _summed(
        found
        for plane in space.planes
        if not plane.name.startswith("/device:")
        for line in plane.lines
        for found in _own_times(line.events, plane.event_metadata)
    )


def kernel_costs(space: Any) -> dict[str, Cost]:
    """Return the cost of each kernel on the devices, by name."""
    return _summed(
        (plane.event_metadata[event.metadata_id].name, Cost(_ms(event.duration_ps), 1))
        for plane in space.planes
        if plane.name.startswith("/device:")
        for line in plane.lines
        if line.name.startswith("Stream")
        for event in line.events
    )


def _own_times(
    events: Iterable[Any], metadata: Mapping[int, Any]
) -> Iterator[tuple[tuple[str, str], Cost]]:
    """Return each op of a thread with its time, and less time for the op around it."""
    around: list[tuple[int, tuple[str, str]]] = []  # where open ops end, the innermost last
    for event in sorted(events, key=lambda event: (event.offset_ps, -event.duration_ps)):
        match = _OP.fullmatch(metadata[event.metadata_id].name)
        if not match:
            continue
        op = match[2], _LOOPS.sub("", match[1], count=1)
        while around and around[-1][0] <= event.offset_ps:
            around.pop()
        if around:
            yield around[-1][1], Cost(-_ms(event.duration_ps), 0)
        around.append((event.offset_ps + event.duration_ps, op))
        yield op, Cost(_ms(event.duration_ps), 1)


def _ms(picoseconds: int) -> float:
    return picoseconds / _PICOSECONDS_PER_MS


def _summed(found: Iterable[tuple[Any, Cost]]) -> dict[Any, Cost]:
    ms: dict[Any, float] = collections.defaultdict(float)
    calls: dict[Any, int] = collections.defaultdict(int)
    for key, cost in found:
        ms[key] += cost.ms
        calls[key] += cost.calls
    return {key: Cost(ms[key], calls[key]) for key in ms}


def _table(heading: str, costs: Mapping[str, Cost], count: int, shown: int) -> list[str]:
    dearest = sorted(costs.items(), key=lambda item: -item[1].ms)
    total = sum(cost.ms for cost in costs.values()) or 1.0
    lines = [f"{heading}:", f"{'ms':>10} {'share':>7} {'calls':>8}  "]
    lines += [
        f"{cost.ms / count:10.3f} {100 * cost.ms / total:5.1f} % {cost.calls / count:8.1f}  {name}"
        for name, cost in dearest[:shown]
    ]
    if rest := dearest[shown:]:
        ms = sum(cost.ms for _, cost in rest)
        lines.append(f"{ms / count:10.3f} {100 * ms / total:5.1f} % {'':8}  {len(rest)} others")
    return [*(line.rstrip() for line in lines), ""]
