"""Lets this project learn by its own commands, `train.py` and, when time is over, `evaluate.py`."""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
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

    Raises:
      UserError: if a program fails, or if the time was too short for a row of metrics.
    """
    asked = flags.FLAGS.train_flags
    clock = learned.Clock(minutes)
    with tempfile.TemporaryDirectory(prefix="atari-dqn-learning-") as name:
        folder = Path(name)
        machine.check_disk(_NEEDED_BYTES, folder, "the run", "set TMPDIR to another folder")
        run, report = folder / "run", folder / "report.json"

        def stop_in_time(training: subprocess.Popen[bytes]) -> None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                training.wait(max(0.0, (minutes - clock.minutes) * 60))
            training.terminate()

        train = [f"--iterations={_ITERATIONS}", f"--seed={seed}", f"--logdir={run}"]
        # The second: it was too early to be heard.
        stopped = (128 + signal.SIGTERM, -signal.SIGTERM)
        _run("train.py", [*train, *shlex.split(asked)], folder, stopped, stop_in_time)
        minutes_of_training = clock.minutes
        records, left_out = read_records(folder)
        if not records:
            why = f" ({left_out[0]})" if left_out else ""
            raise UserError(
                f"train.py left no row of metrics in {minutes:g} minutes{why}; give more --minutes"
            )
        (record,) = records
        evaluate = [f"--games={games}", f"--epsilon={learned.EPSILON}", f"--seed={seed}"]
        last = run / "policies" / "last"
        _run("evaluate.py", [f"--policy={last}", f"--json={report}", *evaluate], folder, (0,))
        settings, curve = record.settings, record.training
        # Its rows count from when all is imported and built, and its clock began before.
        lag = clock.minutes_at((run / "metrics.csv").stat().st_mtime) - record.ends["minutes"]
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


def _run(
    program: str,
    arguments: Sequence[str],
    folder: Path,
    statuses: Collection[int],
    while_it_runs: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
) -> None:
    """Run a program of this project to its end; it has ended whatever happens here.

    Raises:
      UserError: if it ends otherwise than with one of `statuses`, with its last words.
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
    if process.returncode not in statuses:
        said = errors.read_text().strip().splitlines()[-1:] or ["nothing"]
        raise UserError(f"{program} ended with status {process.returncode} and said: {said[0]}")


if __name__ == "__main__":
    define_flags()
    learned.print_learned(learn)
