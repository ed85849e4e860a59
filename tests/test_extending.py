"""docs/extending.md, followed by the letter in a copy of this project."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import documents
import pytest
from documents import ROOT
from forked_program import ForkedProgram

PAGE = "docs/extending.md"
# Less than the page trains: enough for random play, batches, a checkpoint and an evaluation.
_SMALLER = ("--iterations=12", "--initial_collect_steps=200", "--replay_capacity=2000")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project with what the page adds."""
    folder = tmp_path_factory.mktemp("copy") / "project"
    rooms = [path.parent.name for path in ROOT.glob("*/__init__.py")]
    kept = shutil.ignore_patterns("__pycache__")
    for room in {*rooms, "tests"}:
        shutil.copytree(ROOT / room, folder / room, ignore=kept)
    for name in ("train.py", "evaluate.py", "pyproject.toml"):
        shutil.copyfile(ROOT / name, folder / name)
    for block in documents.blocks(PAGE):
        if file := re.fullmatch(r"`([\w/]+\.py)`:", block.before):
            (folder / file[1]).write_text(block.text)
        elif row := re.search(r"`([\w/]+\.py)`, a row in `(\w+)`:", block.before):
            path = folder / row[1]
            text, found = re.subn(
                rf"^({row[2]}: .* = {{\n)", rf"\g<1>{block.text}", path.read_text(), flags=re.M
            )
            assert found == 1
            path.write_text(text)
        else:
            _put_field(folder / "configs/config.py", block.text)
    return folder


def _put_field(path: Path, field: str) -> None:
    text = path.read_text()
    place = text.index("    network_width: float")
    path.write_text(text[:place] + field + text[place:])


def test_the_page_is_followed_by_the_letter(copy: Path) -> None:
    commands = [shlex.split(command)[1:] for command in documents.commands(PAGE)]
    tests = [command[2] for command in commands if command[:2] == ["-m", "pytest"]]
    assert tests == ["tests/test_catch.py", "tests/test_advantage.py"]
    # The algorithm trains on the environment: one command for both.
    (train,) = (command for command in commands if "advantage" in command)
    (film,) = (command for command in commands if command[0] == "evaluate.py")
    film = [word.replace("runs/catch", "runs/advantage") for word in film]
    programs = ForkedProgram(["training.session", "evaluation.answer", "agents.dqn"], root=copy)

    status, stdout, stderr = programs.run(copy, "-m", "pytest", *tests)
    assert status == 0, stdout + stderr
    status, stdout, stderr = programs.run(copy, *train, *_SMALLER, "--gap_weight=0.8")
    assert (status, stderr) == (0, "")
    assert stdout.startswith("training: advantage on catch, 8 games")
    status, stdout, stderr = programs.run(copy, *film)
    assert (status, stderr) == (0, "")
    assert stdout.splitlines()[-1].startswith("wrote catch.gif: game ")
    programs.close()
