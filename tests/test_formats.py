"""Films as MP4 and WebP: pictures, sizes and seconds, read back."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from evaluation.film import Film
from evaluation.formats import write_film


def _film(pictures: list[np.ndarray]) -> Film:
    film = Film(*pictures[0].shape[:2])
    for picture in pictures:
        film.append(picture)
    return film


def _noise(count: int, height: int, width: int) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    return [generator.integers(0, 256, (height, width, 3), np.uint8) for _ in range(count)]


def _read_mp4(path: Path) -> tuple[av.VideoStream, list[tuple[float, np.ndarray]], float]:
    """Return the stream, its pictures with their times in seconds, and the length in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = [
            (float(frame.time or 0), frame.to_ndarray(format="rgb24"))
            for frame in container.decode(stream)
        ]
        assert stream.duration is not None
        assert stream.time_base is not None
        return stream, pictures, float(stream.duration * stream.time_base)


def test_an_mp4_plays_everywhere_at_its_speed(tmp_path: Path) -> None:
    # A red field, then a blue one for a second: 46 pictures, 1.5 s and one more.
    red, blue = np.zeros((2, 21, 16, 3), np.uint8)
    red[..., 0], blue[..., 2] = 200, 200
    film = _film([red] * 16 + [blue] * 30)
    seconds, size_bytes = write_film(film, tmp_path / "a.MP4")
    stream, pictures, length_sec = _read_mp4(tmp_path / "a.MP4")
    assert size_bytes == (tmp_path / "a.MP4").stat().st_size
    assert seconds == 46 / 30
    assert length_sec == pytest.approx(46 / 30, abs=0.001)
    assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    assert (stream.width, stream.height) == (32, 42)  # doubled, for its colors
    assert [time for time, _ in pictures] == pytest.approx([i / 30 for i in range(46)], abs=0.001)
    shown = np.array([picture.mean((0, 1)) for _, picture in pictures])
    np.testing.assert_allclose(shown[:16], [[200, 0, 0]] * 16, atol=12)
    np.testing.assert_allclose(shown[16:], [[0, 0, 200]] * 30, atol=12)
    content = (tmp_path / "a.MP4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # a browser begins at once


def test_an_mp4_of_odd_size_has_one_row_and_column_more(tmp_path: Path) -> None:
    film = _film([np.full((7, 321, 3), 90, np.uint8)])
    write_film(film, tmp_path / "a.mp4")
    stream, ((_, picture),), _ = _read_mp4(tmp_path / "a.mp4")
    assert (stream.width, stream.height) == (322, 8)
    np.testing.assert_allclose(picture, 90, atol=4)


def test_a_webp_is_exact(tmp_path: Path) -> None:
    first, second, third = _noise(3, 21, 15)
    film = _film([first, second, second, third, first])
    assert write_film(film, tmp_path / "a.webp")[0] == 5 / 30
    with Image.open(tmp_path / "a.webp") as image:
        assert image.info["loop"] == 0
        shown = []
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            shown.append((image.info["duration"], np.asarray(image.convert("RGB"))))
    assert [ms for ms, _ in shown] == [33, 67, 33, 33]
    for (_, picture), expected in zip(shown, [first, second, third, first], strict=True):
        np.testing.assert_array_equal(picture, expected)


@pytest.mark.parametrize("ending", ["gif", "mp4", "webp"])
def test_length_limit(tmp_path: Path, ending: str) -> None:
    film = _film([picture for picture in _noise(30, 10, 12) for _ in range(3)])
    path = tmp_path / f"a.{ending}"
    for limit, expected in [(1.5, 1.5), (0.0, 3.0), (60.0, 3.0), (0.001, 1 / 30)]:
        assert write_film(film, path, limit)[0] == expected
    write_film(film, path, 1.5)
    if ending == "mp4":
        assert _read_mp4(path)[2] == pytest.approx(1.5, abs=0.001)
    else:
        with Image.open(path) as image:
            total_ms = 0
            for number in range(image.n_frames):
                image.seek(number)
                image.load()
                total_ms += image.info["duration"]
        assert total_ms == pytest.approx(1_500, abs=1)  # WebP rounds the last one down


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ends in \.gif, \.mp4 or \.webp, not in '\.avi'"):
        write_film(_film(_noise(1, 4, 4)), tmp_path / "a.avi")
    assert list(tmp_path.iterdir()) == []
