"""GIF: a film pixel by pixel and color by color, with the times that GIF knows.

pictures at 30 a second   0  1  2  3 ...
shown, in 1/100 s         3  3  4  3 ...
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO

import numpy as np
from PIL import GifImagePlugin, Image

from evaluation.files import replaced_file
from evaluation.film import DEFAULT_SECONDS_LIMIT, PICTURES_PER_SEC, Film

_MAX_COLORS = 256
# Where a film has more colors than a GIF: so many of the commonest stay exact.
_EXACT_COLORS = 192
_MAX_DELAY = 65_535  # 1/100 s
_DISPOSAL_KEEP = 1  # a picture is drawn over the one before


def write_gif(
    film: Film, path: str | Path, seconds_limit: float = DEFAULT_SECONDS_LIMIT
) -> tuple[float, int]:
    """Write `film` at its real speed, pixel by pixel and color by color, looping forever.

    GIF counts time in hundredths of a second: pictures are shown for 3, 3 and 4 of them in turn.
    Each picture after the first holds only the box that changed. Pillow compresses; the file is
    put together here, one picture at a time, because Pillow keeps all pictures in memory and gives
    each its own palette. If a film has more than 256 colors, the 192 commonest stay exact and the
    others are merged into 64 by Pillow's median cut.

    Args:
      film: at least one picture.
      path: replaced when the new file is complete.
      seconds_limit: the film is cut off here; 0: never.

    Returns:
      how many seconds were written, and how many bytes.

    Raises:
      OSError: if the file cannot be written.
    """
    with replaced_file(Path(path)) as file:
        return write_gif_to(film, file, seconds_limit)


def write_gif_to(film: Film, file: IO[bytes], seconds_limit: float) -> tuple[float, int]:
    """Write `film` as `write_gif` does, into a file that is open at its beginning."""
    limit = film.limit(seconds_limit)
    palette, gif_index = _palette(film, limit)
    # An index that no color uses marks the pixels that stay as they are.
    unchanged_index = len(palette) if len(palette) < _MAX_COLORS else None
    shown, previous = 0, None
    file.write(_header(film, palette))
    for indices, repeats in film.pictures(limit):
        delay = _hundredths(shown + repeats) - _hundredths(shown)
        shown += repeats
        picture = gif_index[indices]
        while delay > 0:
            part = min(delay, _MAX_DELAY)
            _write_picture(file, picture, previous, part, unchanged_index)
            previous, delay = picture, delay - part
    file.write(b";")
    return shown / PICTURES_PER_SEC, file.tell()


def _hundredths(pictures: int) -> int:
    return pictures * 100 // PICTURES_PER_SEC


def _palette(film: Film, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return at most 256 colors, uint8 [n, 3], and the uint8 index of each color of the film."""
    palette = film.palette
    if len(palette) <= _MAX_COLORS:
        return palette, np.arange(len(palette), dtype=np.uint8)
    counts = np.zeros(len(palette), np.int64)
    for indices, repeats in film.pictures(limit):
        counts += repeats * np.bincount(indices.ravel(), minlength=len(palette))
    by_count = np.argsort(-counts, kind="stable")
    exact, surplus = by_count[:_EXACT_COLORS], by_count[_EXACT_COLORS:]
    merged = Image.fromarray(palette[surplus][None]).quantize(
        _MAX_COLORS - _EXACT_COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    merged_colors = np.array(merged.getpalette(), np.uint8).reshape(-1, 3)
    gif_index = np.empty(len(palette), np.uint8)
    gif_index[exact] = np.arange(_EXACT_COLORS)
    gif_index[surplus] = _EXACT_COLORS + np.asarray(merged)[0]
    merged_count = _MAX_COLORS - _EXACT_COLORS
    return np.concatenate([palette[exact], merged_colors[:merged_count]]), gif_index


def _header(film: Film, palette: np.ndarray) -> bytes:
    """Return the header, a table of 256 colors, and the extension that loops forever."""
    table = palette.tobytes().ljust(3 * _MAX_COLORS, b"\0")
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", film.width, film.height, 0xF7, 0, 0)
        + table
        + b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
    )


def _write_picture(
    file: IO[bytes],
    picture: np.ndarray,
    previous: np.ndarray | None,
    delay: int,
    unchanged_index: int | None,
) -> None:
    """Write the part of `picture` that differs from `previous`, shown for `delay` hundredths."""
    top, left, part = 0, 0, picture
    options: dict[str, int] = {"duration": delay * 10, "disposal": _DISPOSAL_KEEP}
    if previous is not None:
        changed = picture != previous
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        if not len(rows):
            rows = columns = np.array([0])
        top, left = int(rows[0]), int(columns[0])
        box = np.s_[top : rows[-1] + 1, left : columns[-1] + 1]
        part = picture[box]
        if unchanged_index is not None:
            part = np.where(changed[box], part, np.uint8(unchanged_index))
            options["transparency"] = unchanged_index
    image = Image.fromarray(np.ascontiguousarray(part))  # 8-bit numbers; the table is the header's
    for block in GifImagePlugin.getdata(image, (left, top), **options):
        file.write(block)
