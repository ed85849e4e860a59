"""train.py --doctor: each check by hand-made machines, and its verdict."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from configs import Config
from training import doctor, machine
from training.doctor import Finding
from training.rehearsal import Speed
from training.run_folder import RunFolder

_SPEED = Speed("CPU", "float32", 100, 50.0, 800.0, 1_000.0, 27_000_000)


def test_packages_are_compared_with_their_ranges() -> None:
    versions = {"numpy": "2.0.1", "gym": "0.23.0", "tensorflow": "2.15.1"}
    needed = ["gym==0.23.0", "tensorflow>=2.15.1,<2.16", "tomli>=2 ; python_version < '3'"]
    found = doctor.packages(needed, versions.get)
    assert found == Finding("packages", "all 2 are there, tensorflow 2.15.1")
    found = doctor.packages([*needed, "numpy>=1.24,<2", "tf-agents"], versions.get)
    assert found.verdict == "wrong"
    assert found.text == (
        "numpy is 2.0.1, not <2,>=1.24; tf-agents is missing; pip install -r requirements.txt"
    )


def test_the_packages_of_these_tests_are_right() -> None:
    found = doctor.packages(doctor._requirements(), doctor._installed_version)
    assert found.verdict == "ok", found.text


@pytest.mark.parametrize(
    ("has_device", "built_with_cuda", "missing", "visible", "why"),
    [
        (False, True, [], None, "no NVIDIA device"),
        (True, False, [], None, "built without CUDA"),
        (True, True, ["libcudnn.so.8"], "", "CUDA_VISIBLE_DEVICES is ''"),
        (True, True, [], "-1", "CUDA_VISIBLE_DEVICES is '-1', which hides"),
        (True, True, ["libcudnn.so.8", "libcublas.so.12"], "0", "libcudnn.so.8, libcublas.so.12;"),
        (True, True, [], "7", "may name no GPU"),
        (True, True, [], None, "--verbosity=0"),
    ],
)
def test_why_there_is_no_gpu(
    has_device: bool, built_with_cuda: bool, missing: list[str], visible: str | None, why: str
) -> None:
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert why in machine.why_no_gpu(
        has_device=has_device,
        built_with_cuda=built_with_cuda,
        missing_libraries=missing,
        environment=environment,
    )


def test_a_gpu_is_a_device_of_its_driver(tmp_path: Path) -> None:
    (tmp_path / "nvidiactl").touch()
    assert not machine.has_gpu(tmp_path)
    (tmp_path / "nvidia0").touch()
    assert machine.has_gpu(tmp_path)


def test_memory_is_what_the_container_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = SimpleNamespace(available=5_000)
    monkeypatch.setattr("psutil.virtual_memory", lambda: free)
    assert machine.free_memory_bytes(tmp_path) == 5_000
    (tmp_path / "memory.current").write_text("1000\n")
    (tmp_path / "memory.stat").write_text("anon 600\ninactive_file 400\n")
    for limit, expected in (("max", 5_000), ("4000", 3_400), ("9000", 5_000), ("500", 0)):
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        assert machine.free_memory_bytes(tmp_path) == expected


def test_disk_is_that_of_the_nearest_folder_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def usage(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(free=7)

    monkeypatch.setattr("shutil.disk_usage", usage)
    assert machine.free_disk_bytes(tmp_path / "not" / "there") == 7
    assert machine.free_disk_bytes(tmp_path / ("n" * 300)) == 7  # too long to be there
    assert asked == [tmp_path] * 2


def test_the_disk_that_a_run_needs() -> None:
    config = Config(
        num_envs=2,
        replay_capacity=1_000,
        initial_collect_steps=500,
        checkpoint_period=100,
        update_period=4,
        iterations=10_000,
        log_period=1_000,
    )
    # Rows: 1,000 + 500 + 3 x 400 = 2,700 of 7,068 bytes. Models: 6 x 10. Rows of metrics: 11 of
    # 5,000 bytes. Games: 40,500 agent steps / 100 = 405 of 40 bytes.
    assert doctor.disk_needed_bytes(config, 10) == 2_700 * 7_068 + 60 + 55_000 + 16_200
    # What is written ahead is forgotten with the ring: 1,000 + 500 + 3 x 1,000.
    rare = config.replace(checkpoint_period=10_000)
    assert doctor.disk_needed_bytes(rare, 10) == 4_500 * 7_068 + 60 + 55_000 + 16_200
    # A short run plays no more than 500 + 4 x 10 steps, and a row more: 542.
    short = config.replace(iterations=10)
    assert doctor.disk_needed_bytes(short, 10) == 542 * 7_068 + 60 + 5_000 + 200
    # A row of CartPole has 4 floats in place of a picture: 16 + 12 bytes.
    cartpole = config.replace(game="CartPole-v1")
    assert doctor.disk_needed_bytes(cartpole, 10) == 2_700 * 28 + 60 + 55_000 + 16_200
    # Priorities: 8 bytes for each of 1,000 places, in three checkpoints.
    prioritized = cartpole.replace(prioritized=True)
    assert doctor.disk_needed_bytes(prioritized, 10) == (2_700 * 28 + 24_000 + 60 + 55_000 + 16_200)


@pytest.mark.parametrize(
    ("iterations", "done", "text"),
    [
        (1_000, 0, "1,000 iterations will take about 25 seconds"),  # 5,000 / 1,000 + 1,000 / 50
        (1_000, 500, "500 iterations will take about 10 seconds"),  # no random start
        (30_000, 0, "about 10.1 minutes"),  # 605 s
        (900_000, 0, "about 5.0 hours"),
    ],
)
def test_the_time_that_a_run_takes(iterations: int, done: int, text: str) -> None:
    found = doctor.duration(Config(iterations=iterations), done, _SPEED)
    assert text in found.text
    assert found.verdict == "ok"


def test_years_are_worth_a_note() -> None:
    found = doctor.duration(Config(iterations=10**9), 0, _SPEED)  # 20,000,000 s
    assert "231.5 days" in found.text
    assert found.verdict == "note"


def _examine(
    config: Config, folder: Path, monkeypatch: pytest.MonkeyPatch, measure: Any, *asked: str
) -> tuple[int, list[str]]:
    monkeypatch.setitem(
        sys.modules, "training.rehearsal", SimpleNamespace(measure=measure, Speed=Speed)
    )
    monkeypatch.setattr("training.rehearsal", sys.modules["training.rehearsal"])
    said: list[str] = []
    return doctor.examine(config, RunFolder(folder), said.append, asked), said


def test_a_machine_that_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(replay_capacity=1_000, iterations=1_000)
    folder = tmp_path / "run"
    status, said = _examine(config, folder, monkeypatch, lambda *_: _SPEED)
    assert status == doctor.READY == 0
    assert [line.split()[1] for line in said[:-1]] == [
        "packages", "game", "GPU", "memory", "speed", "disk", "time",
    ]  # fmt: skip
    assert said[-1] == f"ready: the run can begin, in {folder}"
    assert not folder.exists()


def test_all_that_is_wrong_is_told_and_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(game="Brekout", replay_capacity=100_000_000)
    status, said = _examine(config, tmp_path, monkeypatch, None)
    assert status == doctor.NOT_READY == 1
    wrong = [line for line in said if line.startswith("wrong")]
    assert len(wrong) == 2
    assert "the nearest names are Breakout" in wrong[0]
    assert "needs 706.8 GB" in wrong[1]
    assert said[-1].startswith("not ready: mend what is wrong above (game, memory)")


def test_a_gym_game_that_there_is_not_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, said = _examine(Config(game="CartPole-v7"), tmp_path, monkeypatch, None)
    assert status == doctor.NOT_READY
    (wrong,) = [line for line in said if line.startswith("wrong")]
    assert "gym has no game called 'CartPole-v7'" in wrong
    assert said[-1].startswith("not ready: mend what is wrong above (game)")


def test_a_flag_that_the_run_would_refuse_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(game="CartPole-v1", agent="dqn")
    status, said = _examine(config, tmp_path, monkeypatch, None, "life_start")
    assert status == doctor.NOT_READY
    assert any("--life_start is for Atari games only" in line for line in said)


def test_a_trial_that_fails_and_a_disk_that_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(replay_capacity=1_000)

    def fail(*_: object) -> Speed:
        raise ValueError("no kernel")

    status, said = _examine(config, tmp_path, monkeypatch, fail)
    assert status == 1
    assert "a trial failed: ValueError: no kernel" in said[-2]
    monkeypatch.setattr(machine, "free_disk_bytes", lambda _: 1_000_000)
    status, said = _examine(config, tmp_path, monkeypatch, lambda *_: _SPEED)
    assert status == 1
    assert any("0.0 GB are free; give a --logdir on another disk" in line for line in said)
    run = tmp_path / "run"
    monkeypatch.setattr("os.access", lambda path, _: path not in (tmp_path, run))
    status, said = _examine(config, run, monkeypatch, lambda *_: _SPEED)
    assert status == 1
    assert any("run cannot be written; give another with --logdir" in line for line in said)
    (run / "checkpoints/000000001").mkdir(parents=True)  # a run goes on only where it is
    RunFolder(run).write_config(config, "default", {})
    _, said = _examine(config, run, monkeypatch, lambda *_: _SPEED)
    assert any("run cannot be written; make it writable" in line for line in said)
    monkeypatch.setattr("os.access", lambda *_: True)
    _, said = _examine(config, run, monkeypatch, lambda *_: _SPEED)
    assert any("0.0 GB are free; make room there" in line for line in said)
