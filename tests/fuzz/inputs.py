"""How inputs are made."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 10**400, 0.5, -0.0, 1e308, float("nan"),
    float("inf"), "", "0", "nan", "Breakout", "../../etc/passwd", "/etc/passwd", "\0", "\ud800",
    "x" * 5_000, [], {}, [[]], [1, 2, 3], {"a": 1}, "é", "1e9", "--seed", "00000000000000000001",
]  # fmt: skip
_ODD_BYTES = [
    b"\0", b"[" * 50_000, b'"', b"\n", b",", b"1" * 5_000, b"NaN", b"\xff\xfe", b"",
]  # fmt: skip


def damaged(content: bytes, others: list[bytes], generator: random.Random) -> bytes:
    """Return bytes with one to four faults: flips, cuts, doublings, splices of another file."""
    data = bytearray(content)
    for _ in range(generator.randint(1, 4)):
        start = generator.randrange(len(data) + 1)
        stop = min(len(data), start + generator.choice([1, 2, 8, 100, 4_000]))
        match generator.randrange(7):
            case 0 if data:
                data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
            case 1:
                del data[start:]
            case 2:
                del data[start:stop]
            case 3:
                data[start:start] = data[start:stop]
            case 4:
                other = generator.choice(others)
                data[start:stop] = other[start : start + generator.randrange(200)]
            case 5:
                data[start:stop] = generator.randbytes(stop - start)
            case _:
                data[start:stop] = generator.choice(_ODD_BYTES)
    return bytes(data)


def forged(content: Any, generator: random.Random) -> Any:
    """Return JSON values of which one to three are odd, missing, or under another name."""
    content = copy.deepcopy(content)
    for _ in range(generator.randint(1, 3)):
        places = list(_places(content))
        if not places:
            return generator.choice(ODD)
        holder, key = generator.choice(places)
        match generator.randrange(4):
            case 0 | 1:
                holder[key] = copy.deepcopy(generator.choice(ODD))
            case 2:
                del holder[key]
            case _ if isinstance(holder, dict):
                holder[str(generator.choice(ODD))[:50]] = holder.pop(key)
            case _:
                holder.append(copy.deepcopy(generator.choice(ODD)))
    return content


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    keys = content.keys() if isinstance(content, dict) else range(len(content))
    for key in list(keys):
        yield content, key
        if isinstance(content[key], dict | list):
            yield from _places(content[key])
