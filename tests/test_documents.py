"""The documents say what the program does."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
from documents import DOCUMENTS, ROOT, names_of, pointers

from agents import AGENTS
from configs import PRESETS, Config
from configs.games import ATARI_SETTINGS
from configs.policy_gradient import PolicyGradientConfig
from policy_gradient import metrics as policy_gradient_metrics
from replay.arrays import Rows
from scripts.flag_table import PAGES, Page, with_table
from training.metrics import (
    CHARTED_METRICS,
    CHARTS,
    EVALUATION_METRICS,
    GAME_COLUMNS,
    PROGRESS_METRICS,
    WARNING_COLUMNS,
)

_DEFINES_FLAG = r'(?:DEFINE_\w+|add_argument)\(\s*"(?:--)?(\w+)"'
# absl's; uv's; TensorBoard's; Chromium's
_FLAGS_OF_OTHERS = {"help", "helpfull", "verbosity", "override", "samples_per_plugin", "dump-dom"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_table_of_flags_is_what_the_settings_say(page: Page) -> None:
    assert with_table(page) == page.path.read_text(), "run python -m scripts.flag_table"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_and_pictures_are_there(document: str) -> None:
    path = ROOT / document
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", path.read_text()):
        if target.startswith("http"):
            continue
        linked = path.parent / target if target else path
        assert linked.exists(), f"{document} links to {target}"
        if anchor:
            assert anchor in _anchors(linked), f"{document} links to {target}#{anchor}"


def _anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as the sites that show Markdown make them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", sorted({*DOCUMENTS} - {"docs/comparison.md"}))  # has others'
def test_flags_in_prose_exist(document: str) -> None:
    """Those of commands are parsed in test_documented_commands.py."""
    files = (path for depth in ("*.py", "*/*.py", "tests/*/*.py") for path in ROOT.glob(depth))
    sources = [path.read_text() for path in files]
    known = {flag for source in sources for flag in re.findall(_DEFINES_FLAG, source)}
    settings = (Config, PolicyGradientConfig)
    known |= {field.name for each in settings for field in dataclasses.fields(each)}
    known |= _FLAGS_OF_OTHERS
    for span in re.findall(r"`(--[^`]+)`", (ROOT / document).read_text()):
        for flag in re.findall(r"--([\w-]+)", span):
            turned_off = flag.removeprefix("no").removeprefix("-")
            assert flag in known or turned_off in known, f"{document}: --{flag}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_pointers_lead_to_code(document: str) -> None:
    for path, name in pointers(document):
        assert name in names_of(path), f"{document}: {path} has no {name}"


def test_the_flags_of_each_algorithm_go_together() -> None:
    table = (ROOT / "docs/algorithms.md").read_text().split("\n## ")[0]
    cells = re.findall(r"^\| [^|]+ \| `(--[^`]+)` \|", table, re.MULTILINE)
    assert len(cells) == 10
    for cell in cells:
        _config_of(cell).validate()


def _config_of(cell: str) -> Config:
    config = Config()
    for flag in cell.replace("--", "").split():
        name, _, text = flag.partition("=")
        if name == "preset":
            config = PRESETS[text]
        elif text:
            config = config.replace(**{name: type(getattr(config, name))(text)})
        else:
            is_on = hasattr(config, name)  # otherwise it begins with "no"
            config = config.replace(**{name if is_on else name.removeprefix("no"): is_on})
    return config


def test_every_algorithm_has_its_row() -> None:
    found = pointers("docs/algorithms.md")
    text = (ROOT / "docs/algorithms.md").read_text()
    for agent, module in AGENTS.items():
        assert f"`--agent={agent}" in text
        assert module.replace(".", "/") + ".py" in {path for path, _ in found}


def test_the_settings_that_small_games_refuse_are_named() -> None:
    text = (ROOT / "docs/environments.md").read_text()
    (named,) = re.findall(r"^- (`--[^.]+) mean nothing to them\.", text, re.M)
    assert set(re.findall(r"`--(\w+)`", named)) == ATARI_SETTINGS


_REPORTS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("pretrained/**/report.json"))

# A row must have the folder of the policy in the box, or else the name of its game (with blanks, if
# one likes), and behind it `MEAN (LOW to HIGH)`, each rounded to as many digits as one likes.
_MEAN_AND_INTERVAL = re.compile(r"(-?[\d,.]*\d) \((-?[\d,.]*\d) to (-?[\d,.]*\d)\)")


def _rounds_to(value: float, written: str) -> bool:
    digits = len(written.partition(".")[2])
    return abs(value - float(written.replace(",", ""))) <= 0.5 * 10**-digits + 1e-9


def _tells(row: str, numbers: list[float]) -> bool:
    return any(
        all(map(_rounds_to, numbers, written)) for written in _MEAN_AND_INTERVAL.findall(row)
    )


@pytest.mark.parametrize("document", ["README.md", "docs/results.md"])
@pytest.mark.parametrize("file", _REPORTS)
def test_tables_have_the_scores_of_the_agents_in_the_box(document: str, file: str) -> None:
    report = json.loads((ROOT / file).read_text())
    numbers = [report["mean"], *report["mean_interval_95"]]
    rows = [line for line in (ROOT / document).read_text().splitlines() if line.startswith("|")]
    # `pretrained/Breakout/policy`, and no `policy-20-minutes`
    named = [row for row in rows if re.search(rf"{re.escape(report['policy'])}(?![\w-])", row)]
    game = report["game"].lower()
    of_the_game = [row for row in rows if game in row.replace(" ", "").lower()]
    assert any(_tells(row, numbers) for row in named or of_the_game), (
        f"{document} has no row of {report['policy']} with {numbers}"
    )


def test_a_row_of_scores_is_read_as_it_is_rounded() -> None:
    assert _tells("| Pong | 544 (489 to 1,612) |", [544.17, 488.67, 1611.504])
    assert _tells("| 1 (0 to 2) | -20.7 (-21.0 to -20.15) |", [-20.65, -21, -20.15])
    assert not _tells("| 544 (489 to 1,612) |", [544.51, 488.67, 1611.504])
    assert not _tells("| 30.6 (28.0 to 33.5) |", [30.63, 27.97, 33.37])
    assert not _tells("| 30.6 |", [30.6, 28.0, 33.4])


def test_every_metric_is_explained() -> None:
    text = (ROOT / "docs/training.md").read_text()
    for metric in (*PROGRESS_METRICS, *EVALUATION_METRICS):
        assert f"`{metric.name}`" in text
        assert metric.meaning in text


def test_every_loss_of_policy_gradients_is_explained() -> None:
    text = (ROOT / "docs/policy-gradient.md").read_text()
    for metric in policy_gradient_metrics.LOSSES:
        assert f"| `{metric.name}` | {metric.meaning} |" in text


def test_every_chart_is_explained() -> None:
    text = (ROOT / "docs/training.md").read_text()
    for tag, meaning in [(each.tag, each.meaning) for each in CHARTED_METRICS] + [
        (each.tag, each.meaning) for each in CHARTS
    ]:
        assert re.search(rf"\| `{tag}(/\.\.\.)?` \| {re.escape(meaning)} \|", text), tag


def test_every_benchmark_has_its_row_and_its_flags() -> None:
    text = (ROOT / "benchmarks/README.md").read_text()
    rows = re.findall(r"^\| `--(\w+)` \|[^|]*\|([^|]*)\|", text, re.M)
    flags = {flag: set(re.findall(r"`(\w+)`", commands)) for flag, commands in rows}
    for path in ROOT.glob("benchmarks/*.py"):
        if '__name__ == "__main__"' not in path.read_text():
            continue
        own = re.findall(_DEFINES_FLAG, path.read_text())
        if re.search(rf"^\| `python -m benchmarks\.{path.stem}[ `]", text, re.M):
            assert all(path.stem in flags[flag] for flag in own), path.stem
            assert ("json" in own) == (path.stem in flags["json"]), path.stem
        else:  # a contender, which another starts; it has flags of its own
            starts = [each for each in ROOT.glob("benchmarks/*.py") if each != path]
            assert any(f'benchmarks.{path.stem}"' in each.read_text() for each in starts), path.stem


def test_a_page_describes_every_file_of_a_run() -> None:
    text = (ROOT / "docs/files.md").read_text()
    for name in ("config.json", "metrics.csv", "evaluations.csv", "games.csv", "tensorboard/",
                 "checkpoints/", "replay/", "policies/last", "policies/best", "warnings.csv",
                 "report.html", "films/", "profile.txt"):  # fmt: skip
        assert f"| `{name}` |" in text
    for column in (*GAME_COLUMNS, *WARNING_COLUMNS, *Rows._fields):
        assert f"`{column}`" in text
