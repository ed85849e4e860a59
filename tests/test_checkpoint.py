"""Checkpoints: whole or not there, the last two kept, a torn one never taken."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from small_parts import SmallGames, SmallParts

from console.errors import UserError
from envs.plays import OtherGamesError
from replay import row_file
from replay.arrays import Rows
from replay.segments import MACHINE_ERRNOS
from training import checkpoint_folder
from training.checkpoint import Checkpoints
from training.run_folder import RunFolder


def _checkpoints(folder: Path, small: SmallParts) -> Checkpoints:
    any_parts: Any = small
    return Checkpoints(RunFolder(folder), any_parts)


def _restore(folder: Path) -> tuple[int, dict[str, Any], list[Any], list[str]]:
    """Return iteration, state, contents, and what was said, as a new process sees it."""
    small, said = SmallParts(seed=99), list[str]()
    iteration, state = _checkpoints(folder, small).restore(said.append)
    return iteration, state, small.contents(), said


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_everything_comes_back(tmp_path: Path) -> None:
    small = SmallParts(seed=1)
    small.work(8)
    state = {"progress": {"iteration": 5, "best_score": None}, "csv_bytes": {"a.csv": 3}}
    path = _checkpoints(tmp_path, small).save(5, state)
    assert path == tmp_path / "checkpoints" / "000000005"
    assert _restore(tmp_path) == (5, state, small.contents(), [])


def test_the_restored_ring_draws_what_the_first_would_have_drawn(tmp_path: Path) -> None:
    small, restored = SmallParts(seed=1), SmallParts(seed=99)
    small.work(8)
    _checkpoints(tmp_path, small).save(5, {})
    _checkpoints(tmp_path, restored).restore(pytest.fail)
    for one, two in zip(small.ring.sample(50, 2), restored.ring.sample(50, 2), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_last_two_are_kept_with_the_rows_that_they_need(tmp_path: Path) -> None:
    small = SmallParts(seed=1)
    checkpoints = _checkpoints(tmp_path, small)
    (tmp_path / "checkpoints" / "backup").mkdir(parents=True)  # somebody else's
    contents = []
    for iteration in range(10, 60, 10):
        small.work(6)
        checkpoints.save(iteration, {"at": iteration})
        contents.append(small.contents())
    assert _names(tmp_path / "checkpoints") == {"000000040", "000000050", "backup"}
    # 24 rows at iteration 40: 14 to 23 are kept and stacks reach back to 11; so on to 29.
    assert _names(tmp_path / "replay") == {
        "rows-000000000006-000000000012.npz",
        "rows-000000000012-000000000018.npz",
        "rows-000000000018-000000000024.npz",
        "rows-000000000024-000000000030.npz",
    }
    assert _restore(tmp_path) == (50, {"at": 50}, contents[4], [])
    shutil.rmtree(tmp_path / "checkpoints" / "000000050")
    assert _restore(tmp_path) == (40, {"at": 40}, contents[3], [])


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _flip(path: Path, position: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def _flip_a_digit(path: Path) -> None:
    """Make another number of the generator's, still JSON."""
    content = path.read_bytes()
    _flip(path, content.index(b'"inc": ') + len(b'"inc": 1'))
    json.loads(path.read_text())


_DATA = "checkpoints/000000020/variables.data-00000-of-00001"
_INDEX = "checkpoints/000000020/variables.index"
_GAMES = "checkpoints/000000020/games.npz"
_STATE = "checkpoints/000000020/state.json"
_ROWS = "replay/rows-000000000006-000000000012.npz"


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        (_DATA, _cut, "variables.data-00000-of-00001 does not match its checksum"),
        (_DATA, _flip, "variables.data-00000-of-00001 does not match its checksum"),
        (_DATA, Path.unlink, "No such file"),
        (_INDEX, _flip, "variables.index does not match its checksum"),
        (_INDEX, Path.unlink, "No such file"),
        (_GAMES, _flip, "games.npz does not match its checksum"),
        (_GAMES, Path.unlink, "No such file"),
        (_STATE, _flip_a_digit, "state.json does not match its checksum"),
        (_STATE, _flip, "cannot be read: Expecting value"),
        (_STATE, _cut, "cannot be read: Unterminated string"),
        (_STATE, lambda path: path.write_text("[]"), "cannot be read: "),
        (_STATE, lambda path: path.write_text("{}"), "cannot be read: 'checksum'"),
        (_STATE, lambda path: path.write_bytes(b"\xff"), "cannot be read: 'utf-8' codec"),
        (_STATE, Path.unlink, "No such file"),
        (_ROWS, _cut, f"{_ROWS} is missing or damaged"),
        (_ROWS, lambda path: _flip(path, 200), f"{_ROWS} is missing or damaged"),
        (_ROWS, Path.unlink, f"{_ROWS} is missing or damaged"),
    ],
)
def test_instead_of_a_torn_one_the_one_before_is_taken(
    tmp_path: Path, name: str, damage: Callable[[Path], object], reason: str
) -> None:
    small = SmallParts(seed=1)
    checkpoints = _checkpoints(tmp_path, small)
    small.work(6)
    checkpoints.save(10, {"at": 10})
    before = small.contents()
    small.work(6)
    checkpoints.save(20, {"at": 20})
    damage(tmp_path / name)
    iteration, state, contents, said = _restore(tmp_path)
    assert (iteration, state, contents) == (10, {"at": 10}, before)
    assert len(said) == 1
    assert said[0].startswith("checkpoint 000000020 is torn (")
    assert reason in said[0]
    assert said[0].endswith("); taking the one before it")
    # The torn one is never in the way again.
    assert _names(tmp_path / "checkpoints") == {"000000010"}


@pytest.mark.parametrize("number", sorted(MACHINE_ERRNOS))
@pytest.mark.parametrize("unreadable", [_DATA, _ROWS])
def test_one_that_cannot_be_read_now_is_not_torn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unreadable: str, number: int
) -> None:
    small = SmallParts(seed=1)
    checkpoints = _checkpoints(tmp_path, small)
    for iteration in (10, 20):
        small.work(6)
        checkpoints.save(iteration, {"at": iteration})
    there = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    open_file = io.open

    def failing(file: Any, *args: Any, **kwargs: Any) -> Any:
        if Path(file) == tmp_path / unreadable:
            raise OSError(number, os.strerror(number), str(file))
        return open_file(file, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(io, "open", failing)  # by which Path and zipfile open files
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            _restore(tmp_path)
    assert (caught.value.errno, caught.value.filename) == (number, str(tmp_path / unreadable))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == there
    assert _restore(tmp_path) == (20, {"at": 20}, small.contents(), [])


def test_training_goes_on_after_a_torn_one(tmp_path: Path) -> None:
    small = SmallParts(seed=1)
    checkpoints = _checkpoints(tmp_path, small)
    for iteration in (10, 20):
        small.work(6)
        checkpoints.save(iteration, {})
    _flip(tmp_path / _ROWS, 200)
    resumed = SmallParts(seed=99)
    checkpoints = _checkpoints(tmp_path, resumed)
    checkpoints.restore(lambda _: None)
    resumed.work(6)  # the file of the same name is written anew
    checkpoints.save(20, {"again": True})
    assert _restore(tmp_path) == (20, {"again": True}, resumed.contents(), [])


def test_where_none_is_whole_all_are_named(tmp_path: Path) -> None:
    small = SmallParts(seed=1)
    checkpoints = _checkpoints(tmp_path, small)
    for iteration in (10, 20):
        small.work(6)
        checkpoints.save(iteration, {})
        _cut(tmp_path / "checkpoints" / f"{iteration:09d}" / "state.json")
    said: list[str] = []
    with pytest.raises(UserError) as caught:
        _checkpoints(tmp_path, SmallParts(seed=99)).restore(said.append)
    assert [sentence.split()[1] for sentence in said] == ["000000020", "000000010"]
    assert str(caught.value) == (
        f"{tmp_path} has no checkpoint to resume from, none of 2 is whole; "
        "start another run, in another --logdir"
    )


def test_while_one_is_torn_no_rows_are_removed(tmp_path: Path) -> None:
    small = SmallParts(seed=1)
    checkpoints = _checkpoints(tmp_path, small)
    for iteration in (10, 20, 30):
        small.work(20)
        checkpoints.save(iteration, {})
        if iteration == 20:
            (tmp_path / "checkpoints" / "000000020" / "state.json").write_text('{"body": 3}')
    assert "rows-000000000027-000000000040.npz" in _names(tmp_path / "replay")


def test_the_same_iteration_may_be_saved_again(tmp_path: Path) -> None:
    small = SmallParts(seed=1)
    checkpoints = _checkpoints(tmp_path, small)
    small.work(6)
    checkpoints.save(10, {"best_score": None})
    checkpoints.save(10, {"best_score": 3.5})
    assert _names(tmp_path / "checkpoints") == {"000000010"}
    assert _restore(tmp_path) == (10, {"best_score": 3.5}, small.contents(), [])


class _Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("killed_at", range(4))
def test_a_kill_at_any_rename_leaves_a_whole_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    """State, rows, the old checkpoint put aside, the new one in its place."""
    small = SmallParts(seed=1)
    checkpoints = _checkpoints(tmp_path, small)
    for iteration in (10, 20):
        small.work(6)
        checkpoints.save(iteration, {"at": iteration})
    small.work(6)
    renames = 0

    def rename(how: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def counted(path: Path, target: Path) -> Path:
            nonlocal renames
            renames += 1
            if renames > killed_at:
                raise _Killed
            return how(path, target)

        return counted

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename(Path.rename))
        patch.setattr(Path, "replace", rename(Path.replace))
        with pytest.raises(_Killed):
            checkpoints.save(20, {"at": 20})
    iteration, state, contents, said = _restore(tmp_path)
    assert (state["at"], said) == (iteration, [])
    assert iteration == 20  # the one put aside, if it came to that, is not lost
    # What the kill has left lying is removed by the next checkpoint.
    resumed = SmallParts(seed=99)
    checkpoints = _checkpoints(tmp_path, resumed)
    checkpoints.restore(pytest.fail)
    assert resumed.contents() == contents
    resumed.work(2)
    checkpoints.save(40, {"at": 40})
    assert _names(tmp_path / "checkpoints") == {f"{iteration:09d}", "000000040"}
    assert not [name for name in _names(tmp_path / "replay") if name.startswith(".")]


@pytest.mark.parametrize("killed_at", [0, 1, None])
def test_of_rows_that_no_checkpoint_knows_a_resume_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int | None
) -> None:
    """Rows are written ahead, and a kill comes in the first file, in the second, or behind both."""
    monkeypatch.setattr("replay.segments.FILE_BYTES", 1)
    small = SmallParts(seed=1)
    checkpoints = _checkpoints(tmp_path, small)
    small.work(6)
    checkpoints.save(10, {})
    expected, names = small.contents(), _names(tmp_path / "replay")
    write, written = row_file.write, list[str]()

    def killed(path: Path, rows: Rows) -> int:
        if len(written) == killed_at:
            path.with_name(f".{path.name}").write_bytes(b"PK")
            raise _Killed
        written.append(path.name)
        return write(path, rows)

    monkeypatch.setattr(row_file, "write", killed)
    with contextlib.suppress(_Killed):
        for _ in range(2):
            small.work(3)
            checkpoints.write_ahead()
            checkpoints._segments._finish()
    assert len(_names(tmp_path / "replay") - names) == (2 if killed_at is None else killed_at + 1)
    resumed = SmallParts(seed=99)
    checkpoints = _checkpoints(tmp_path, resumed)
    checkpoints.restore(pytest.fail)
    assert (resumed.contents(), _names(tmp_path / "replay")) == (expected, names)
    monkeypatch.setattr(row_file, "write", write)
    resumed.work(7)
    checkpoints.write_ahead()
    checkpoints.save(20, {})
    assert _restore(tmp_path) == (20, {}, resumed.contents(), [])


def test_games_that_come_out_otherwise_begin_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = SmallParts(seed=1)
    small.work(8)
    _checkpoints(tmp_path, small).save(5, {})
    error = mock.Mock(side_effect=OtherGamesError("they differ"))
    monkeypatch.setattr(SmallGames, "restore", error)
    small.env.played = 0
    said = ["they differ, as with another version of ale-py or gym; the games in play begin anew"]
    assert _restore(tmp_path) == (5, {}, small.contents(), said)


def test_it_is_said_when_playing_again_took_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = SmallParts(seed=1)
    small.work(8)
    _checkpoints(tmp_path, small).save(5, {})
    monkeypatch.setattr(checkpoint_folder, "_SOON_SEC", -1.0)
    *_, said = _restore(tmp_path)
    assert said == ["the games in play were played up to the checkpoint again in 0 seconds"]
