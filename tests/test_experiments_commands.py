"""experiments.run from its command line, and train.py with the flags that it gives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from module_program import finished

from configs import Config
from experiments.plan import read_plan

_ROOT = Path(__file__).parents[1]


def test_the_file_in_the_documents_is_one(tmp_path: Path) -> None:
    text = (_ROOT / "docs" / "experiments.md").read_text()
    block = text.split("## The file\n\n")[1].split("\n\nThe settings")[0]
    file = tmp_path / "returns.toml"
    file.write_text(block)  # TOML does not mind the indentation
    runs = read_plan(file)
    assert [run.variant for run in runs] == 3 * ["base", "one-step", "book"]
    assert str(runs[0].path) == "runs/returns/base/Breakout-seed1"


def _program(folder: Path, *arguments: str) -> tuple[int, str, str]:
    return finished("experiments.run", folder, *arguments)


def test_dry_run_prints_commands_that_train_py_understands(tmp_path: Path) -> None:
    """Every setting is named, so that train.py parses each; it ends because there is a run."""
    settings = {n: v for n, v in Config().to_dict().items() if n not in ("game", "seed")}
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (tmp_path / "file.toml").write_text("[settings]\n" + "\n".join(lines))
    status, commands, errors = _program(tmp_path, "file.toml", "--dry_run")
    assert (status, errors) == (0, "")
    python, *arguments = commands.split()
    assert (python, arguments[0]) == ("python", str(_ROOT / "train.py"))
    folder = tmp_path / "runs" / "file" / "default" / "Breakout-seed1"
    assert not folder.exists()
    folder.mkdir(parents=True)
    (folder / "config.json").touch()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        2,
        "error: there is a run in runs/file/default/Breakout-seed1 already; go on with it by "
        "--resume, or give another --logdir\n",
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "name the experiment's file: python -m experiments.run FILE"),
        (["none.toml"], "none.toml cannot be read (No such file or directory); name another file"),
        (["none.toml", "--dryrun"], "there is no flag --dryrun; did you mean --dry_run?"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: list[str], error: str) -> None:
    assert _program(tmp_path, *arguments) == (2, "", f"error: {error}\n")
