"""The replay on disk: each row written once, all rows read back, no damage overlooked."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Sequence
from concurrent import futures
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from replay import row_file
from replay import segments as segments_module
from replay.frame_ring import FrameRing
from replay.frame_store import FIRST, LAST, MID
from replay.segments import SegmentError, SegmentStore

_STACK = 4


def _ring(capacity: int = 20) -> FrameRing:
    """Return a ring of two games, `capacity // 2` rows and the 3 before them."""
    return FrameRing(capacity, 2, seed=1, frame_shape=(2, 3), stack_size=_STACK)


def _add(ring: FrameRing, rows: int, *, first: bool = False) -> None:
    """Add rows whose bytes tell which row they are."""
    for row in range(ring.rows_added, ring.rows_added + rows):
        begins = first or not ring.rows_added
        first = False
        ring.add(
            step_type=np.full(2, FIRST if begins else MID),
            observation=np.full((2, 2, 3, _STACK), row, np.uint8),
            action=np.array([row % 4, (row + 1) % 4]),
            next_step_type=np.full(2, MID),
            reward=np.array([row, -row], np.float32),
            discount=np.ones(2, np.float32),
        )


def _assert_equal(ring: FrameRing, other: FrameRing) -> None:
    assert ring.rows_added == other.rows_added
    first = max(0, ring.oldest_row - _STACK + 1)
    for one, two in zip(
        ring.rows(first, ring.rows_added), other.rows(first, ring.rows_added), strict=True
    ):
        np.testing.assert_array_equal(one, two)


def _full(*_: object, **__: object) -> None:
    """Stand for a write that finds the disk full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _ranges(segments: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    return [segment[:2] for segment in segments]


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    ring, loaded = _ring(), _ring()
    _add(ring, 8)
    segments = SegmentStore(tmp_path / "replay").save(ring)
    assert _ranges(segments) == [(0, 8)]
    SegmentStore(tmp_path / "replay").load(loaded, segments)
    _assert_equal(ring, loaded)
    assert loaded.rows(0, 8).reward[:, 1].tolist() == [0, -1, -2, -3, -4, -5, -6, -7]


def test_a_row_is_written_once(tmp_path: Path) -> None:
    ring, store = _ring(), SegmentStore(tmp_path)
    _add(ring, 5)
    assert _ranges(store.save(ring)) == [(0, 5)]
    before = (tmp_path / "rows-000000000000-000000000005.npz").stat()
    assert _ranges(store.save(ring)) == [(0, 5)]  # nothing is new
    _add(ring, 3)
    assert _ranges(store.save(ring)) == [(0, 5), (5, 8)]
    assert (tmp_path / "rows-000000000000-000000000005.npz").stat() == before
    assert _names(tmp_path) == {
        "rows-000000000000-000000000005.npz",
        "rows-000000000005-000000000008.npz",
    }


def test_what_the_ring_has_forgotten_is_not_named_any_more(tmp_path: Path) -> None:
    ring, store, loaded = _ring(), SegmentStore(tmp_path), _ring()
    # rows kept: 10, and the 3 before them
    for rows, expected in [
        (6, [(0, 6)]),
        (6, [(0, 6), (6, 12)]),  # kept from 2 on; 0 and 1 stand in the same file
        (6, [(0, 6), (6, 12), (12, 18)]),  # kept from 8 on, stacks from 5 on
        (2, [(6, 12), (12, 18), (18, 20)]),  # kept from 10 on, stacks from 7 on
    ]:
        _add(ring, rows)
        segments = store.save(ring)
        assert _ranges(segments) == expected
        SegmentStore(tmp_path).load(loaded, segments)
        _assert_equal(ring, loaded)


def test_more_rows_than_the_ring_has_room_for_between_two_checkpoints(tmp_path: Path) -> None:
    ring, store, loaded = _ring(), SegmentStore(tmp_path), _ring()
    _add(ring, 4)
    store.save(ring)
    _add(ring, 100)
    # 104 added, 94 to 103 kept, stacks from 91 on
    segments = store.save(ring)
    assert _ranges(segments) == [(91, 104)]
    SegmentStore(tmp_path).load(loaded, segments)
    _assert_equal(ring, loaded)


def test_a_loaded_ring_is_saved_on_from_where_it_was(tmp_path: Path) -> None:
    ring, again = _ring(), _ring()
    _add(ring, 5)
    segments = SegmentStore(tmp_path).save(ring)
    store = SegmentStore(tmp_path)
    store.load(again, segments)
    _add(again, 2, first=True)
    assert _ranges(store.save(again)) == [(0, 5), (5, 7)]


def test_games_left_in_their_middle_end_where_they_were_left(tmp_path: Path) -> None:
    """The rows were written before anybody knew that the next begins a game."""
    ring, again, loaded = _ring(), _ring(), _ring()
    _add(ring, 5)
    store = SegmentStore(tmp_path)
    store.load(again, SegmentStore(tmp_path).save(ring))
    assert again.rows(4, 5).step_type.tolist() == [[MID, MID]]
    _add(again, 2, first=True)
    assert again.rows(4, 5).step_type.tolist() == [[LAST, LAST]]
    SegmentStore(tmp_path).load(loaded, store.save(again))
    _assert_equal(again, loaded)


def test_loading_replaces_what_was_there(tmp_path: Path) -> None:
    ring, loaded = _ring(), _ring()
    _add(ring, 4)
    segments = SegmentStore(tmp_path).save(ring)
    _add(loaded, 9)
    SegmentStore(tmp_path).load(loaded, segments)
    _assert_equal(ring, loaded)


_ROW_BYTES = 2 * (2 * 3 + 4 * 1 + 2 * 4)  # of two games: a frame of 2 x 3, 4 bytes and 2 floats


@pytest.fixture
def files_of_4_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments_module, "FILE_BYTES", 4 * _ROW_BYTES)


@pytest.mark.usefixtures("files_of_4_rows")
def test_a_checkpoint_finds_full_files_written_and_writes_the_rest(tmp_path: Path) -> None:
    ring, store, loaded = _ring(), SegmentStore(tmp_path), _ring()
    for _ in range(11):
        _add(ring, 1)
        store.write_ahead(ring)
        store._finish()
    assert _names(tmp_path) == {
        "rows-000000000000-000000000004.npz",
        "rows-000000000004-000000000008.npz",
    }
    before = [path.stat() for path in sorted(tmp_path.iterdir())]
    segments = store.save(ring)
    assert _ranges(segments) == [(0, 4), (4, 8), (8, 11)]
    assert [path.stat() for path in sorted(tmp_path.iterdir())][:2] == before
    SegmentStore(tmp_path).load(loaded, segments)
    _assert_equal(ring, loaded)


@pytest.mark.usefixtures("files_of_4_rows")
def test_without_a_checkpoint_the_disk_holds_no_more_than_the_ring(tmp_path: Path) -> None:
    ring, store, loaded = _ring(), SegmentStore(tmp_path), _ring()
    _add(ring, 5)
    assert _ranges(store.save(ring)) == [(0, 5)]
    for _ in range(7 * 4):
        _add(ring, 1)
        store.write_ahead(ring)
        store._finish()
    # 33 rows: 23 to 32 are kept, and stacks reach back to 20. A checkpoint names 0 to 4.
    assert _names(tmp_path) == {
        "rows-000000000000-000000000005.npz",
        "rows-000000000017-000000000021.npz",
        "rows-000000000021-000000000025.npz",
        "rows-000000000025-000000000029.npz",
        "rows-000000000029-000000000033.npz",
    }
    segments = store.save(ring)
    assert _ranges(segments) == [(17, 21), (21, 25), (25, 29), (29, 33)]
    SegmentStore(tmp_path).load(loaded, segments)
    _assert_equal(ring, loaded)
    again = SegmentStore(tmp_path)
    again.load(loaded, segments)
    _add(loaded, 12, first=True)
    again.write_ahead(loaded)  # 12 rows, one file
    again._finish()
    _add(loaded, 13)
    again.write_ahead(loaded)
    again._finish()
    # 58 rows, needed from 45 on: gone is the file from 33 to 44, which nobody names.
    assert {name for name in _names(tmp_path) if name > "rows-000000000033"} == {
        "rows-000000000045-000000000058.npz"
    }
    assert "rows-000000000017-000000000021.npz" in _names(tmp_path)


@pytest.mark.usefixtures("files_of_4_rows")
def test_nobody_waits_for_a_slow_disk_but_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that the ring has forgotten meanwhile are written as they were."""
    ring, store, room, tape = _ring(), SegmentStore(tmp_path), threading.Event(), list[str]()
    write = row_file.write

    def slow(path: Path, rows: Any) -> int:
        tape.append(path.name)
        assert room.wait(60)
        return write(path, rows)

    monkeypatch.setattr(row_file, "write", slow)
    _add(ring, 5)
    store.write_ahead(ring)
    _add(ring, 14)  # of 19, 6 to 18 are in the ring
    store.write_ahead(ring)
    assert _names(tmp_path) == set()
    room.set()
    assert _ranges(store.save(ring)) == [(6, 19)]
    assert tape == ["rows-000000000000-000000000005.npz", "rows-000000000006-000000000019.npz"]
    with np.load(tmp_path / tape[0]) as arrays:
        assert arrays["reward"][:, 0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("files_of_4_rows")
@pytest.mark.parametrize("then", ["write_ahead", "save"])
def test_rows_that_find_no_room_ahead_are_told_of_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    ring, store, loaded = _ring(), SegmentStore(tmp_path), _ring()
    _add(ring, 4)
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", _full)
        store.write_ahead(ring)
        assert store._writing is not None
        futures.wait([store._writing])
    with pytest.raises(OSError, match="No space left"):
        getattr(store, then)(ring)
    assert _names(tmp_path) == set()
    segments = store.save(ring)  # room was made
    assert _ranges(segments) == [(0, 4)]
    SegmentStore(tmp_path).load(loaded, segments)
    _assert_equal(ring, loaded)


_LEAVING = """
import sys
import time
from pathlib import Path

from test_segments import _add, _ring
from replay import row_file, segments

segments.FILE_BYTES = 1
row_file.write = lambda *_: time.sleep(600)
ring = _ring()
_add(ring, 5)
segments.SegmentStore(Path(sys.argv[1])).write_ahead(ring)
print(time.monotonic(), flush=True)
sys.exit(130)
"""


def test_a_process_that_ends_does_not_wait_for_a_slow_disk(tmp_path: Path) -> None:
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", _LEAVING, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": f"{here.parent}{os.pathsep}{here}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert time.monotonic() - float(done.stdout) < 60


def test_files_that_nobody_needs_are_removed_and_no_others(tmp_path: Path) -> None:
    ring, store = _ring(), SegmentStore(tmp_path)
    for _ in range(3):
        _add(ring, 3)
        store.save(ring)
    (tmp_path / ".rows-000000000009-000000000012.npz").write_bytes(b"was never finished")
    (tmp_path / "notes.txt").write_text("somebody else's")
    (tmp_path / "rows").mkdir()
    store.remove_all_but([[3, 6, 1], [6, 9, 1]])
    assert _names(tmp_path) == {
        "rows-000000000003-000000000006.npz",
        "rows-000000000006-000000000009.npz",
        "notes.txt",
        "rows",
    }


def test_removing_needs_no_folder(tmp_path: Path) -> None:
    SegmentStore(tmp_path / "none").remove_all_but([])
    assert not (tmp_path / "none").exists()


def _identity(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return row_file._identity(archive)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A file of eight rows."""
    ring = _ring()
    _add(ring, 8)
    SegmentStore(tmp_path).save(ring)
    return tmp_path / "rows-000000000000-000000000008.npz"


def test_a_missing_file_is_named(saved: Path) -> None:
    segments = [[0, 8, _identity(saved)]]
    saved.unlink()
    with pytest.raises(SegmentError, match=f"{saved.name} is missing or damaged"):
        SegmentStore(saved.parent).load(_ring(), segments)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.99])
def test_a_file_cut_short_is_named(saved: Path, share: float) -> None:
    content, segments = saved.read_bytes(), [[0, 8, _identity(saved)]]
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(SegmentError, match=f"{saved.name} is missing or damaged"):
        SegmentStore(saved.parent).load(_ring(), segments)


def test_other_rows_than_its_name_says_are_refused(saved: Path) -> None:
    identity = _identity(saved)
    saved.rename(saved.with_name("rows-000000000000-000000000009.npz"))
    with pytest.raises(SegmentError, match=r"it holds 8 rows"):
        SegmentStore(saved.parent).load(_ring(), [[0, 9, identity]])


def test_rows_of_another_shape_are_refused(saved: Path) -> None:
    other = FrameRing(20, 2, seed=1, frame_shape=(2, 4), stack_size=_STACK)
    with pytest.raises(
        SegmentError, match=r"it holds frame as uint8 \(2, 2, 3\), not uint8 \(2, 2, 4\)"
    ):
        SegmentStore(saved.parent).load(other, [[0, 8, _identity(saved)]])


def test_a_flipped_byte_is_noticed_or_changes_nothing(saved: Path) -> None:
    """Some bytes of a zip, as the time of a file in it, are not looked at."""
    content, segments = saved.read_bytes(), [[0, 8, _identity(saved)]]
    directory = content.index(b"PK\1\2")  # of the zip; its flags can say "encrypted"
    noticed = 0
    for position in [*range(0, len(content), 31), *range(directory, directory + 46)]:
        flipped = bytearray(content)
        flipped[position] ^= 1
        saved.write_bytes(flipped)
        ring, loaded = _ring(), _ring()
        _add(ring, 8)
        try:
            SegmentStore(saved.parent).load(loaded, segments)
        except SegmentError:
            noticed += 1
        else:
            _assert_equal(ring, loaded)
    assert noticed > 50


def test_a_flipped_pixel_is_noticed(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    pixels = content.index(bytes([3] * 12))  # row 3: 2 games of 2 x 3
    content[pixels] ^= 128
    saved.write_bytes(content)
    with pytest.raises(SegmentError, match="CRC"):
        SegmentStore(saved.parent).load(_ring(), [[0, 8, _identity(saved)]])


def test_rows_of_another_run_are_refused(saved: Path) -> None:
    ring = _ring()
    _add(ring, 8)
    segments = SegmentStore(saved.parent).save(ring)
    other = _ring()
    _add(other, 7)
    _add(other, 1, first=True)
    SegmentStore(saved.parent).save(other)
    with pytest.raises(SegmentError, match="it is not the file that the checkpoint was written"):
        SegmentStore(saved.parent).load(_ring(), segments)


def test_more_rows_than_a_file_has_take_no_memory(saved: Path) -> None:
    saved.rename(saved.with_name("rows-000000000000-1000000000000.npz"))
    with pytest.raises(SegmentError, match="it is too short for its rows"):
        SegmentStore(saved.parent).load(_ring(), [[0, 10**12, 1]])


def test_packed_rows_are_refused(saved: Path) -> None:
    with np.load(saved) as arrays:
        rows = dict(arrays)
    for save, reason in ((np.savez_compressed, "it holds other arrays"), (np.savez, None)):
        rows["frame"] = np.asfortranarray(rows["frame"]) if reason is None else rows["frame"]
        save(saved, **rows)
        with zipfile.ZipFile(saved) as archive:
            assert (archive.infolist()[0].compress_type == zipfile.ZIP_STORED) == (reason is None)
        with pytest.raises(SegmentError, match=reason or "it holds frame as uint8"):
            SegmentStore(saved.parent).load(_ring(), [[0, 8, _identity(saved)]])


@pytest.mark.parametrize(
    "segment",
    [[8, 0, 1], [-1, 8, 1], [0, 8.0, 1], ["0", 8, 1], [0, 8], 3, [0, 8, 1, 2], [True, 8, 1], None],
)
def test_rows_that_there_cannot_be_are_refused(saved: Path, segment: object) -> None:
    segments: Any = [segment]
    with pytest.raises(SegmentError, match="there are no replay rows"):
        SegmentStore(saved.parent).load(_ring(), segments)


def test_a_gap_between_two_files_is_refused(saved: Path) -> None:
    with pytest.raises(SegmentError, match=r"there are no replay rows \[9, 12, 1\]"):
        SegmentStore(saved.parent).load(_ring(), [[0, 8, 1], [9, 12, 1]])


def test_rows_that_find_no_room_leave_nothing(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring, store = _ring(), SegmentStore(saved.parent)
    _add(ring, 8)
    before = saved.read_bytes()

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", _full)
        with pytest.raises(OSError, match="No space left"):
            store.save(ring)
    assert _names(saved.parent) == {saved.name}
    assert saved.read_bytes() == before
    assert _ranges(store.save(ring)) == [(0, 8)]  # room was made
