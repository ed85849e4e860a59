"""Puts the best policy of a run into the box: `python -m scripts.box RUN`.

| in pretrained/<game>/ | what it is |
|---|---|
| policy/ | the exported policy |
| report.json | its scores: 30 whole games, seeds never used in training |
| config.json | of the run; paths of the machine are made relative |
| metrics.csv, evaluations.csv | of the run, copied as they were |

These take the place of those before them when all are there; what else is in the folder stays.
`python -m experiments.report pretrained` draws the curves again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from absl import flags

from console.arguments import named_first_argument
from console.errors import UserError, run_main
from evaluation import policies
from experiments.records import FILES
from training.run_folder import RUNS

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Copy and evaluate; the agent that was in the box for this game is replaced."""
    run = flags.FLAGS["run"].value
    if not run:
        raise UserError("name the folder of the run: python -m scripts.box RUN")
    put_in_box(Path(run), policies.PRETRAINED)


def put_in_box(run: Path, box: Path) -> Path:
    """Copy the best policy of `run` and its rows into `box`, evaluated; return their folder.

    Raises:
      UserError: if the run has no policy, or its files cannot be copied, or the policy cannot be
        evaluated; the box is as it was then.
    """
    policy = policies.find_policy(run)
    folder = box / policies.read_card(policy).config.game
    try:
        box.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=box) as room:
            new, old = Path(room) / "new", Path(room) / "old"
            new.mkdir()
            old.mkdir()
            shutil.copytree(policy, new / "policy")
            for name in FILES:
                shutil.copyfile(run / name, new / name)
            _leave_paths_out(new / "config.json", run)
            _evaluate(new, folder)
            folder.mkdir(exist_ok=True)
            _exchange(new, folder, old)
    except OSError as error:
        raise UserError(f"the run {run} could not be put into {folder}: {error}") from error
    return folder


def _exchange(new: Path, folder: Path, old: Path) -> None:
    """Move what is in `new` into `folder`, what stood in its place into `old`; or nothing."""
    names = [path.name for path in new.iterdir()]
    try:
        for name in names:
            if (folder / name).exists():
                (folder / name).rename(old / name)  # no folder replaces another
            (new / name).rename(folder / name)
    except BaseException:  # a Ctrl-C among them
        for name in names:
            if not (new / name).exists():
                (folder / name).rename(new / name)
            if (old / name).exists():
                (old / name).rename(folder / name)
        raise


def _evaluate(new: Path, folder: Path) -> None:
    """Write report.json into `new`, as of the policy when it is in `folder`."""
    report = new / "report.json"
    command = [
        *(sys.executable, "evaluate.py"),
        *(f"--policy={(new / 'policy').resolve()}", f"--json={report.resolve()}"),
    ]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise UserError(f"the policy for {folder} could not be evaluated; see above")
    content = json.loads(report.read_text())
    # As a user would name it, who works where this program is.
    content["policy"] = os.path.relpath(folder / "policy", ROOT)
    report.write_text(json.dumps(content, indent=2) + "\n")


def _leave_paths_out(config_file: Path, run: Path) -> None:
    """Name in the commands of a run's sessions nothing of the machine that it was trained on."""
    content = json.loads(config_file.read_text())
    for session in content.get("sessions", []):
        session["command"] = [_without_machine(word, run) for word in session["command"]]
    config_file.write_text(json.dumps(content, indent=2) + "\n")


def _without_machine(word: str, run: Path) -> str:
    """Return a word of a command line; a path in it that begins at the root begins here instead."""
    flag, equals, path = word.partition("=") if word.startswith("-") else ("", "", word)
    if not Path(path).is_absolute():
        return word
    if Path(path).resolve() == run.resolve():
        here = RUNS / run.resolve().name
    else:
        here = Path(Path(path).name)
    return f"{flag}{equals}{here}"


if __name__ == "__main__":
    flags.DEFINE_string("run", None, "the folder of the run; a first argument is taken for it")
    sys.argv = named_first_argument(sys.argv, "run")
    run_main(main, onednn=False)
