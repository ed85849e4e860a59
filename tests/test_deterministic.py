"""`train.py --deterministic`: the same seed gives the same bits, in two processes side by side."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = Path(__file__).parent.parent / "train.py"
_FLAGS = (
    "--deterministic",
    "--iterations=60",
    "--initial_collect_steps=200",
    "--replay_capacity=1000",
    "--batch_size=16",
    "--epsilon_decay_iterations=60",
    "--log_period=20",
    "--eval_period=30",
    "--eval_games=1",
    "--max_agent_steps_per_game=60",
)
_BY_THE_CLOCK = ("minutes", "resident_gb", "_per_sec", "_percent")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two runs of one seed and one of another."""
    folder = tmp_path_factory.mktemp("deterministic")
    seeds = {"one": 1, "again": 1, "other": 2}
    processes = [
        subprocess.Popen(
            [sys.executable, str(_PROGRAM), *_FLAGS, f"--seed={seed}", f"--logdir={name}"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, seed in seeds.items()
    ]
    for process in processes:
        said, _ = process.communicate(timeout=600)
        assert process.returncode == 0, said
        assert ", float32, " in said.splitlines()[0]  # auto is not left to a measurement
    return {name: folder / name for name in seeds}


def _contents(run: Path) -> dict[str, object]:
    """Return what must repeat: rows without what a clock decides, weights, slots and counters."""
    with (run / "metrics.csv").open() as file:
        rows = [
            {name: value for name, value in row.items() if not name.endswith(_BY_THE_CLOCK)}
            for row in csv.DictReader(file)
        ]
    assert [row["iteration"] for row in rows] == ["20", "40", "60"]
    (variables,) = (run / "checkpoints" / "000000060").glob("variables.data-*")
    return {
        "metrics": rows,
        "games": (run / "games.csv").read_text(),
        "evaluations": (run / "evaluations.csv").read_text(),
        "variables": variables.read_bytes(),
    }


def test_the_same_seed_gives_the_same_bits(runs: dict[str, Path]) -> None:
    assert _contents(runs["one"]) == _contents(runs["again"])


def test_another_seed_gives_another_run(runs: dict[str, Path]) -> None:
    one, other = _contents(runs["one"]), _contents(runs["other"])
    assert {name for name in one if one[name] != other[name]} >= {"metrics", "games", "variables"}
