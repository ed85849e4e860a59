"""Runs one after another: resumed, skipped, begun anew, failing, stopped by a signal."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.errors import UserError
from experiments import run as program
from experiments import sequence
from experiments.plan import PlannedRun, read_plan
from experiments.run_state import State, state_of
from experiments.workers import core_groups
from training import machine
from training.run_folder import RunFolder

# In place of train.py. Seed 2 fails; with seed 3 someone presses Ctrl-C, and a stop takes a while.
_PROGRAM = """
import os, signal, sys, time
with open("tape", "a") as tape:
    tape.write(" ".join(sys.argv[1:]) + "\\n")
if "--seed=2" in sys.argv:
    sys.exit(2)
if "--seed=3" in sys.argv:
    with open("tape", "a") as tape:
        tape.write(f"alone in its session: {os.getsid(0) == os.getpid()}\\n")
    number = int(os.environ["SIGNAL_OF_THE_TEST"])
    def stop(number, _):
        time.sleep(0.1)
        with open("tape", "a") as tape:
            tape.write(f"got {number}\\n")
        sys.exit(128 + number)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    os.kill(os.getppid(), number)
    time.sleep(30)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder we are in, with a program in place of train.py."""
    (tmp_path / "train.py").write_text(_PROGRAM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sequence, "PROGRAM", tmp_path / "train.py")
    return tmp_path


@pytest.fixture(autouse=True)
def as_at_a_terminal() -> Iterator[None]:
    """A process in the background ignores Ctrl-C, and so would what is tested here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _runs(*seeds: int, **settings: object) -> list[PlannedRun]:
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    text = f"out_dir = 'out'\nseeds = {list(seeds)}\n[settings]\n" + "\n".join(lines)
    Path("file.toml").write_text(text)
    return read_plan(Path("file.toml"))


def _begun(run: PlannedRun, checkpoint: int | None, evaluated: int | None = None) -> None:
    """Leave what a run leaves that was ended at `checkpoint`."""
    run.path.mkdir(parents=True)
    (run.path / ".lock").touch()
    RunFolder(run.path).write_config(run.config.replace(precision="float32"), run.preset, {})
    if checkpoint is not None:
        (run.path / "checkpoints" / f"{checkpoint:09}").mkdir(parents=True)
    rows = [] if evaluated is None else [f"{evaluated},1.5"]
    (run.path / "evaluations.csv").write_text("\n".join(["iteration,score_mean", *rows, ""]))


def _tape() -> list[str]:
    return Path("tape").read_text().splitlines()


@pytest.mark.parametrize(
    ("checkpoint", "evaluated", "state"),
    [
        (None, None, State.LOST),
        (60, None, State.STOPPED),
        (100, None, State.STOPPED),  # in its last evaluation
        (100, 50, State.STOPPED),
        (100, 100, State.COMPLETE),
    ],
)
def test_state(folder: Path, checkpoint: int, evaluated: int, state: State) -> None:
    (run,) = _runs(1, iterations=100, eval_period=50)
    assert state_of(run) is State.NEW
    _begun(run, checkpoint, evaluated)
    assert state_of(run) is state


def test_a_run_without_evaluations_is_complete_with_its_last_checkpoint(folder: Path) -> None:
    (run,) = _runs(1, iterations=100, eval_period=0)
    _begun(run, 100)
    assert state_of(run) is State.COMPLETE
    (longer,) = _runs(1, iterations=101, eval_period=0)
    assert state_of(longer) is State.STOPPED


def test_a_complete_run_stays_so_when_its_checkpoints_are_removed(folder: Path) -> None:
    (run,) = _runs(1, iterations=100, eval_period=50)
    _begun(run, None, evaluated=100)
    (run.path / "metrics.csv").write_text("iteration\n50\n100\n")
    assert state_of(run) is State.COMPLETE  # its policies were removed, too
    (run.path / "metrics.csv").write_text("iteration\n50\n")
    assert state_of(run) is State.LOST
    (run.path / "policies" / "last").mkdir(parents=True)
    with pytest.raises(UserError, match="is not complete, and its checkpoints are gone; name an"):
        state_of(run)


def test_a_copy_of_the_csv_files_is_never_removed(folder: Path) -> None:
    (run,) = _runs(1, iterations=100, eval_period=50)
    _begun(run, None, evaluated=50)
    (run.path / ".lock").unlink()
    assert sequence.train_all([run], lambda _: None).failed == [run]
    assert (run.path / "evaluations.csv").exists()


def test_a_folder_with_another_run_is_refused(folder: Path) -> None:
    (run,) = _runs(1, n_step=3)
    _begun(run, 100)
    (other,) = _runs(1, n_step=5)
    with pytest.raises(
        UserError,
        match=r"seed1: .*other numbers: n_step is 3 there and 5 here; write .* another out_dir",
    ):
        state_of(other)
    with pytest.raises(UserError, match="was started with preset default, and the file says nat"):
        state_of(dataclasses.replace(run, preset="nature"))


def test_only_what_is_no_part_of_the_recipe_may_change(folder: Path) -> None:
    before = {"iterations": 100, "learning_rate": 0.001}
    (run,) = _runs(1, **before)
    _begun(run, 50)
    watched = {"eval_period": 7, "eval_games": 8, "checkpoint_period": 9, "log_period": 10}
    (same,) = _runs(1, **{**before, **watched, "iterations": 200, "stack_on_device": "no"})
    assert state_of(same) is State.STOPPED
    for name, value in (  # a resume by hand may change these
        ("learning_rate", 0.002),
        ("learning_rate_final_share", 0.5),
        ("learning_rate_decay_iterations", 77),
    ):
        (other,) = _runs(1, **{**before, name: value})
        with pytest.raises(UserError, match=rf"other numbers: {name} is .* there and {value} here"):
            state_of(other)


def test_runs_are_begun_resumed_and_skipped(folder: Path) -> None:
    new, stopped, complete, lost = runs = _runs(1, 4, 5, 6, iterations=100, double=False)
    _begun(stopped, 60)
    _begun(complete, 100, 100)
    _begun(lost, None)
    said: list[str] = []
    outcome = sequence.train_all(runs, said.append)
    common = "--preset=default --iterations=100 --double=false --game=Breakout"
    assert _tape() == [
        f"--logdir=out/default/Breakout-seed1 {common} --seed=1",
        f"--logdir=out/default/Breakout-seed4 --resume {common} --seed=4",
        f"--logdir=out/default/Breakout-seed6 {common} --seed=6",
    ]
    assert outcome == ([new, stopped, lost], [complete], [], [], None)
    assert said[2] == "run 3 of 4 (default, Breakout, seed 5) is complete"
    assert said[3].endswith("was ended before its first checkpoint, and begins anew")
    assert not lost.path.exists()  # train.py, which is not there, would refuse to begin in it


def test_a_run_that_another_process_trains_is_left_alone(folder: Path) -> None:
    (run,) = _runs(1)
    _begun(run, None)
    there = RunFolder(run.path)
    there.create()
    said: list[str] = []
    assert sequence.train_all([run], said.append).failed == [run]
    assert "another process is training in out/default/Breakout-seed1" in said[0]
    assert there.exists


def test_nobody_begins_in_a_folder_while_it_is_removed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = _runs(1)
    _begun(run, None)
    remove = shutil.rmtree

    def removed(path: Path) -> None:
        with pytest.raises(UserError, match="another process is training in out/default/Breakou"):
            RunFolder(run.path).create()
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", removed)
    assert sequence.train_all([run], lambda _: None).done == [run]


def test_after_a_failure_the_others_go_on(folder: Path) -> None:
    first, failing, last = runs = _runs(1, 2, 4)
    said: list[str] = []
    outcome = sequence.train_all(runs, said.append)
    assert outcome == ([first, last], [], [failing], [], None)
    assert said[2] == (
        "run 2 of 3 (default, Breakout, seed 2) ended with exit status 2; the others go on"
    )


@pytest.mark.parametrize(
    ("sent", "received"),
    [(signal.SIGINT, "got 2"), (signal.SIGTERM, "got 15"), (signal.SIGHUP, "got 15")],
)
def test_a_signal_is_sent_on_once_and_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals, received: str
) -> None:
    monkeypatch.setenv("SIGNAL_OF_THE_TEST", str(int(sent)))
    before = signal.getsignal(sent)
    done, stopped, left = runs = _runs(1, 3, 4)
    outcome = sequence.train_all(runs, lambda _: None)
    assert outcome == ([done], [], [], [stopped, left], sent)
    assert _tape()[2:] == ["alone in its session: True", received]
    assert signal.getsignal(sent) is before


def test_a_signal_that_comes_while_a_run_is_started_is_sent_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, command: list[str], **options: Any) -> None:
            super().__init__(command, **options)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    runs = _runs(1)
    assert sequence.train_all(runs, lambda _: None) == ([], [], [], runs, signal.SIGINT)


@pytest.mark.parametrize(
    ("cores", "count", "groups"),
    [
        (range(2), 2, [{0}, {1}]),
        (range(8), 3, [{0, 1, 2}, {3, 4}, {5, 6, 7}]),
        ([5, 2, 7], 1, [{2, 5, 7}]),
        ([3, 4], 3, [{3}, {4}, {3}]),
    ],
)
def test_cores_are_dealt_out(cores: list[int], count: int, groups: list[set[int]]) -> None:
    assert core_groups(cores, count) == groups


# In place of train.py: two of it must be there at the same time, or they wait in vain.
_PAIR_PROGRAM = """
import os, pathlib, signal, sys, time
seed = sys.argv[-1][-1]
other = {"1": "2", "2": "1"}.get(seed)
cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
print(f"on {cores}", flush=True)
signals = []
signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))
pathlib.Path(f"begun-{seed}").touch()
end = time.monotonic() + 30
while other and not pathlib.Path(f"begun-{other}").exists() and time.monotonic() < end:
    time.sleep(0.01)
if not other or time.monotonic() > end:
    sys.exit(1)
if "WAIT_FOR_SIGNAL" in os.environ:
    if seed == "2":
        os.kill(os.getppid(), signal.SIGTERM)
    while not signals and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.2)
    print(f"got {signals}", flush=True)
    sys.exit(143)
"""


def test_runs_side_by_side_have_cores_of_their_own_and_names(folder: Path) -> None:
    (folder / "train.py").write_text(_PAIR_PROGRAM)
    runs = _runs(1, 2)
    said: list[str] = []
    assert sequence.train_all(runs, said.append, 2) == (runs, [], [], [], None)
    groups: list[set[int]] = [set(), set()]
    if hasattr(os, "sched_getaffinity"):
        groups = core_groups(os.sched_getaffinity(0), 2)
    printed = [line for line in said if " on [" in line]
    assert sorted(line.split(": ")[0] for line in printed) == [
        "default, Breakout, seed 1",
        "default, Breakout, seed 2",
    ]
    assert sorted(line.split(" on ")[1] for line in printed) == sorted(
        str(sorted(group)) for group in groups
    )


def test_one_signal_stops_all_runs_side_by_side(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "train.py").write_text(_PAIR_PROGRAM)
    monkeypatch.setenv("WAIT_FOR_SIGNAL", "yes")
    runs = _runs(1, 2, 4)
    said: list[str] = []
    assert sequence.train_all(runs, said.append, 2) == ([], [], [], runs, signal.SIGTERM)
    assert sorted(line for line in said if "got" in line) == [
        "default, Breakout, seed 1: got [15]",
        "default, Breakout, seed 2: got [15]",
    ]


def test_more_runs_at_a_time_than_fit_into_memory_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path("file.toml")
    complete, _ = _runs(1, 4, replay_capacity=100_000)
    monkeypatch.setattr(machine, "free_memory_bytes", lambda: 2_500_000_000)
    with pytest.raises(UserError, match=r"2 of these runs .* about 3\.\d GB and 2\.5 GB"):
        program.train(file, dry_run=False, side_by_side=2)
    assert program.train(file, dry_run=True, side_by_side=2) == 0  # printing takes no memory
    assert not Path("tape").exists()
    _begun(complete, complete.config.iterations, complete.config.iterations)
    assert program.train(file, dry_run=False, side_by_side=2) == 0  # one is left to be trained
    assert [line.split()[-1] for line in _tape()] == ["--seed=4"]


def test_the_exit_status_and_the_last_words_tell(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = Path("file.toml")
    done, _, stopped = _runs(1, 2, 3)
    _begun(stopped, stopped.config.iterations, stopped.config.iterations)
    assert program.train(file, dry_run=False) == 1
    assert capfd.readouterr().out.splitlines()[-3:] == [
        "2 of 3 runs are complete, 1 of them by this call",
        "failed: default, Breakout, seed 2, in out/default/Breakout-seed2",
        "compare them: python -m experiments.report out",
    ]
    _begun(done, done.config.iterations, done.config.iterations)
    _runs(1)
    assert program.train(file, dry_run=False) == 0
    _runs(1, 3, iterations=100_000)
    monkeypatch.setenv("SIGNAL_OF_THE_TEST", str(int(signal.SIGINT)))
    assert program.train(file, dry_run=False) == 130
    assert capfd.readouterr().out.splitlines()[-2:] == [
        "1 of 2 runs are complete, 1 of them by this call",
        "stopped; go on with: python -m experiments.run file.toml",
    ]
