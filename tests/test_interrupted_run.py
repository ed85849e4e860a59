"""SIGTERM, SIGHUP, Ctrl-C twice, a read-only folder, a game that fails: a sentence, and no loss.

True processes, one run: `tests/interrupted_run.py` lets them run, each resuming the one before.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from chaos.comparison import compare
from read_only import REASONS

_PROGRAM = Path(__file__).parent / "interrupted_run.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs are."""
    return tmp_path_factory.mktemp("interrupted")


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, dict[str, Any]]:
    """What each process did, by its name."""
    done = subprocess.run(
        [sys.executable, str(_PROGRAM), str(folder)],
        env={**os.environ, "PYTHONPATH": str(_PROGRAM.parent.parent)},
        capture_output=True,
        text=True,
        timeout=3_000,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {process["name"]: process for process in json.loads(done.stdout.splitlines()[-1])}


def _last_line(process: dict[str, Any]) -> str:
    assert "Traceback" not in process["said"]
    return process["said"].splitlines()[-1]


def _goes_on(folder: Path, iteration: int) -> str:
    return (
        f"then go on from checkpoint {iteration} with: "
        f"python train.py --logdir {folder / 'interrupted'} --resume"
    )


def test_sigterm_in_random_play_ends_in_a_checkpoint(
    told: dict[str, dict[str, Any]], folder: Path
) -> None:
    process = told["SIGTERM"]
    assert (process["status"], process["newest"]) == (143, 0)
    assert _last_line(process) == (
        "stopped at iteration 0 of 300; go on with: "
        f"python train.py --logdir {folder / 'interrupted'} --resume"
    )


def test_sighup_ends_in_a_checkpoint(told: dict[str, dict[str, Any]]) -> None:
    process = told["SIGHUP"]
    assert process["status"] == 129
    assert 50 <= process["newest"] < 300
    assert _last_line(process).startswith(f"stopped at iteration {process['newest']} of 300; go on")


def test_a_second_ctrl_c_does_not_wait_and_loses_no_checkpoint(
    told: dict[str, dict[str, Any]],
) -> None:
    process, before = told["Ctrl-C twice"], told["SIGHUP"]["newest"]
    assert (process["status"], process["newest"]) == (130, before)
    assert process["ending_sec"] < 60  # of the ten minutes that the disk takes
    assert re.search(rf"^resuming at iteration {before}: ", process["said"], re.MULTILINE)
    assert _last_line(process) == "interrupted"


def test_a_read_only_folder_is_a_sentence_and_stays_as_it_is(
    told: dict[str, dict[str, Any]], folder: Path
) -> None:
    process = told["read-only"]
    assert (process["status"], process["newest"]) == (2, told["SIGHUP"]["newest"])
    assert process["said"] in {
        f"error: the folder {folder / 'interrupted'} cannot be written ({reason}); "
        "make it writable\n"
        for reason in REASONS
    }
    assert process["is_unchanged"]


def test_a_game_that_fails_beside_learning_is_a_sentence(
    told: dict[str, dict[str, Any]], folder: Path
) -> None:
    process, before = told["failing game"], told["SIGHUP"]["newest"]
    assert (process["status"], process["newest"]) == (2, before)
    assert "playing beside learning" in process["said"]
    line = _last_line(process)
    assert line.startswith(
        "error: the games or the replay failed (RuntimeError: the emulator died, "
        "interrupted_run.py, line "
    )
    assert line.endswith(f"; report it if it comes again, {_goes_on(folder, before)}")


def test_after_all_this_the_run_is_the_one_that_nothing_befell(
    told: dict[str, dict[str, Any]], folder: Path
) -> None:
    for name in ("the rest", "whole"):
        assert told[name]["status"] == 0, told[name]["said"]
        assert told[name]["newest"] == 300
    at = told["SIGHUP"]["newest"]
    assert re.search(rf"^resuming at iteration {at}: ", told["the rest"]["said"], re.MULTILINE)
    compare(folder / "interrupted", folder / "whole", weights=True)


def test_a_file_that_takes_nothing_is_a_sentence(
    told: dict[str, dict[str, Any]], folder: Path
) -> None:
    process = told["full disk"]
    assert (process["status"], process["newest"]) == (2, -1)
    assert _last_line(process) == (
        f"error: a file in {folder / 'full'} cannot be read or written (No space left on device); "
        "make room or mend the folder, then start again: there is no checkpoint yet"
    )
