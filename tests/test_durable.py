"""What a power cut could take, by a tape of all calls of fsync: no test cuts the power."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from configs import Config
from replay import durable
from training import session
from training.export import Exporter
from training.run_folder import RunFolder


class _Disk:
    """Knows which names and which contents have been handed to the disk.

    Args:
      root: nothing above it is looked at.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[int, set[str]] = {}  # of a folder, by its inode
        self._bytes: dict[int, int] = {}  # of a file

    def fsync(self, handle: int) -> None:
        """Stand for os.fsync."""
        status = os.fstat(handle)
        if not stat.S_ISDIR(status.st_mode):
            self._bytes[status.st_ino] = status.st_size
            return
        for folder in (self._root, *self._root.rglob("*")):
            if folder.is_dir() and folder.stat().st_ino == status.st_ino:
                self._names[status.st_ino] = {path.name for path in folder.iterdir()}

    def lacks(self) -> list[str]:
        """Return the files and folders that a power cut would take, or a part of them."""
        lost = []
        for path in sorted(self._root.rglob("*")):
            is_named = path.name in self._names.get(path.parent.stat().st_ino, ())
            size = path.stat().st_size
            is_whole = path.is_dir() or self._bytes.get(path.stat().st_ino, 0) == size
            if not (is_named and is_whole):
                lost.append(path.relative_to(self._root).as_posix())
        return lost


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Disk:
    disk = _Disk(tmp_path)
    monkeypatch.setattr(os, "fsync", disk.fsync)
    return disk


def test_the_first_checkpoint_of_a_run_outlasts_a_power_cut(
    tmp_path: Path, disk: _Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(
        game="grid", agent="dqn", num_envs=2, batch_size=4, initial_collect_steps=40,
        replay_capacity=400, iterations=2, eval_period=0, overlap=False,
    )  # fmt: skip
    lost: list[list[str]] = []
    export = Exporter.export

    def export_and_look(exporter: Exporter, name: str, iteration: int, score: None) -> Path:
        path = export(exporter, name, iteration, score)
        lost.append(disk.lacks())
        return path

    monkeypatch.setattr(Exporter, "export", export_and_look)
    folder = RunFolder(tmp_path / "runs" / "mine")
    folder.create()
    assert session.train(config, "grid", folder, resume=False) == 0
    assert lost == [[]]  # the last word of the run: all is there but its page
    assert disk.lacks() == ["runs/mine/report.html"]
    names = {path.name for path in folder.path.iterdir()}
    assert {"checkpoints", "replay", "policies", "tensorboard", "metrics.csv"} < names


def test_a_folder_that_is_there_costs_nothing(tmp_path: Path, disk: _Disk) -> None:
    for _ in range(2):
        durable.make_folder(tmp_path / "a" / "b")
    assert disk.lacks() == []
    (tmp_path / "c").touch()
    durable.make_folder(tmp_path / "a" / "b")
    assert disk.lacks() == ["c"]
