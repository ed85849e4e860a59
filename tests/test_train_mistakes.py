"""Every mistake a user can make with train.py: one line, before any work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked_program import ForkedProgram
from true_program import finish, start

from configs import PRESETS, Config
from training.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file in the way, a run with a checkpoint, one without, and a broken one."""
    (tmp_path / "file").write_text("in the way")
    for name in ("old", "young", "broken"):
        (tmp_path / name).mkdir()
    for name in ("old", "young"):
        config = Config(iterations=50, discount=0.25, seed=7)
        RunFolder(tmp_path / name).write_config(config, "nature", {})
    (tmp_path / "old" / "checkpoints" / "000000040").mkdir(parents=True)
    (tmp_path / "broken" / "config.json").write_text("{")
    return tmp_path


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a TensorFlow that ends a program which asks for it."""
    folder = tmp_path_factory.mktemp("stand_in")
    for name in ("tensorflow", "tf_agents"):
        (folder / f"{name}.py").write_text("raise SystemExit('imported before work began')")
    return folder


@pytest.fixture(scope="module")
def forked(stand_in: Path) -> Iterator[ForkedProgram]:
    """train.py without TensorFlow."""
    modules = ["console.flags", "training.preflight", "training.run_folder"]
    program = ForkedProgram(modules, first_on_path=stand_in)
    yield program
    program.close()


_MISTAKES = [
    (
        ["--game=Braekout"],
        "there is no game called 'Braekout'; the nearest names are Breakout, SirLancelot",
    ),
    (["--game=42"], "there is no game called '42'; one of 104 is Breakout"),
    (["--preset=notebok"], "there is no preset called 'notebok'; did you mean notebook?"),
    (
        ["--preset=x"],
        f"there is no preset called 'x'; there are {', '.join(PRESETS)}",
    ),
    (["--agent=dqm"], "there is no agent called 'dqm'; did you mean dqn?"),
    (["--batch_size=0"], "batch_size must be from 1 to 65,536, but is 0"),
    (
        ["--iterations=-1"],
        "iterations must be from 1 to 1,000,000,000 iterations, but is -1",
    ),
    (["--learning_rate=2"], "learning_rate must be from 1e-09 to 1.0, but is 2.0"),
    (["--epsilon_final=nan"], "epsilon_final must be from 0.0 to 1.0, but is nan"),
    (
        ["--num_envs=many"],
        "flag --num_envs=many: invalid literal for int() with base 10: 'many'; "
        "--help lists the flags",
    ),
    (["--env_pipeline=gym"], "env_pipeline must be one of vector, suite, but is 'gym'"),
    (["--eval_period=-5"], "eval_period must be from 0 to 1,000,000,000 iterations, but is -5"),
    (
        ["--epsilon_initial=0.005"],
        "epsilon_final 0.02 is above epsilon_initial 0.005: epsilon falls, so give a smaller "
        "epsilon_final",
    ),
    (
        ["--initial_collect_steps=15"],
        # a window of 3 steps needs 4 rows of 4 games
        "initial_collect_steps 15 is too small for 8 games and n_step 10: give at least 88",
    ),
    (
        ["--logdir=file"],
        "the folder file cannot be written (File exists); give another with --logdir",
    ),
    (
        ["--logdir=file/below"],
        "the folder file/below cannot be written (Not a directory); give another with --logdir",
    ),
    (
        ["--logdir=old"],
        "there is a run in old already; go on with it by --resume, or give another --logdir",
    ),
    (["--resume"], "--resume needs the folder of the run; give it with --logdir"),
    (
        ["--resume", "--logdir=none"],
        "there is no run in none to resume: it has no config.json; leave --resume out to start one",
    ),
    (
        ["--resume", "--logdir=young"],
        "young has no checkpoint to resume from: it was ended before the first; "
        "start another run, in another --logdir",
    ),
    (
        ["--resume", "--logdir=broken"],
        "broken/config.json is broken (Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)); restore it, or start another run",
    ),
    (
        ["--resume", "--logdir=old", "--seed=8", "--discount=0.5", "--iterations=60"],
        "the run was started with other numbers: discount is 0.25 there and 0.5 here; "
        "seed is 7 there and 8 here; leave these flags out, or start another run",
    ),
    (
        ["--resume", "--logdir=old", "--iterations=39"],
        "the run has done 40 iterations already; give at least as many with --iterations",
    ),
    (
        ["--resume", "--logdir=old", "--preset=notebook"],
        "the run was started with --preset nature; leave --preset out",
    ),
    (["--learning_rat=1"], "there is no flag --learning_rat; did you mean --learning_rate?"),
    (["--xyzzy"], "there is no flag --xyzzy; --help lists the flags"),
    (["1000"], "the argument '1000' is no flag; flags look like --name=value"),
]


@pytest.mark.parametrize(("arguments", "error"), _MISTAKES, ids=lambda value: str(value)[:40])
def test_a_mistake_is_one_line_before_any_work(
    folder: Path, forked: ForkedProgram, arguments: list[str], error: str
) -> None:
    before = sorted(folder.rglob("*"))
    assert forked.run(folder, "train.py", *arguments) == (2, "", f"error: {error}\n")
    assert sorted(folder.rglob("*")) == before


def test_a_replay_that_does_not_fit_into_memory_is_refused(
    folder: Path, forked: ForkedProgram
) -> None:
    status, stdout, stderr = forked.run(folder, "train.py", "--replay_capacity=100000000")
    assert (status, stdout) == (2, "")
    # 100,000,000 * 7,068 bytes
    assert stderr.startswith("error: a replay of 100,000,000 transitions needs 706.8 GB and ")
    assert stderr.count("\n") == 1
    fits = int(stderr.split("--replay_capacity=")[1].split()[0])
    assert 0 <= fits < 100_000_000
    assert not (folder / "runs").exists()


def test_tensorflow_is_imported_when_work_begins(folder: Path, forked: ForkedProgram) -> None:
    """So that what is said above of mistakes is not said of a program that has it anyway."""
    assert forked.run(folder, "train.py", "--logdir=new") == (1, "", "imported before work began\n")


def test_help_shows_every_setting_without_tensorflow(
    folder: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(stand_in))
    status, stdout, stderr = finish(start("train.py", folder, "--help"))
    assert (status, stderr) == (0, "")
    for name in (*Config().to_dict(), "preset", "logdir", "resume", "verbosity"):
        assert re.search(rf"^  --(\[no\])?{name}\b", stdout, re.M)
    assert "[32; notebook: 64; grid: 64; cartpole: 64; from 1 to 65,536]" in " ".join(
        stdout.split()
    )


def test_a_mistake_in_a_process_of_its_own(
    folder: Path, stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(stand_in))
    error = "error: there is no agent called 'dqm'; did you mean dqn?\n"
    assert finish(start("train.py", folder, "--agent=dqm")) == (2, "", error)
