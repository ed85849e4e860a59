"""Full disks, forbidden folders, failing games: a sentence, and no loss.

A limit on the size of files (RLIMIT_FSIZE) stands for a full disk: the system refuses the write
itself, to Python and to TensorFlow alike, and no rights to mount anything are needed.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import resource
import sys
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.ops import summary_ops_v2

from configs import Config
from console.errors import UserError
from envs import suite
from envs.finished_game import FinishedGame
from evaluation.policies import load_policy
from replay.frame_ring import FrameRing
from replay.frame_store import FIRST, MID
from training import session
from training.checkpoint import Checkpoints
from training.faults import games_from_python, in_one_sentence
from training.log import RunLog
from training.milestones import Milestones
from training.progress import Progress
from training.run_folder import RunFolder
from training.stop import StopRequestedError
from training.time_spent import TimeSpent

ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def _full_disk(room_bytes: int) -> Iterator[None]:
    """Let no file grow beyond `room_bytes`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class _NoGames:
    """Games with nothing to keep."""

    def state(self) -> dict[str, np.ndarray]:
        return {}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        assert state == {}


class _Small:
    """Parts with one variable and a ring of one row."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()
        self.weight = tf.Variable([1.0] * 500)
        self.variables = {"weight": self.weight}
        self.ring = FrameRing(20, 2, seed=1, frame_shape=(2, 3))
        self.add_row()
        self.replay = SimpleNamespace(ring=self.ring)
        self.env = _NoGames()

    def add_row(self) -> None:
        self.ring.add(
            step_type=np.full(2, MID if self.ring.rows_added else FIRST),
            observation=np.zeros((2, 2, 3, 4), np.uint8),
            action=np.zeros(2),
            next_step_type=np.full(2, MID),
            reward=np.zeros(2),
            discount=np.ones(2),
        )


def _checkpoints(folder: Path, small: Any) -> Checkpoints:
    return Checkpoints(RunFolder(folder), small)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("room_bytes", [100, 50_000])  # the variables, 3 kB; state.json, 100 kB
def test_a_full_disk_takes_no_checkpoint_away(tmp_path: Path, room_bytes: int) -> None:
    small = _Small()
    checkpoints = _checkpoints(tmp_path, small)
    checkpoints.save(10, {"at": 10})
    small.weight.assign([2.0] * 500)
    with (
        pytest.raises(UserError) as caught,
        in_one_sentence(RunFolder(tmp_path)),
        _full_disk(room_bytes),
    ):
        checkpoints.save(20, {"at": "x" * 100_000})
    assert re.fullmatch(
        r"\S.* cannot be read or written \(File too large\); make room or mend the folder, then go "
        rf"on from checkpoint 10 with: python train.py --logdir {tmp_path} --resume",
        str(caught.value),
    )
    assert _names(tmp_path / "checkpoints") == ["000000010"]
    restored = _Small()
    assert _checkpoints(tmp_path, restored).restore(pytest.fail) == (10, {"at": 10})
    checkpoints.save(20, {"at": 20})  # room was made
    assert _checkpoints(tmp_path, restored).restore(pytest.fail) == (20, {"at": 20})
    assert restored.weight.numpy().tolist() == [2.0] * 500


def test_rows_that_find_no_room_while_training_goes_on_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replay.segments.FILE_BYTES", 1)
    small = _Small()
    checkpoints = _checkpoints(tmp_path, small)
    checkpoints.save(10, {"at": 10})
    small.add_row()
    with _full_disk(100):
        checkpoints.write_ahead()
        assert checkpoints._segments._writing is not None
        futures.wait([checkpoints._segments._writing])
    with pytest.raises(UserError) as caught, in_one_sentence(RunFolder(tmp_path)):
        checkpoints.write_ahead()
    assert re.fullmatch(
        r"\S.* cannot be read or written \(File too large\); make room or mend the folder, then go "
        rf"on from checkpoint 10 with: python train.py --logdir {tmp_path} --resume",
        str(caught.value),
    )
    assert _names(tmp_path / "replay") == ["rows-000000000000-000000000001.npz"]
    restored = _Small()
    assert _checkpoints(tmp_path, restored).restore(pytest.fail) == (10, {"at": 10})


@pytest.mark.parametrize("kind", ["row", "evaluation", "games"])
def test_a_log_that_finds_no_room_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    # A writer whose flush fails stays TensorFlow's default: a process that ends does not mind.
    monkeypatch.setattr(summary_ops_v2._summary_state, "writer", None)
    log = RunLog(RunFolder(tmp_path), Config(), Progress(iteration=5), TimeSpent())
    log.begin_training(0)

    def evaluate() -> None:
        for _ in range(50):
            log.evaluation({"score_mean": 1 / 3})

    write: Callable[[], None] = {
        "row": lambda: log.row(9, {"epsilon": 0.5}),
        "evaluation": evaluate,
        "games": lambda: log.games([FinishedGame(0, 1.0, 10, 40)] * 100),
    }[kind]
    room_bytes = max(log.sync().values()) + 10  # of a row
    folder = RunFolder(tmp_path)
    match = r"cannot be read or written \(File too large\); make room or mend the folder, then"
    with pytest.raises(UserError, match=match), in_one_sentence(folder), _full_disk(room_bytes):
        write()
    log.close()
    for name in ("metrics.csv", "evaluations.csv", "games.csv"):
        text = (tmp_path / name).read_text()
        assert text.endswith("\n")  # no half of a row
        assert len({line.count(",") for line in text.splitlines()}) == 1


def test_a_run_on_a_full_disk_ends_in_a_sentence_and_resumes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """All of a session, in this process: the second checkpoint finds no room for its rows."""
    config = Config(
        num_envs=2, network_width=0.05, batch_size=4, initial_collect_steps=40, replay_capacity=400,
        precision="float32", iterations=40, checkpoint_period=4, eval_period=0, log_period=4,
        overlap=False, n_step=1, double=False,
    )  # fmt: skip
    folder = RunFolder(tmp_path)
    folder.create()
    save = Milestones.save

    def save_until_full(milestones: Milestones) -> None:
        is_full = milestones._progress.iteration > 4
        with _full_disk(100_000) if is_full else contextlib.nullcontext():
            save(milestones)

    with (
        mock.patch.object(Milestones, "save", save_until_full),
        pytest.raises(UserError, match=r"then go on from checkpoint 4 with: python train\.py"),
    ):
        session.train(config, "default", folder, resume=False)
    assert [path.name for path in folder.checkpoint_paths()] == ["000000004"]
    assert json.loads((folder.policies / "last" / "config.json").read_text())["iteration"] == 4
    assert session.train(config.replace(iterations=8), "default", folder, resume=True) == 0
    assert "resuming at iteration 4" in capfd.readouterr().out
    rows = (tmp_path / "metrics.csv").read_text().splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == [4, 8]
    # What is exported has checksums, and is played only if they hold.
    load_policy(folder.policies / "last")
    variables = folder.policies / "last" / "variables" / "variables.data-00000-of-00001"
    content = bytearray(variables.read_bytes())
    content[len(content) // 2] ^= 1
    variables.write_bytes(content)
    with pytest.raises(UserError, match=r"is damaged \(variables/variables.data.* does not match"):
        load_policy(folder.policies / "last")


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.EMFILE]
)
def test_whatever_the_system_says_of_a_file_is_passed_on(tmp_path: Path, number: int) -> None:
    reason = os.strerror(number)
    for error in (
        OSError(number, reason, "metrics.csv"),
        tf.errors.UnknownError(None, None, f"variables.index; {reason}"),
    ):
        told = pytest.raises(UserError, match=rf"cannot be read or written \({reason}\); make room")
        with told, in_one_sentence(RunFolder(tmp_path)):
            raise error


def test_no_memory_is_one_sentence_and_a_bug_is_a_bug(tmp_path: Path) -> None:
    for error in (MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM\nmore")):
        told = pytest.raises(UserError, match=r"^there is not enough memory \((Mem.*|OOM)\);")
        with told, in_one_sentence(RunFolder(tmp_path)):
            raise error
    told = pytest.raises(UserError, match=r"; a run with a smaller --num_envs needs less$")
    with told, in_one_sentence(RunFolder(tmp_path), "--num_envs"):
        raise MemoryError
    for bug in (ValueError("a bug"), tf.errors.InvalidArgumentError(None, None, "a bug")):
        with pytest.raises(type(bug), match="a bug"), in_one_sentence(RunFolder(tmp_path)):
            raise bug


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (
            OverflowError("a\nb"),
            "the games or the replay failed (OverflowError: a b, test_faults",
        ),
        (RuntimeError(), "the games or the replay failed (RuntimeError: no more is known, test_f"),
        (MemoryError("not for a batch"), "there is not enough memory (not for a batch); end other"),
    ],
)
def test_what_fails_on_tensorflows_threads_is_one_sentence(
    tmp_path: Path, raised: Exception, said: str
) -> None:
    def fail() -> np.ndarray:
        raise raised

    @tf.function
    def run() -> tf.Tensor:
        return tf.numpy_function(fail, [], tf.float32)

    with pytest.raises(UserError) as caught, in_one_sentence(RunFolder(tmp_path)):
        run()
    assert str(caught.value).startswith(said)
    assert "then start again: there is no checkpoint yet" in str(caught.value)


def test_what_fails_in_an_evaluation_is_the_same_sentence(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(UserError) as caught, in_one_sentence(folder), games_from_python():
        raise OverflowError("a\nb")
    assert re.fullmatch(
        r"the games failed \(OverflowError: a b, test_faults\.py, line \d+\); "
        "report it if it comes again, then start again: there is no checkpoint yet",
        str(caught.value),
    )
    for fault, kind, said in (
        (StopRequestedError("stop"), StopRequestedError, "^stop$"),
        (UserError("no such game"), UserError, "^no such game$"),
        (MemoryError(), UserError, "^there is not enough memory"),
    ):
        told = pytest.raises(kind, match=said)
        with told, in_one_sentence(folder), games_from_python():
            raise fault


def test_the_emulators_thread_is_never_given_an_action_that_ends_it() -> None:
    env = suite.load(Config(), 2, seed=1)
    env.reset()
    for action in (4, -1):  # it has 4, from 0
        with pytest.raises(ValueError, match=rf"^the game has no action {action}; it has 4$"):
            env.step(np.array([0, action]))


def test_a_folder_that_nobody_may_write_is_refused() -> None:
    """Not even root may in /sys; without it, as on macOS, another name shows as much."""
    folder = RunFolder(Path("/sys/run" if Path("/sys").is_dir() else "/dev/null/run"))
    with pytest.raises(UserError, match=r"^the folder \S+ cannot be written \(.+\); give another"):
        folder.create()
    with pytest.raises(UserError, match="cannot be written"):
        RunFolder(Path("a\0b")).create()


def test_a_terminal_that_is_gone_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

        def fileno(self) -> int:
            return file.fileno()

    log = RunLog(RunFolder(tmp_path), Config(), Progress(), TimeSpent())
    with (tmp_path / "terminal").open("w") as file, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Gone())
        log.say("a sentence")
        assert Path(f"/dev/fd/{file.fileno()}").resolve() == Path(os.devnull)
    log.close()
