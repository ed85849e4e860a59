"""Which room may know which: imports point down only."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALL = {
    *("agents", "configs", "console", "envs", "evaluation", "experiments", "policy_gradient"),
    *("replay", "tabular", "training"),
}

# Each room with those that it may import.
MAY_IMPORT = {
    "configs": set[str](),
    "console": {"configs"},
    "envs": {"configs"},
    "agents": {"configs"},
    "replay": set[str](),
    "tabular": {"console"},
    "evaluation": {"configs", "console", "envs"},
    "experiments": {"configs", "console", "evaluation", "training"},
    "policy_gradient": {"agents", "configs", "console", "envs", "evaluation", "training"},
    "training": {"agents", "configs", "console", "envs", "evaluation", "replay"},
}

# Files that are run by `python -m` have a user, and so console's frame around them.
COMMANDS_MAY_IMPORT = {"envs/show.py": {"console"}, "replay/show.py": {"configs", "console"}}


def imported_rooms(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names & ALL


@pytest.mark.parametrize("room", sorted(ALL))
def test_room_imports_only_what_it_may_know(room: str) -> None:
    files = sorted((ROOT / room).glob("**/*.py"))
    assert files
    for path in files:
        name = path.relative_to(ROOT).as_posix()
        allowed = MAY_IMPORT[room] | {room} | COMMANDS_MAY_IMPORT.get(name, set())
        foreign = imported_rooms(path) - allowed
        assert not foreign, f"{name} imports {sorted(foreign)}"


def test_every_folder_with_code_is_a_room() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders - {"tests", "benchmarks", "scripts"} == ALL


def test_cheap_rooms_import_no_tensorflow() -> None:
    modules = (
        "agents, configs, console.errors, console.flags, envs.ale, replay.frame_ring, "
        "experiments.run, experiments.report, envs.show, envs.pictures, replay.show, "
        "replay.pictures, console.games, training.doctor, training.health, evaluation.report, "
        "tabular.report, tabular.picture, policy_gradient.preflight"
    )
    code = f"import sys, {modules}, training.preflight, training.run_folder; " + (
        "print('tensorflow' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"
