"""When the peers' virtual environment is made, and when not; nothing is downloaded here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchmarks import peer_environment
from console.errors import UserError


class FakeInstaller:
    """Makes folders whose Python has `version`, and leaves a tape."""

    def __init__(self, version: str = peer_environment.VERSION) -> None:
        self.version = version
        self.versions: dict[Path, str] = {}
        self.tape: list[str] = []

    def version_of(self, python: Path) -> str | None:
        return self.versions.get(python)

    def install(self, folder: Path) -> None:
        self.tape.append("install")
        self.versions[peer_environment.python_of(folder)] = self.version

    def ready(self, folder: Path) -> str:
        return peer_environment.ready(
            folder, lambda _: self.tape.append("report"), self.version_of, self.install
        )


def test_installed_once_and_told_before(tmp_path: Path) -> None:
    installer, folder = FakeInstaller(), tmp_path / "peers"
    python = installer.ready(folder)
    assert python == str(folder / "bin" / "python")
    assert installer.tape == ["report", "install"]
    assert installer.ready(folder) == python
    assert installer.tape == ["report", "install"]


def test_another_version_is_replaced(tmp_path: Path) -> None:
    installer = FakeInstaller()
    (tmp_path / "pyvenv.cfg").touch()
    installer.versions[peer_environment.python_of(tmp_path)] = "2.0.0"
    installer.ready(tmp_path)
    assert installer.tape == ["report", "install"]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    installer = FakeInstaller()
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(UserError, match="is no virtual environment"):
        installer.ready(tmp_path)
    assert installer.tape == []


def test_a_wrong_version_after_the_installation_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has Stable-Baselines3 2\.0\.0 and not"):
        FakeInstaller(version="2.0.0").ready(tmp_path / "peers")


def test_a_full_disk_is_found_before_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_environment, "_NEEDED_BYTES", 10**18)
    installer = FakeInstaller()
    with pytest.raises(UserError, match="GB of disk"):
        installer.ready(tmp_path / "peers")
    assert installer.tape == []


def test_a_failed_installation_says_why_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "looking\nERROR: No matching distribution found for x\nnotice: a newer pip is there\n"
    commands: list[list[str]] = []

    def fails(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, len(commands) - 1, "", said)

    monkeypatch.setattr(subprocess, "run", fails)
    with pytest.raises(UserError, match="could not be installed") as e:
        peer_environment.install(tmp_path / "peers")
    assert "peers: ERROR: No matching distribution found for x; mend that" in str(e.value)
    assert len(str(e.value).splitlines()) == 1
    assert [command[1:3] for command in commands] == [["-m", "venv"], ["-m", "pip"]]


def test_without_a_python_there_is_no_version(tmp_path: Path) -> None:
    assert peer_environment.installed_version(tmp_path / "bin" / "python") is None


def test_the_cache_of_the_user_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    folder = peer_environment.default_folder()
    assert folder.is_relative_to("/cache/atari-dqn/peers")
    assert peer_environment.VERSION in folder.name
