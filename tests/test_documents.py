"""The documents say what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from replay.arrays import Rows
from scripts.flag_table import with_table
from training.metrics import (
    CHARTED_METRICS,
    CHARTS,
    EVALUATION_METRICS,
    GAME_COLUMNS,
    PROGRESS_METRICS,
    WARNING_COLUMNS,
)

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    "README.md",
    "BUILD.md",
    *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/*.md")),
]


def test_table_of_flags_is_what_the_settings_say() -> None:
    text = (ROOT / "docs/flags.md").read_text()
    assert with_table(text) == text, "run python -m scripts.flag_table"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_and_pictures_are_there(document: str) -> None:
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), f"{document} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_name_flags_that_exist(document: str) -> None:
    sources = {name: (ROOT / f"{name}.py").read_text() for name in ("train", "evaluate")}
    settings = re.findall(r"^    (\w+): \w+ = _", (ROOT / "configs/config.py").read_text(), re.M)
    known = {
        name: set(re.findall(r'DEFINE_\w+\(\s*"(\w+)"', source)) | {"verbosity", "help", "helpfull"}
        for name, source in sources.items()
    }
    known["train"] |= set(settings) | {f"no{setting}" for setting in settings}
    for name, rest in re.findall(
        r"python (train|evaluate)\.py([^\n`]*)", (ROOT / document).read_text()
    ):
        for flag in re.findall(r"--(\w+)", rest):
            assert flag in known[name], f"{document}: {name}.py has no --{flag}"


def test_every_metric_is_explained() -> None:
    text = (ROOT / "docs/training.md").read_text()
    for metric in (*PROGRESS_METRICS, *EVALUATION_METRICS):
        assert f"`{metric.name}`" in text
        assert metric.meaning in text


def test_every_chart_is_explained() -> None:
    text = (ROOT / "docs/training.md").read_text()
    for tag, meaning in [(each.tag, each.meaning) for each in CHARTED_METRICS] + [
        (each.tag, each.meaning) for each in CHARTS
    ]:
        assert re.search(rf"\| `{tag}(/\.\.\.)?` \| {re.escape(meaning)} \|", text), tag


def test_a_page_describes_every_file_of_a_run() -> None:
    text = (ROOT / "docs/files.md").read_text()
    for name in ("config.json", "metrics.csv", "evaluations.csv", "games.csv", "tensorboard/",
                 "checkpoints/", "replay/", "policies/last", "policies/best", "warnings.csv",
                 "report.html", "films/"):  # fmt: skip
        assert f"| `{name}` |" in text
    for column in (*GAME_COLUMNS, *WARNING_COLUMNS, *Rows._fields):
        assert f"`{column}`" in text
