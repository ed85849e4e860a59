"""The box of trained agents: how a run gets into it, and what is in it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from documents import DOCUMENTS
from written_run import write_run

from console.errors import UserError
from evaluation.policies import PRETRAINED, find_pretrained, read_card
from experiments.records import FILES
from scripts.box import ROOT, put_in_box

GAMES = sorted(path.name for path in PRETRAINED.iterdir())


def test_a_run_is_copied_and_evaluated(tmp_path: Path, exported_policy: Path) -> None:
    run = write_run(tmp_path, "run")
    shutil.copytree(exported_policy, run / "policies/best")
    box = tmp_path / "box"
    (box / "Breakout").mkdir(parents=True)
    (box / "Breakout/old").touch()
    folder = put_in_box(run, box)
    assert folder == box / "Breakout"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*FILES, "policy", "report.json"]
    )
    for name in FILES:
        assert (folder / name).read_bytes() == (run / name).read_bytes()
    report = json.loads((folder / "report.json").read_text())
    assert len(report["scores"]) == 30
    assert report["epsilon"] == 0.001


def test_a_run_without_a_policy_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has exported no policy yet"):
        put_in_box(write_run(tmp_path, "run"), tmp_path / "box")
    assert not (tmp_path / "box").exists()


@pytest.mark.parametrize("game", GAMES)
def test_what_is_in_the_box_belongs_together(game: str) -> None:
    card = read_card(find_pretrained(game))
    report = json.loads((PRETRAINED / game / "report.json").read_text())
    assert card.config.game == report["game"] == game
    assert card.iteration == report["iteration"]
    assert len(report["scores"]) == 30
    config = json.loads((PRETRAINED / game / "config.json").read_text())["config"]
    assert config["seed"] == card.config.seed


@pytest.mark.parametrize("file", ["evaluate.py", *DOCUMENTS])
def test_examples_play_agents_that_are_in_the_box(file: str) -> None:
    for game in re.findall(r"--pretrained --game[= ](\w+)", (ROOT / file).read_text()):
        assert find_pretrained(game).is_dir()


def test_a_trained_agent_plays_as_reported(tmp_path: Path) -> None:
    """The first games of 30 are the games of 3; another processor may round otherwise: half."""
    result = tmp_path / "report.json"
    subprocess.run(
        [sys.executable, "evaluate.py", "--pretrained", "--games=3", f"--json={result}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    reported = json.loads((PRETRAINED / "Breakout" / "report.json").read_text())
    played = json.loads(result.read_text())
    assert played["mean"] >= sum(reported["scores"][:3]) / 3 / 2
