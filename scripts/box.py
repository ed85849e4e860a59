"""Puts the best policy of a run into the box: `python -m scripts.box RUN`.

| in pretrained/<game>/ | what it is |
|---|---|
| policy/ | the exported policy |
| report.json | its scores: 30 whole games, seeds never used in training |
| config.json, metrics.csv, evaluations.csv | of the run, copied as they were |

`python -m experiments.report pretrained` draws the curves again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from absl import flags

from console.arguments import named_first_argument
from console.errors import UserError, run_main
from evaluation import policies
from experiments.records import FILES

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Copy and evaluate; what was in the box for this game is replaced."""
    run = flags.FLAGS["run"].value
    if not run:
        raise UserError("name the folder of the run: python -m scripts.box RUN")
    put_in_box(Path(run), policies.PRETRAINED)


def put_in_box(run: Path, box: Path) -> Path:
    """Copy the best policy of `run` and its rows into `box`, evaluate it there; return its folder.

    Raises:
      UserError: if the run has no policy.
    """
    policy = policies.find_policy(run)
    folder = box / policies.read_card(policy).config.game
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(policy, folder / "policy")
    for name in FILES:
        shutil.copyfile(run / name, folder / name)
    here = os.path.relpath(folder, ROOT)  # as a user would name it, who works where this program is
    command = [
        *(sys.executable, "evaluate.py"),
        *(f"--policy={here}/policy", f"--json={here}/report.json"),
    ]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise UserError(f"the policy in {folder} could not be evaluated; see above")
    return folder


if __name__ == "__main__":
    flags.DEFINE_string("run", None, "the folder of the run; a first argument is taken for it")
    sys.argv = named_first_argument(sys.argv, "run")
    run_main(main, onednn=False)
