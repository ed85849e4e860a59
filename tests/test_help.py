"""--help: the settings in groups, and the table of games."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from configs import Config, game_list, reference_scores
from console.games import games_table
from console.help import setting_lines
from envs import ale
from scripts.games_table import row_of

_ROOT = Path(__file__).parents[1]


def _train(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "train.py", *arguments],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "100", "PATH": ""},
    )
    assert done.stderr == ""
    return done.stdout


def _setting(name: str) -> str:
    fields = {field.name: field for field in dataclasses.fields(Config)}
    return " ".join(setting_lines(fields[name]))


def test_every_setting_is_in_one_group_and_in_the_order_of_config() -> None:
    groups = Config.groups()
    names = [field.name for fields in groups.values() for field in fields]
    assert names == [field.name for field in dataclasses.fields(Config)]
    assert all(groups.values())
    assert groups["What is played"][0].name == "game"
    assert groups["How it learns"][0].name == "n_step"


def test_a_setting_has_its_unit_presets_and_range() -> None:
    assert _setting("num_envs") == (
        "games played side by side "
        "[8 games; notebook: 1; nature: 1; rainbow: 1; cartpole: 4; from 1 to 256]"
    )
    assert _setting("env_pipeline").endswith("[vector; notebook: suite; one of vector, suite]")
    assert _setting("life_loss_terminal").endswith("[yes; notebook: no]")
    assert _setting("learning_rate").endswith(
        "[0.0008; notebook: 0.00025; nature: 0.00025; rainbow: 6.25e-05; grid: 0.002; "
        "cartpole: 0.001; from 1e-09 to 1]"
    )


def test_help_has_the_programs_flags_and_helpfull_the_libraries_too() -> None:
    page = _train("--help")
    headings = [line[:-1] for line in page.splitlines() if line[:1].isalpha() and line[-1] == ":"]
    assert headings == ["Examples", "Flags of this program", *Config.groups()]
    for field in dataclasses.fields(Config):
        name = f"--[no]{field.name}" if isinstance(field.default, bool) else f"--{field.name}"
        assert page.count(f"\n  {name} ") + page.count(f"\n  {name}\n") == 1
    assert "--logtostderr" not in page
    assert max(map(len, page.splitlines())) <= 100
    full = _train("--helpfull")
    assert full.startswith(page[: page.index("--helpfull lists")])
    assert full.index("Flags of the libraries:") > full.index("--log_period")
    assert full.index("--[no]logtostderr") > full.index("Flags of the libraries:")


def test_games_are_listed_without_an_emulator() -> None:
    assert _train("--list_games") == games_table()
    lines = games_table().splitlines()
    assert len(lines) == len(ale.ROMS) + 1
    random_ends = lines[0].index("random") + len("random")
    for line in lines[1:]:
        name = line.split()[0]
        scores = reference_scores.random_and_human_score(name)
        assert line[:random_ends].endswith("-" if scores is None else f"{scores[0]:,.1f}")
    breakout = " ".join(lines[list(ale.ROMS).index("Breakout") + 1].split())
    assert breakout == "Breakout 5 1.7 30.5 yes 4: NOOP, FIRE, RIGHT, LEFT"
    assert "  no  9: NOOP, UP, RIGHT," in next(line for line in lines if "MsPacman" in line)


def test_every_game_has_a_row() -> None:
    assert list(game_list.games()) == list(ale.ROMS)


@pytest.mark.parametrize("name", ["Amidar", "Backgammon", "Breakout", "MsPacman", "Pong"])
def test_the_table_says_what_the_emulator_says(name: str) -> None:
    game = game_list.games()[name]
    row = {
        "game": name,
        "lives": str(game.lives),
        "background": str(game.background),
        "actions": " ".join(game.actions),
    }
    assert row_of(name) == row
    assert game.has_fire == (name != "MsPacman")
