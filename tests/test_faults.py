"""Full disks, forbidden folders, foreign checkpoints, broken numbers: a sentence, and no loss.

A limit on the size of files (RLIMIT_FSIZE) stands for a full disk: the system refuses the write
itself, to Python and to TensorFlow alike, and no rights to mount anything are needed.
"""

from __future__ import annotations

import ast
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
import psutil
import pytest
import tensorflow as tf
from tensorflow.python.ops import summary_ops_v2

from agents.dense_network import DenseQNetwork
from agents.nature_network import NatureQNetwork
from configs import PRESETS, Config
from console.errors import UserError
from envs import suite
from envs.finished_game import FinishedGame
from evaluation.policies import load_policy
from replay.frame_ring import FrameRing
from replay.frame_store import FIRST, MID
from training import loop, preflight, session
from training.checkpoint import Checkpoints
from training.faults import games_from_python, in_one_sentence
from training.iterations import Iterations
from training.log import RunLog
from training.progress import Progress
from training.run_folder import RunFolder, versions
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


# Disks ------------------------------------------------------------------------------------------


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
    save = loop.Training._save

    def save_until_full(training: loop.Training) -> None:
        full = _full_disk(100_000) if training._progress.iteration > 4 else contextlib.nullcontext()
        with full:
            save(training)

    with (
        mock.patch.object(loop.Training, "_save", save_until_full),
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
        r"the games or the replay failed \(OverflowError: a b, test_faults\.py, line \d+\); "
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


# Checkpoints that do not belong here --------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"game": "Pong"}, "game is Pong there and Breakout in config.json"),
        ({"agent": "c51"}, "agent is c51 there and qr_dqn in config.json"),
        ({"network_width": 1.0}, "network_width is 1.0 there and 0.5 in config.json"),
        ({"replay_capacity": 500}, "replay_capacity is 500 there and 200000 in config.json"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    _checkpoints(tmp_path, _Small(Config(iterations=7, **changes))).save(10, {})
    with pytest.raises(UserError) as caught:
        _checkpoints(tmp_path, _Small(Config(iterations=9))).restore(pytest.fail)
    assert str(caught.value) == (
        f"checkpoint 000000010 of {tmp_path} is of a run with other numbers: {reason}; "
        "put back the config.json or the checkpoints that belong here"
    )
    assert _names(tmp_path / "checkpoints") == ["000000010"]


def test_other_networks_under_the_same_config_are_refused(tmp_path: Path) -> None:
    _checkpoints(tmp_path, _Small()).save(10, {})
    other = _Small()
    other.variables = {"weight": tf.Variable([1.0] * 3)}
    with pytest.raises(UserError, match=r"does not fit the networks that config\.json and this"):
        _checkpoints(tmp_path, other).restore(pytest.fail)


def test_another_tensorflow_is_told_and_tried(tmp_path: Path) -> None:
    older = {**versions(), "tensorflow": "2.14.0"}
    with mock.patch("training.checkpoint_state.versions", return_value=older):
        _checkpoints(tmp_path, _Small()).save(10, {})
    said: list[str] = []
    assert _checkpoints(tmp_path, _Small()).restore(said.append) == (10, {})
    assert said == [
        f"checkpoint 000000010 of {tmp_path} was written with other versions (tensorflow 2.14.0 "
        f"then and {tf.__version__} now): the run goes on, but not as it would have"
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_bad_state_takes_no_good_ones_place(tmp_path: Path, value: float) -> None:
    small = _Small()
    checkpoints = _checkpoints(tmp_path, small)
    checkpoints.save(10, {})
    small.weight.assign([1.0] * 499 + [value])
    with pytest.raises(UserError) as caught:
        checkpoints.save(10, {})
    assert str(caught.value) == (
        "a number of weight became infinite or NaN by iteration 10; checkpoint 10 is kept; "
        "go on with --resume --learning_rate=0.0004"
    )
    assert _names(tmp_path / "checkpoints") == ["000000010"]
    restored = _Small()
    _checkpoints(tmp_path, restored).restore(pytest.fail)
    assert restored.weight.numpy().tolist() == [1.0] * 500


def test_names_in_a_checkpoint_lead_nowhere_else(tmp_path: Path) -> None:
    from training import checkpoint_state

    _checkpoints(tmp_path, _Small()).save(10, {})
    path = tmp_path / "checkpoints" / "000000010" / "state.json"
    for name in ("../../config.json", "/etc/passwd", "..", ""):
        content = json.loads(path.read_text())
        del content["checksum"]
        content["files"] = {name: 0}
        path.write_text(json.dumps({**content, "checksum": checkpoint_state.checksum_of(content)}))
        said: list[str] = []
        with pytest.raises(UserError, match="none of 1 is whole"):
            _checkpoints(tmp_path, _Small()).restore(said.append)
        assert "is no file in its folder" in said[0]


# Memory and clocks -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        # 65,536 of 2 pairs of pictures (56,448 bytes each), a float one, 3 times 22,164 floats
        ({"batch_size": 65_536}, "--batch_size"),
        # 3,136 x 512 weights x 8 x 8, seven times 4 bytes
        ({"network_width": 8.0}, "--network_width"),
    ],
)
def test_batches_and_networks_must_fit_into_memory(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], flag: str
) -> None:
    free = SimpleNamespace(available=4_000_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    preflight.check(Config())
    with pytest.raises(UserError, match=rf"^batches of .* give a smaller .*{flag}"):
        preflight.check(Config(**changes))


def test_batches_of_small_games_take_little(monkeypatch: pytest.MonkeyPatch) -> None:
    free = SimpleNamespace(available=1_200_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    # 2 x 4 floats, 4 more, 3 times 128 + 128 + 18 of activations: 3,336 bytes of each
    config = PRESETS["cartpole"].replace(batch_size=16_384, dueling=False)
    preflight.check(config)
    one = config.replace(batch_size=1)
    assert preflight.learning_bytes(config) - preflight.learning_bytes(one) == 16_383 * 3_336


@pytest.mark.parametrize(
    ("kind", "observation", "changes"),
    [
        (NatureQNetwork, tf.TensorSpec([84, 84, 4], tf.uint8), {}),
        (
            NatureQNetwork,
            tf.TensorSpec([84, 84, 4], tf.uint8),
            {"network_width": 2.0, "dueling": True},
        ),
        (DenseQNetwork, tf.TensorSpec([4]), {"game": "CartPole-v1", "agent": "dqn"}),
        (DenseQNetwork, tf.TensorSpec([16]), {"game": "grid", "dueling": True, "noisy": True}),
    ],
)
def test_the_estimate_knows_the_networks(
    kind: Any, observation: tf.TensorSpec, changes: dict[str, Any]
) -> None:
    """The batch is a single transition: nearly all is weights."""
    action_spec = SimpleNamespace(maximum=17, minimum=0, dtype=tf.int64, shape=())
    config = Config(batch_size=1, precision="float32", **changes)
    network = kind(observation, action_spec, config)
    network.create_variables(training=False)
    weights = sum(int(np.prod(weight.shape)) for weight in network.weights)
    estimate = preflight.learning_bytes(config) / (4 * 7)
    assert weights < estimate < 1.1 * weights


def test_a_clock_that_is_set_spoils_no_share_of_time() -> None:
    for playing_sec, acting, training in ((-3_600.0, 0.0, 10.0), (3_600.0, 10.0, 0.0)):
        spent = TimeSpent()
        it: Any = SimpleNamespace(_spent=spent, _config=Config(overlap=False))
        Iterations._count_time(it, 10.0, playing_sec, dict(spent.seconds))
        assert (spent.seconds["acting"], spent.seconds["training"]) == (acting, training)


# What no file of the program does -----------------------------------------------------------------

_SOURCES = [
    path for path in ROOT.glob("**/*.py")
    if not {"tests", "venv", ".venv"} & set(path.relative_to(ROOT).parts)
]  # fmt: skip


def test_nothing_is_unpickled_unpacked_or_executed() -> None:
    forbidden = re.compile(
        r"\b(import|from) (pickle|dill|joblib|marshal|shelve|tarfile)\b|\.extractall\(|"
        r"\bunpack_archive\b|allow_pickle=True|(?<![.\w])(eval|exec)\("
    )
    assert len(_SOURCES) > 60
    for path in _SOURCES:
        text = path.read_text()
        assert not forbidden.search(text), path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.load":
                keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                assert keywords.get("allow_pickle") == "False", path


def test_no_duration_is_taken_from_a_clock_that_can_be_set() -> None:
    for path in _SOURCES:
        assert not re.search(r"\btime\.time\(|\btime_ns\(", path.read_text()), path
