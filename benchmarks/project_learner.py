"""Lets this project learn by its own commands, `train.py` and, when time is over, `evaluate.py`."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from absl import flags

from benchmarks import learned, machine
from configs.games import frames_per_agent_step
from console.errors import UserError
from experiments.records import read_records

flags.disclaim_key_flags()  # they are those of the program, and shown by its --help

_ITERATIONS = 10_000_000  # the clock ends it before
_NEEDED_BYTES = 2 * 10**9  # a checkpoint with a full replay, twice where one follows another


def define_flags() -> None:
    """Define `--train_flags`."""
    flags.DEFINE_string("train_flags", "", "further flags of train.py, as a shell would take them")


def learn(minutes: float, games: int, seed: int) -> learned.Learned:
    """Train until the time is over, then play whole games with the last weights.

    The time is not over before the first row of metrics.

    Raises:
      UserError: if a program fails.
    """
    asked = flags.FLAGS.train_flags
    clock = learned.Clock(minutes)
    with tempfile.TemporaryDirectory(prefix="atari-dqn-learning-") as name:
        folder = Path(name)
        machine.check_disk(_NEEDED_BYTES, folder, "the run", "set TMPDIR to another folder")
        run, report = folder / "run", folder / "report.json"
        metrics = run / "metrics.csv"

        def stop_in_time(training: subprocess.Popen[bytes]) -> None:
            while training.poll() is None and not (clock.is_over and _has_row(metrics)):
                time.sleep(0.1)
            training.terminate()

        train = [f"--iterations={_ITERATIONS}", f"--seed={seed}", f"--logdir={run}"]
        arguments = [*train, *shlex.split(asked)]
        _run("train.py", arguments, folder, 128 + signal.SIGTERM, stop_in_time)
        minutes_of_training = clock.minutes
        ((record,), _) = read_records(folder)
        evaluate = [f"--games={games}", f"--epsilon={learned.EPSILON}", f"--seed={seed}"]
        last = run / "policies" / "last"
        _run("evaluate.py", [f"--policy={last}", f"--json={report}", *evaluate], folder, 0)
        settings, curve = record.settings, record.training
        # Its rows count from when all is imported and built, and its clock began before.
        lag = clock.minutes_at(metrics.stat().st_mtime) - record.ends["minutes"]
        times = (curve.axes["minutes"] + lag).tolist()
        return learned.Learned(
            name=f"{learned.OWN_NAME}, {asked or 'preset default'}",
            setting=f"{settings['num_envs']} games, batch {settings['batch_size']}, "
            f"{settings['precision']}",
            minutes=minutes_of_training,
            agent_steps=int(record.ends["frames"]) // frames_per_agent_step(record.game),
            train_steps=int(record.ends["iteration"]),
            curve=list(zip(times, curve.scores.tolist(), strict=True)),
            scores=json.loads(report.read_text())["scores"],
        )


def _has_row(metrics: Path) -> bool:
    """Return whether there is a line behind the header."""
    return metrics.exists() and metrics.read_text().count("\n") > 1


def _run(
    program: str,
    arguments: Sequence[str],
    folder: Path,
    status: int,
    while_it_runs: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
) -> None:
    """Run a program of this project to its end; it has ended whatever happens here.

    Raises:
      UserError: if it ends otherwise than with `status`, with its last words.
    """
    errors = folder / "errors.txt"
    with (
        errors.open("w") as file,
        subprocess.Popen(
            [sys.executable, program, *arguments],
            cwd=Path(__file__).parent.parent,
            stdout=subprocess.DEVNULL,
            stderr=file,
        ) as process,
    ):
        try:
            while_it_runs(process)
            process.wait()
        finally:
            process.terminate()
            process.wait()
    if process.returncode != status:
        said = errors.read_text().strip().splitlines()[-1:] or ["nothing"]
        raise UserError(f"{program} ended with status {process.returncode} and said: {said[0]}")


if __name__ == "__main__":
    define_flags()
    learned.print_learned(learn)
