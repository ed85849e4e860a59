"""The formats of films, chosen by a file's ending: GIF, MP4 and WebP."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from evaluation.files import replaced_file
from evaluation.film import DEFAULT_SECONDS_LIMIT, PICTURES_PER_SEC, Film
from evaluation.gif import write_gif

# yuv420p has one color for 2x2 pixels. Doubled, each pixel of a small film has a color of its own.
_LEAST_MP4_WIDTH = 320


class _Format(NamedTuple):
    """What FFmpeg is told: container and codec with their options, and how pixels are kept."""

    container: str
    container_options: dict[str, str]
    codec: str
    codec_options: dict[str, str]
    pixels: str


# The table of contents comes first, so that a browser can begin before it has all. On x264's scale
# of quality 0 is lossless and 23 its default.
_MP4 = _Format("mp4", {"movflags": "+faststart"}, "libx264", {"crf": "16"}, "yuv420p")
_WEBP = _Format("webp", {"loop": "0"}, "libwebp_anim", {"lossless": "1"}, "bgra")


def write_film(
    film: Film, path: str | Path, seconds_limit: float = DEFAULT_SECONDS_LIMIT
) -> tuple[float, int]:
    """Write `film` at its real speed, in the format that the ending of `path` names.

    | ending | pixels | times |
    |---|---|---|
    | .gif | exact up to 256 colors, see `write_gif` | in 1/100 s |
    | .mp4 | H.264, as every browser plays it | exact |
    | .webp | exact | in 1/1000 s |

    In MP4 a film less than 320 pixels wide is doubled, and a size that is odd gets one more row or
    column, a copy of the last.

    Args:
      film: at least one picture.
      path: replaced when the new file is complete.
      seconds_limit: the film is cut off here; 0: never.

    Returns:
      how many seconds were written, and how many bytes.

    Raises:
      ValueError: if the ending is another.
      OSError: if the file cannot be written.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending == ".gif":
        return write_gif(film, path, seconds_limit)
    if ending not in {".mp4", ".webp"}:
        raise ValueError(f"a film ends in .gif, .mp4 or .webp, not in {ending!r}")
    limit = film.limit(seconds_limit)
    if ending == ".mp4":
        _write(film, path, limit, _MP4, 2 if film.width < _LEAST_MP4_WIDTH else 1, even=True)
    else:
        _write(film, path, limit, _WEBP, 1, even=False)
    return limit / PICTURES_PER_SEC, path.stat().st_size


def _write(film: Film, path: Path, limit: int, form: _Format, factor: int, even: bool) -> None:
    height, width = factor * film.height, factor * film.width
    below, beside = (height % 2, width % 2) if even else (0, 0)
    with (
        replaced_file(path) as file,
        av.open(file, "w", format=form.container, options=form.container_options) as container,
    ):
        stream = container.add_stream(form.codec, PICTURES_PER_SEC, options=form.codec_options)
        stream.height, stream.width = height + below, width + beside
        stream.pix_fmt = form.pixels
        for picture, repeats in film.rgb_pictures(limit):
            large = picture.repeat(factor, axis=0).repeat(factor, axis=1)
            large = np.pad(large, ((0, below), (0, beside), (0, 0)), "edge")
            for _ in range(repeats):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(large, format="rgb24")))
        container.mux(stream.encode())  # what the codec has kept back
