"""`train.py --deterministic`: the same seed gives the same bits, also where it was interrupted."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

_PROGRAM = Path(__file__).parent.parent / "train.py"
_FLAGS = (
    "--deterministic",
    "--initial_collect_steps=200",
    "--replay_capacity=1000",
    "--batch_size=16",
    "--epsilon_decay_iterations=60",
    "--log_period=15",
    "--eval_period=30",
    "--eval_games=1",
    "--max_agent_steps_per_game=60",
)
_BY_THE_CLOCK = ("minutes", "resident_gb", "_per_sec", "_percent")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two runs of one seed, of which one was interrupted, and one of another."""
    folder = tmp_path_factory.mktemp("deterministic")

    def start(name: str, *flags: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(_PROGRAM), f"--logdir={name}", *flags],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(process: subprocess.Popen[str], greeting: str) -> None:
        said, _ = process.communicate(timeout=1_800)
        assert process.returncode == 0, said
        # On a busy machine it is said how long the games took; nothing of games that begin anew.
        lines = [line for line in said.splitlines() if "up to the checkpoint again" not in line]
        assert lines[0].startswith(greeting), said
        assert ", float32, " in lines[0]  # auto is not left to a measurement

    half = start("resumed", *_FLAGS, "--seed=1", "--iterations=30")
    one = start("one", *_FLAGS, "--seed=1", "--iterations=60")
    other = start("other", *_FLAGS, "--seed=2", "--iterations=60")
    finish(half, "training: ")
    rest = start("resumed", "--resume", "--iterations=60")
    finish(rest, "resuming at iteration 30: ")
    for process in (one, other):
        finish(process, "training: ")
    return {name: folder / name for name in ("one", "resumed", "other")}


def _contents(run: Path) -> dict[str, object]:
    """Return what must repeat: rows without what a clock decides, weights, slots and counters."""
    with (run / "metrics.csv").open() as file:
        rows = [
            {name: value for name, value in row.items() if not name.endswith(_BY_THE_CLOCK)}
            for row in csv.DictReader(file)
        ]
    assert [row["iteration"] for row in rows] == ["15", "30", "45", "60"]
    checkpoint = run / "checkpoints" / "000000060"
    (variables,) = checkpoint.glob("variables.data-*")
    with np.load(checkpoint / "games.npz", allow_pickle=False) as arrays:
        games_in_play = {name: array.tolist() for name, array in arrays.items()}
    return {
        "metrics": rows,
        "games": (run / "games.csv").read_text(),
        "evaluations": (run / "evaluations.csv").read_text(),
        "variables": variables.read_bytes(),
        "games_in_play": games_in_play,
    }


def test_the_same_seed_gives_the_same_bits(runs: dict[str, Path]) -> None:
    assert _contents(runs["one"]) == _contents(runs["resumed"])


def test_another_seed_gives_another_run(runs: dict[str, Path]) -> None:
    one, other = _contents(runs["one"]), _contents(runs["other"])
    assert {name for name in one if one[name] != other[name]} >= {"metrics", "games", "variables"}
