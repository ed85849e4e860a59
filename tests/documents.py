"""What stands in the documents: commands, blocks of code, pointers into the code.

A command is a line of an indented or fenced block, or a span in backticks, that begins with one of
PROGRAMS. What stands behind ` #` is a comment; a line that ends in a backslash goes on in the next;
`&&` stands between two commands.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    "README.md",
    "BUILD.md",
    "benchmarks/README.md",
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md")),
]
PROGRAMS = (
    *("cd", "git", "pip", "python", "python3.11", "source", "tensorboard", "uv"),
    *("scripts/check", ".ci/run"),
)

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_SPAN = re.compile(r"`([^`]+)`")


class Block(NamedTuple):
    """A fenced block, with the line of text before it, without which it says nothing."""

    before: str
    language: str
    text: str


def blocks(document: str) -> list[Block]:
    """Return the fenced blocks of a document."""
    text = (ROOT / document).read_text()
    found = []
    for match in _FENCED.finditer(text):
        before = text[: match.start()].rstrip().splitlines()[-1]
        found.append(Block(before, match[1], match[2]))
    return found


def toml_files(document: str) -> list[str]:
    """Return the blocks that are files of experiments; the first line of each has its name."""
    text = (ROOT / document).read_text()
    indented = re.findall(r"^((?: {4}.*\n|\n)+)", text, re.M)
    found = [re.sub(r"^ {4}", "", block, flags=re.M).strip() for block in indented]
    return [block for block in found if re.match(r"# \w+\.toml", block)]


def commands(document: str) -> list[str]:
    """Return the commands of a document, each in one line with single spaces."""
    return [" ".join(line.split()) for line in _lines((ROOT / document).read_text())]


def pointers(document: str) -> list[tuple[str, str]]:
    """Return the pointers into the code, `agents/dqn.py:DqnAgent`, as file and name."""
    text = (ROOT / document).read_text()
    return re.findall(r"`([\w/]+\.py):([\w.]+)`", text)


def names_of(path: str) -> set[str]:
    """Return what a file defines: classes, functions, constants; `Class.method` of those."""
    return set(_names(ast.parse((ROOT / path).read_text()).body, ""))


def _lines(text: str) -> Iterator[str]:
    prose = []
    in_fence = False
    joined = re.sub(r" *\\\n *", " ", text)
    for line in joined.splitlines():
        if line.strip().startswith("```"):
            in_fence = not in_fence
        elif in_fence or line.startswith("    "):
            yield from _commands_in(line)
        else:
            prose.append(line)
    for span in _SPAN.findall("\n".join(prose)):
        if " " in span:  # a program's name alone is no command
            yield from _commands_in(span)


def _commands_in(line: str) -> Iterator[str]:
    for part in re.split(r"\s#", line)[0].split("&&"):
        words = part.split()
        if words and words[0] in PROGRAMS:
            yield part


def _names(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from _names(node.body, f"{prefix}{node.name}.")
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name):
                yield prefix + target.id
