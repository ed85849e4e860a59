"""What a user sees: quiet imports, and one line for what went wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from benchmarks import chart
from console.errors import UserError
from experiments import pictures

_ROOT = Path(__file__).parents[1]

_PROGRAM = '''
"""A program for a test."""
from absl import flags
from configs import Config, ConfigError
from console.errors import UserError, run_main
from evaluation.policies import PolicyError

_WAY = flags.DEFINE_enum("way", "well", ["well", "status", "user", "config", "policy", "c", "bug"],
                         "how it ends")
_GAMES = flags.DEFINE_integer("games", 3, "a number")

def main():
    if _WAY.value == "status":
        return 7
    if _WAY.value == "user":
        raise UserError("this is wrong;\\n   do that")
    if _WAY.value == "config":
        Config(num_envs=0).validate()
    if _WAY.value == "policy":
        raise PolicyError("no policy")
    if _WAY.value == "c":
        raise KeyboardInterrupt
    if _WAY.value == "bug":
        raise ValueError("a bug")
    import gym
    from absl import logging
    logging.warning("a library warns")
    print("played", _GAMES.value)

run_main(main)
'''


def _run(tmp_path: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(program).strip() + "\n")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("TF_CPP_MIN_LOG_LEVEL", "PYTHONWARNINGS")
    }
    return subprocess.run(
        [sys.executable, str(path), *arguments],
        env={**environment, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "status", "stderr"),
    [
        ([], 0, ""),
        (["--way=status"], 7, ""),
        (["--way=user"], 2, "error: this is wrong; do that\n"),
        (["--way=config"], 2, "error: num_envs must be from 1 to 256 games, but is 0\n"),
        (["--way=policy"], 2, "error: no policy\n"),
        (["--way=c"], 130, "interrupted\n"),
        (["--gmaes=3"], 2, "error: there is no flag --gmaes; did you mean --games?\n"),
        (["--xyzzy"], 2, "error: there is no flag --xyzzy; --help lists the flags\n"),
        (
            ["--games=many"],
            2,
            "error: flag --games=many: invalid literal for int() with base 10: 'many'; "
            "--help lists the flags\n",
        ),
        (["--games"], 2, "error: Missing value for flag --games; --help lists the flags\n"),
        (
            ["--way=out"],
            2,
            "error: flag --way=out: value should be one of "
            "<well|status|user|config|policy|c|bug>; --help lists the flags\n",
        ),
        (["5"], 2, "error: the argument '5' is no flag; flags look like --name=value\n"),
    ],
)
def test_ends(tmp_path: Path, arguments: list[str], status: int, stderr: str) -> None:
    done = _run(tmp_path, _PROGRAM, *arguments)
    assert (done.returncode, done.stderr) == (status, stderr)
    assert done.stdout == ("played 3\n" if status == 0 else "")


def test_a_bug_shows_its_traceback(tmp_path: Path) -> None:
    done = _run(tmp_path, _PROGRAM, "--way=bug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ValueError: a bug" in done.stderr


def test_help(tmp_path: Path) -> None:
    done = _run(tmp_path, _PROGRAM, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("A program for a test.")
    assert "--games                     a number [3]" in done.stdout
    assert "--verbosity                 how much the libraries say" in done.stdout


def test_verbosity_brings_the_libraries_back(tmp_path: Path) -> None:
    done = _run(tmp_path, _PROGRAM, "--verbosity=0")
    assert (done.returncode, done.stdout) == (0, "played 3\n")
    assert "Gym has been unmaintained" in done.stderr
    assert "a library warns" in done.stderr


def test_the_libraries_are_silent(tmp_path: Path) -> None:
    """Also when tf_agents is compiled for the first time, which is when Python warns of it."""
    program = """
        from console import quiet

        quiet.silence()
        import importlib.util
        from pathlib import Path

        import tensorflow
        import tf_agents
        import gym
        import cv2
        import envs.suite

        for name in ["utils.common", "policies.tf_policy", "environments.wrappers"]:
            path = Path(importlib.util.find_spec(f"tf_agents.{name}").origin)
            compile(path.read_text(), str(path), "exec")
        print("imported")
    """
    done = _run(tmp_path, program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "imported\n", "")


def test_what_is_not_installed_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    cure = r"^this needs matplotlib; install it with pip install -r requirements\.txt$"
    with pytest.raises(UserError, match=cure):
        pictures.draw([], "Breakout", tmp_path / "curves.png")
    with pytest.raises(UserError, match=cure):
        chart.draw([], tmp_path / "speed.png")
