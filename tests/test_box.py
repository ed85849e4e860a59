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


def _full_box(folder: Path) -> Path:
    """A box that has an agent already, and one of its youth."""
    for name in ("policy/saved_model.pb", "policy-20-minutes/saved_model.pb", "report.json"):
        (folder / "Breakout" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "Breakout" / name).write_text("before")
    return folder


def _content(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_a_run_is_copied_and_evaluated(tmp_path: Path, exported_policy: Path) -> None:
    run = write_run(tmp_path, "mine")
    shutil.copytree(exported_policy, run / "policies/best")
    content = json.loads((run / "config.json").read_text())
    commands = [
        ["python", "/home/me/dqn/train.py", f"--logdir={run}", "--game=Pong"],
        ["python", "train.py", "--logdir", str(run), "--resume", "--learning_rate=1e-3"],
    ]
    content["sessions"] = [{"command": command, "device": "CPU"} for command in commands]
    (run / "config.json").write_text(json.dumps(content))
    folder = put_in_box(run, _full_box(tmp_path / "box"))
    assert folder == tmp_path / "box/Breakout"
    assert [path.name for path in folder.parent.iterdir()] == ["Breakout"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*FILES, "policy", "policy-20-minutes", "report.json"]
    )
    assert _content(folder / "policy") == _content(exported_policy)
    assert _content(folder / "policy-20-minutes") == {"saved_model.pb": b"before"}
    for name in ("metrics.csv", "evaluations.csv"):
        assert (folder / name).read_bytes() == (run / name).read_bytes()
    boxed = json.loads((folder / "config.json").read_text())
    assert [session.pop("command") for session in boxed["sessions"]] == [
        ["python", "train.py", "--logdir=runs/mine", "--game=Pong"],
        ["python", "train.py", "--logdir", "runs/mine", "--resume", "--learning_rate=1e-3"],
    ]
    assert boxed == {**content, "sessions": [{"device": "CPU"}] * 2}
    report = json.loads((folder / "report.json").read_text())
    assert len(report["scores"]) == 30
    assert report["epsilon"] == 0.001
    assert (ROOT / report["policy"]).resolve() == folder / "policy"


@pytest.mark.parametrize("damaged", ["policies/best/saved_model.pb", "metrics.csv"])
def test_a_run_that_cannot_be_put_there_changes_nothing(
    tmp_path: Path, exported_policy: Path, damaged: str
) -> None:
    run = write_run(tmp_path, "mine")
    shutil.copytree(exported_policy, run / "policies/best")
    (run / damaged).unlink()
    if damaged.endswith(".pb"):
        (run / damaged).touch()
    box = _full_box(tmp_path / "box")
    before = _content(box)
    with pytest.raises(UserError, match="could not be"):
        put_in_box(run, box)
    assert _content(box) == before
    assert [path.name for path in box.iterdir()] == ["Breakout"]


def test_a_stop_in_the_middle_changes_nothing(
    tmp_path: Path, exported_policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(tmp_path, "mine")
    shutil.copytree(exported_policy, run / "policies/best")
    box = _full_box(tmp_path / "box")
    before = _content(box)
    monkeypatch.setattr("scripts.box._evaluate", lambda new, _: (new / "report.json").touch())
    rename, renamed = Path.rename, 0

    def stopped(path: Path, target: Path) -> Path:
        nonlocal renamed
        renamed += 1
        if renamed == 4:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", stopped)
    with pytest.raises(KeyboardInterrupt):
        put_in_box(run, box)
    assert renamed > 4
    assert _content(box) == before


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
