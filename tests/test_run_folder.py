"""The folder of a run: config.json, the rules of a resume, CSV files."""

from __future__ import annotations

import errno
import fcntl
import json
import resource
import sys
from pathlib import Path
from unittest import mock

import pytest

from configs import Config, ConfigError
from console.errors import UserError
from training import run_folder
from training.csv_log import CsvLog
from training.run_folder import RunFolder, new_run_path, resumed_config, write_json


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a" / "b")
    assert not folder.exists
    folder.create()
    folder.create()
    assert [path.name for path in folder.path.iterdir()] == [".lock"]
    assert not folder.exists  # only config.json makes it a run


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("file", "File exists"),
        ("file/below", "Not a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = RunFolder(tmp_path / name)
    assert not folder.exists
    with pytest.raises(UserError) as caught:
        folder.create()
    assert str(caught.value) == (
        f"the folder {tmp_path / name} cannot be written ({reason}); give another with --logdir"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_run_that_cannot_be_written_goes_on_nowhere_else(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_config(Config(), "default", {})
    (tmp_path / ".lock").mkdir()  # not even root can write it
    with pytest.raises(UserError) as caught:
        folder.create()
    assert str(caught.value) == (
        f"the folder {tmp_path} cannot be written (Is a directory); make it writable"
    )


def test_config_json_holds_all_numbers_and_each_session(tmp_path: Path) -> None:
    folder, config = RunFolder(tmp_path), Config(seed=7, game="Pong")
    folder.write_config(config, "notebook", {"device": "CPU"})
    folder.write_config(config.replace(iterations=9), "notebook", {"device": "GPU"})
    assert folder.exists
    assert folder.read_config() == (config.replace(iterations=9), "notebook")
    content = json.loads(folder.config_file.read_text())
    assert content["config"] == config.replace(iterations=9).to_dict()
    assert [session["device"] for session in content["sessions"]] == ["CPU", "GPU"]
    for session in content["sessions"]:
        assert session["started"].endswith("+00:00")
        assert session["command"][:2] == ["python", "train.py"]
        assert session["versions"]["tensorflow"].startswith("2.")
        assert {"python", "tf-agents", "ale-py", "gym", "numpy"} < set(session["versions"])


def test_the_command_of_a_session_is_what_can_be_typed_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/some/where/policy_gradient/__main__.py", "--seed=2"])
    folder = RunFolder(tmp_path, "python -m policy_gradient")
    folder.write_config(Config(), "default", {})
    (session,) = json.loads(folder.config_file.read_text())["sessions"]
    assert session["command"] == ["python", "-m", "policy_gradient", "--seed=2"]


def test_there_must_be_a_run_to_resume(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        RunFolder(tmp_path).read_config()
    assert str(caught.value) == (
        f"there is no run in {tmp_path} to resume: it has no config.json; "
        "leave --resume out to start one"
    )


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": 1, "config": {}, "sessions": []}',
        '{"format": 1, "config": {}, "sessions": {}, "preset": "default"}',
        '{"format": 1, "config": {}, "sessions": [], "preset": 3}',
        '{"format": 2, "config": {}, "sessions": [], "preset": "default"}',
        '{"config": {}, "sessions": [], "preset": "default"}',
        '{"format": 1, "config": 3, "sessions": [], "preset": "default"}',
        '{"format": 1, "config": {"batch_size": -1}, "sessions": [], "preset": "default"}',
        '{"format": 1, "config": {"batchsize": 1}, "sessions": [], "preset": "default"}',
        "[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_broken_config_json_is_one_sentence(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=rf"^{path} is broken \(.+\); restore it, or start another"):
        RunFolder(tmp_path).read_config()


def test_the_newest_checkpoint_tells_what_is_done(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(UserError, match="has no checkpoint to resume from"):
        folder.iterations_done()
    for name in ("000000900", "000001000", ".000002000.77", "backup"):
        (folder.checkpoints / name).mkdir(parents=True)
    assert [path.name for path in folder.checkpoint_paths()] == ["000000900", "000001000"]
    assert folder.iterations_done() == 1_000


def test_a_checkpoint_that_a_kill_left_aside_is_among_them(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for name in ("000000900", ".000000900.old", ".000001000.old"):
        (folder.checkpoints / name).mkdir(parents=True)
    assert [path.name for path in folder.checkpoint_paths()] == ["000000900", ".000001000.old"]
    assert folder.iterations_done() == 1_000


def test_a_row_that_finds_no_room_leaves_nothing(tmp_path: Path) -> None:
    """The limit stands for a full disk: there, too, a part of a row is written first."""
    log = CsvLog(tmp_path / "a.csv", ["a"])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            log.write({"a": 123456})
        assert (tmp_path / "a.csv").read_text() == "a\n"
        log.write({"a": 12})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.sync()
    log.close()
    assert (tmp_path / "a.csv").read_text() == "a\n12\n"


def test_a_resume_may_change_how_long_what_is_watched_and_the_step_size() -> None:
    changes = {
        "iterations": 70,
        "eval_period": 3,
        "eval_games": 4,
        "checkpoint_period": 5,
        "log_period": 6,
        "stack_on_device": "yes",
        "learning_rate": 1e-5,
    }
    saved = Config(iterations=50, precision="bfloat16")
    assert resumed_config(saved, changes, done=50) == saved.replace(**changes)
    assert resumed_config(saved, {}, done=50) == saved
    # What is as it was may be said again; "auto" was decided when the run was started.
    same = {"seed": saved.seed, "discount": saved.discount, "precision": "auto"}
    assert resumed_config(saved, same, done=50) == saved


def test_a_resume_names_all_numbers_that_contradict_the_run() -> None:
    with pytest.raises(UserError) as caught:
        resumed_config(
            Config(), {"iterations": 10**6, "seed": 2, "game": "Pong", "double": False}, done=0
        )
    assert str(caught.value) == (
        "the run was started with other numbers: seed is 1 there and 2 here; game is Breakout "
        "there and Pong here; double is True there and False here; leave these flags out, or "
        "start another run"
    )


def test_a_resume_checks_ranges_too() -> None:
    with pytest.raises(ConfigError, match="eval_games must be from 1 to"):
        resumed_config(Config(), {"eval_games": 0}, done=0)


def test_fewer_iterations_than_are_done_are_refused() -> None:
    with pytest.raises(UserError) as caught:
        resumed_config(Config(iterations=50), {"iterations": 39}, done=40)
    assert str(caught.value) == (
        "the run has done 40 iterations already; give at least as many with --iterations"
    )
    assert resumed_config(Config(iterations=50), {"iterations": 40}, done=40).iterations == 40


def test_two_runs_of_one_second_get_two_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_folder, "RUNS", tmp_path)
    paths = []
    for _ in range(5):
        paths.append(new_run_path("Pong", "dqn"))
        paths[-1].mkdir()
    assert len(set(paths)) == 5
    assert all(path.name.startswith("Pong-dqn-2") for path in paths)


def test_json_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"one": 1})
    with pytest.raises(TypeError):
        write_json(path, {"two": 2, "three": object()})
    assert json.loads(path.read_text()) == {"one": 1}


def test_a_csv_file_is_cut_back_to_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    log = CsvLog(path, ["a", "b"])
    assert path.read_text() == "a,b\n"
    log.write({"a": 1, "b": 2.5})
    size = log.size_bytes
    assert size == len("a,b\n1,2.5\n")
    log.write({"a": 2})  # after the checkpoint
    assert path.read_text() == "a,b\n1,2.5\n2,\n"
    log.close()
    resumed = CsvLog(path, ["a", "b"], size)
    assert path.read_text() == "a,b\n1,2.5\n"
    resumed.write({"b": 3})
    assert path.read_text() == "a,b\n1,2.5\n,3\n"
    resumed.close()


def test_a_csv_file_of_a_new_run_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("of a run that ended before its first checkpoint\n")
    CsvLog(path, ["a"]).close()
    assert path.read_text() == "a\n"


def test_a_csv_file_of_an_older_program_keeps_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("c,a\n5,1\n5,2\n")
    log = CsvLog(path, ["a", "b"], kept_bytes=len("c,a\n5,1\n"))
    log.write({"a": 3, "b": 4})
    assert path.read_text() == "c,a\n5,1\n,3\n"
    with pytest.raises(ValueError, match="'d'"):
        log.write({"a": 3, "d": 4})
    path.write_text("\n5,1\n")
    with pytest.raises(UserError, match=r"a\.csv has no header; restore the file"):
        CsvLog(path, ["a", "b"], kept_bytes=2)


def test_a_csv_file_that_has_lost_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for content in (None, "a\n"):
        if content is not None:
            path.write_text(content)
        with pytest.raises(UserError, match="is shorter than its checkpoint knows it"):
            CsvLog(path, ["a"], kept_bytes=3)


def test_a_csv_file_has_no_column_that_its_header_lacks(tmp_path: Path) -> None:
    log = CsvLog(tmp_path / "a.csv", ["a"])
    with pytest.raises(ValueError, match="'b'"):
        log.write({"b": 1})
    log.close()


def test_a_folder_is_for_one_process_at_a_time(tmp_path: Path) -> None:
    first = RunFolder(tmp_path / "run")
    first.create()
    with pytest.raises(UserError, match=r"another process is training in .*run; stop it first"):
        RunFolder(tmp_path / "run").create()
    for number in (errno.ENOLCK, errno.EOPNOTSUPP):
        no_locks = mock.patch.object(fcntl, "flock", side_effect=OSError(number, "no locks"))
        with no_locks, pytest.raises(UserError) as caught:
            RunFolder(tmp_path / "run").create()
        assert str(caught.value) == (
            f"the folder {tmp_path / 'run'} cannot be locked (no locks); "
            "give a --logdir on another disk"
        )
    del first  # as when its process ends
    RunFolder(tmp_path / "run").create()
