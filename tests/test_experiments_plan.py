"""The file of an experiment: what it means, and every mistake that one can make in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs import PRESETS
from console.errors import UserError
from experiments.plan import read_plan

_FILE = """
games = ["Pong", "Breakout"]
seeds = [3, 1]
[settings]
iterations = 20_000
n_step = 5
[variants.base]
[variants.single]
n_step = 1
double = false
[variants.book]
preset = "notebook"
"""


def _written(folder: Path, text: str) -> Path:
    file = folder / "returns.toml"
    file.write_text(text)
    return file


def test_each_seed_plays_each_game_with_each_variant(tmp_path: Path) -> None:
    runs = read_plan(_written(tmp_path, _FILE))
    assert [str(run.path) for run in runs] == [
        "runs/returns/base/Pong-seed3",
        "runs/returns/single/Pong-seed3",
        "runs/returns/book/Pong-seed3",
        "runs/returns/base/Breakout-seed3",
        "runs/returns/single/Breakout-seed3",
        "runs/returns/book/Breakout-seed3",
        "runs/returns/base/Pong-seed1",
        "runs/returns/single/Pong-seed1",
        "runs/returns/book/Pong-seed1",
        "runs/returns/base/Breakout-seed1",
        "runs/returns/single/Breakout-seed1",
        "runs/returns/book/Breakout-seed1",
    ]


def test_a_variant_changes_what_all_have_in_common_and_that_the_preset(tmp_path: Path) -> None:
    base, single, book = read_plan(_written(tmp_path, _FILE))[:3]
    played = {"game": "Pong", "seed": 3}
    common = {"iterations": 20_000, "n_step": 5, **played}
    assert base.config == PRESETS["default"].replace(**common)
    assert single.config == base.config.replace(n_step=1, double=False)
    assert single.settings == {**common, "n_step": 1, "double": False}
    assert (book.preset, book.settings) == ("notebook", common)
    assert book.config == PRESETS["notebook"].replace(**common)


def test_an_empty_file_is_one_run_of_the_default_preset(tmp_path: Path) -> None:
    (run,) = read_plan(_written(tmp_path, 'out_dir = "there"'))
    assert (run.config, str(run.path)) == (PRESETS["default"], "there/default/Breakout-seed1")


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("seeds = [1", "FILE is no TOML: "),
        ("seed = [1]", "FILE: there is no entry called 'seed'; did you mean seeds?"),
        ("seeds = 1", "FILE: seeds must be a list of whole numbers, at least one, but is 1"),
        ("seeds = [true]", "FILE: seeds must be a list of whole numbers, at least one, but is [T"),
        ("games = []", "FILE: games must be a list of texts, at least one, but is []"),
        ("seeds = [1, 2, 1]", "FILE: seeds has 1 twice; leave one out"),
        ("preset = 1", "FILE: preset must be a text, but is 1"),
        ("settings = 1", "FILE: settings must be a table, but is 1"),
        ("[variants]", "FILE: variants is empty; name at least one, or leave it out"),
        ("[variants]\na = 1", "FILE: variant a: it must be a table of settings, as in [variants.N"),
        ('[variants."a/b"]', "FILE: the variant 'a/b' cannot name a folder; take letters, digits,"),
        (
            "[settings]\nn_stepp = 1",
            "FILE: there is no setting of an experiment called 'n_stepp'; did you mean n_step?",
        ),
        (
            "[settings]\nseed = 1",
            "FILE: seed is no setting of an experiment; put it into seeds",
        ),
        (
            "[variants.a]\ngame = 'Pong'",
            "FILE: variant a: game is no setting of a variant; put it into games",
        ),
        (
            "[variants.a]\npreset = 'natur'",
            "FILE: variant a: there is no preset called 'natur'; did you mean nature?",
        ),
        (
            "[variants.a]\nn_step = 0",
            "FILE: variant a: n_step must be from 1 to 50 agent steps, bu",
        ),
        ("[variants.a]\nn_step = '1'", "FILE: variant a: n_step must be of type int, but is"),
        (
            "games = ['Braekout']",
            "FILE: default, Braekout, seed 1: there is no game called 'Braekout'; the nearest",
        ),
        (
            "games = ['Breakout', 'CartPole-v1']\n[settings]\nlife_loss_terminal = false",
            "FILE: default, CartPole-v1, seed 1: --life_loss_terminal is for Atari games only",
        ),
    ],
)
def test_mistakes_are_a_sentence_before_any_work(tmp_path: Path, text: str, mistake: str) -> None:
    file = _written(tmp_path, text)
    with pytest.raises(UserError) as caught:
        read_plan(file)
    assert str(caught.value).startswith(mistake.replace("FILE", str(file)))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read \(No such file or directory\)"):
        read_plan(tmp_path / "none.toml")
