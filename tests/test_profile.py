"""Iterations under the profiler: which, what is written of them, and that they learn the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from forked_program import ForkedProgram
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from configs import Config
from console.errors import UserError
from training.profile_plan import ProfilePlan, plan_profile
from training.profile_summary import Cost, kernel_costs, op_costs, summary
from training.profiler import Profiler
from training.run_folder import RunFolder
from training.time_spent import TimeSpent

_GRID = (
    *("train.py", "--preset=grid", "--iterations=80", "--initial_collect_steps=100"),
    *("--log_period=40", "--eval_period=0", "--checkpoint_period=1000", "--deterministic"),
)
_MS = 10**9  # picoseconds


@pytest.fixture(scope="module")
def forked() -> Iterator[ForkedProgram]:
    programs = ForkedProgram(["training.session"])
    yield programs
    programs.close()


def _config(iterations: int, log: int, evaluation: int, checkpoint: int) -> Config:
    return Config(
        iterations=iterations,
        log_period=log,
        eval_period=evaluation,
        checkpoint_period=checkpoint,
    )


@pytest.mark.parametrize(
    ("done", "iterations", "begin"),
    [
        (0, 80, 20),  # behind the warm-up, up to the row at 100
        (0, 81, 100),  # behind that row
        (300, 50, 320),  # a resume warms up again
        (90, 100, 200),  # 110 to 210 would have a row in it
        (860, 100, 900),  # the last there is
    ],
)
def test_a_profile_lies_where_nothing_else_is_due(done: int, iterations: int, begin: int) -> None:
    config = _config(1_000, log=100, evaluation=500, checkpoint=10**6)
    assert plan_profile(config, done, iterations) == (begin, iterations)


def test_all_periods_are_kept_clear_of() -> None:
    # Rows at 21, 28, 35 and 42, evaluations at 22, 33 and 44: the first seven are 35 to 42.
    assert plan_profile(_config(100, log=7, evaluation=11, checkpoint=10**6), 0, 7) == (35, 7)


@pytest.mark.parametrize(
    ("done", "iterations", "message"),
    [
        (0, 101, "--log_period 100 comes in between"),
        (0, 100, "from iteration 0 to 150 there is no room"),
        (100, 31, "from iteration 100 to 150 there is no room for so many behind 20 of warm-up"),
    ],
)
def test_a_profile_without_room_is_refused(done: int, iterations: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan_profile(_config(150, log=100, evaluation=500, checkpoint=10**6), done, iterations)


def _line(plane: xplane_pb2.XPlane, name: str, *events: tuple[str, int, int]) -> None:
    """Add a thread; an event is its name, and the milliseconds from when to when."""
    line = plane.lines.add(name=name)
    for event, began, ended in events:
        number = len(plane.event_metadata) + 1
        plane.event_metadata[number].name = event
        line.events.add(
            metadata_id=number, offset_ps=began * _MS, duration_ps=(ended - began) * _MS
        )


def _space() -> xplane_pb2.XSpace:
    """Two threads, and a GPU:

    thread 1   | Process                          |
               | f:Call ... 10 | a:Relu 12 | a:Relu |
               |  b:Mul 2..5   |
    thread 2   | b:Mul 0..1 |
    """  # fmt: skip
    space = xplane_pb2.XSpace()
    host = space.planes.add(name="/host:CPU")
    _line(
        host, "thread 1",
        ("ExecutorState::Process", 0, 20), ("while/body/_1/while/f/g:Call", 0, 10),
        ("while/body/_1/while/x/b:Mul", 2, 5), ("a:Relu", 10, 12), ("a:Relu", 12, 16),
        ("EagerExecute: f", 0, 20),
    )  # fmt: skip
    _line(host, "thread 2", ("while/body/_1/while/x/b:Mul", 0, 1))
    gpu = space.planes.add(name="/device:GPU:0")
    _line(gpu, "Stream #1(Compute)", ("gemm", 0, 6), ("gemm", 6, 8))
    _line(gpu, "Steps", ("1", 0, 8))
    return space


def test_an_op_costs_what_it_takes_without_those_inside() -> None:
    assert op_costs(_space()) == {
        ("Call", "f/g"): Cost(10 - 3, 1),
        ("Mul", "x/b"): Cost(3 + 1, 2),
        ("Relu", "a"): Cost(2 + 4, 2),
    }
    assert kernel_costs(_space()) == {"gemm": Cost(8, 2)}


def test_the_page_has_the_dearest_first() -> None:
    lines = summary(_space(), 21, 22, {"acting": 0.004, "training": 0.03}).splitlines()
    assert lines[0].startswith("Iterations 21 to 22;")
    activities = [line.split(":")[0] for line in lines if " ms  " in line and ":" in line]
    assert activities == ["    15.000 ms  training", "     2.000 ms  acting"]
    kinds = lines.index("Ops by kind:")
    assert [line.split() for line in lines[kinds + 2 : kinds + 5]] == [
        ["3.500", "41.2", "%", "0.5", "Call"],
        ["3.000", "35.3", "%", "1.0", "Relu"],
        ["2.000", "23.5", "%", "1.0", "Mul"],
    ]
    assert lines[lines.index("Kernels of the GPU:") + 2].split()[-1] == "gemm"


def _profiler(folder: Path, plan: ProfilePlan, said: list[str]) -> Profiler:
    return Profiler(plan, RunFolder(folder), TimeSpent(), said.append)


def test_stretches_end_where_the_profile_begins(tmp_path: Path) -> None:
    profiler = _profiler(tmp_path, ProfilePlan(20, 7), [])
    assert [profiler.stretch(at, 15) for at in (0, 15, 20, 27)] == [15, 5, 7, 15]


def test_what_is_watched_may_fail_and_be_watched_again(tmp_path: Path) -> None:
    said: list[str] = []
    profiler = _profiler(tmp_path, ProfilePlan(3, 1), said)
    with profiler.watching(2):
        pass  # is not in the plan
    with pytest.raises(KeyError), profiler.watching(3):
        raise KeyError
    assert said == []
    with profiler.watching(3):
        tf.function(lambda: tf.linalg.matmul(tf.ones([9, 9]), tf.ones([9, 9])))()
    assert said[0].startswith("profiled 1 iterations: ")


def test_a_profile_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "profile.txt").mkdir()
    said: list[str] = []
    with _profiler(tmp_path, ProfilePlan(0, 1), said).watching(0):
        pass
    assert len(said) == 1
    assert said[0].startswith("warning: the profile was not written (")
    assert "Is a directory" in said[0]


def _weights(run: Path) -> list[np.ndarray]:
    reader = tf.train.load_checkpoint(str(next((run / "checkpoints").glob("0*")) / "variables"))
    names = sorted(reader.get_variable_to_shape_map())
    return [reader.get_tensor(name) for name in names if "OBJECT_GRAPH" not in name]


def test_a_run_under_the_profiler_learns_the_same(tmp_path: Path, forked: ForkedProgram) -> None:
    status, stdout, stderr = forked.run(
        tmp_path, *_GRID, "--logdir=watched", "--profile_iterations=15"
    )
    assert (status, stderr) == (0, "")
    assert "profiled 15 iterations: watched/profile.txt" in stdout
    page = (tmp_path / "watched/profile.txt").read_text()
    assert page.startswith("Iterations 21 to 35;")
    for known in ("step_py_func", "replay_draw", "replay_add", "MatMul", "ms  training: "):
        assert known in page
    assert len(list((tmp_path / "watched/tensorboard/plugins/profile").glob("*/*.xplane.pb"))) == 1

    assert forked.run(tmp_path, *_GRID, "--logdir=alone")[0] == 0
    watched, alone = (_weights(tmp_path / name) for name in ("watched", "alone"))
    assert len(alone) > 10
    assert all(np.array_equal(one, other) for one, other in zip(watched, alone, strict=True))
    games = [(tmp_path / name / "games.csv").read_text() for name in ("watched", "alone")]
    # Games are listed by slot within a stretch, and the stretches are others.
    columns = [sorted(line.split(",")[2:] for line in text.splitlines()) for text in games]
    assert columns[0] == columns[1]
    assert len(columns[0]) > 5


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--profile_iterations=41", "--log_period 40 comes in between"),
        ("--profile_iterations=-1", "--profile_iterations"),
        ("--profile_iterations=1001", "--profile_iterations"),
    ],
)
def test_mistakes_are_answered_in_a_line(
    tmp_path: Path, forked: ForkedProgram, flag: str, message: str
) -> None:
    status, _, stderr = forked.run(tmp_path, *_GRID, "--logdir=a", flag)
    assert status == 2
    assert stderr.startswith("error: ")
    assert message in stderr
    assert stderr.count("\n") == 1
    assert not (tmp_path / "a").exists()
