"""What no file of the program does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_SOURCES = [
    path
    for path in _ROOT.glob("**/*.py")
    if not {"tests", "venv", ".venv"} & set(path.relative_to(_ROOT).parts)
]


def test_nothing_is_unpickled_unpacked_or_executed() -> None:
    forbidden = re.compile(
        r"\b(import|from) (pickle|dill|joblib|marshal|shelve|tarfile)\b|\.extractall\(|"
        r"\bunpack_archive\b|allow_pickle=True|(?<![.\w])(eval|exec)\("
    )
    assert len(_SOURCES) > 60
    for path in _SOURCES:
        text = path.read_text()
        assert not forbidden.search(text), path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.load":
                keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                assert keywords.get("allow_pickle") == "False", path


def test_no_duration_is_taken_from_a_clock_that_can_be_set() -> None:
    for path in _SOURCES:
        assert not re.search(r"\btime\.time\(|\btime_ns\(", path.read_text()), path
