"""The lives of a game: their scores, the first that is good enough, and its film."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs import Config
from console.errors import UserError
from evaluation import film, lives
from evaluation.filming import write_life
from evaluation.watch import PlayedGame, play_games

# Ten actions; lives end with the third, the seventh and the last.
_GAME = PlayedGame(1, 0, 9.0, 10, 40, bytes(10), 0, (2, 6, 9), (1.0, 5.0, 3.0))


def _numbers(game: PlayedGame) -> list[tuple[float, ...]]:
    assert all(life.game is game for life in lives.lives_of(game))
    return [tuple(life[1:]) for life in lives.lives_of(game)]


def test_a_life_goes_from_the_end_of_the_one_before_to_its_own() -> None:
    assert _numbers(_GAME) == [(1, 1.0, 0, 2), (2, 5.0, 3, 6), (3, 3.0, 7, 9)]


def test_a_life_that_was_not_lost_when_time_was_up_is_one() -> None:
    game = _GAME._replace(lives_lost=(2, 6))
    assert _numbers(game) == [(1, 1.0, 0, 2), (2, 5.0, 3, 6), (3, 3.0, 7, 9)]


def test_the_first_life_that_scores_more_is_found() -> None:
    games = [_GAME, _GAME._replace(number=2, life_scores=(7.0, 2.0, 0.0))]
    assert lives.first_life_above(games, 2.5)[1:3] == (2, 5.0)
    assert lives.first_life_above(games, 5.0).game.number == 2
    with pytest.raises(UserError) as told:
        lives.first_life_above(games, 7.0)
    assert str(told.value) == (
        "no life of these 2 games scored more than 7; the best, life 1 of game 2, had 7; play "
        "more --games, or ask for less"
    )


def test_the_film_of_a_life_is_its_part_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The game begins on picture 0; its first action on 1, and each takes two more."""

    def film_game(*_: Any, on_step: Any, **__: Any) -> film.Film:
        whole = film.Film(1, 1)
        for picture in range(21):
            whole.append(np.full((1, 1, 3), picture // 4, np.uint8))  # some are the same
        for action in range(10):
            on_step(film.Step(1 + 2 * action, np.zeros(()), 0, 0.0, 0))
        return whole

    monkeypatch.setattr(lives, "film_game", film_game)
    parts = [
        [
            int(rgb[0, 0, 0])
            for rgb, repeats in lives.film_life(Config(), life, seed=1).rgb_pictures()
            for _ in range(repeats)
        ]
        for life in lives.lives_of(_GAME)
    ]
    assert list(map(len, parts)) == [7, 8, 6]
    assert [shown for part in parts for shown in part] == [picture // 4 for picture in range(21)]


def test_a_life_of_a_true_game_is_filmed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, cut_off = (
        play_games(
            Config(game="Breakout", max_agent_steps_per_game=limit),
            None,
            games=1,
            epsilon=1.0,
            seed=3,
        )[0]
        for limit in (27_000, 80)
    )
    assert len(whole.life_scores) == len(whole.lives_lost) == 5
    assert len(cut_off.life_scores) == len(cut_off.lives_lost) + 1
    assert sum(whole.life_scores) == whole.score
    assert sum(cut_off.life_scores) == cut_off.score
    best = max(lives.lives_of(whole), key=lambda life: life.score)
    file = tmp_path / "life.gif"
    write_life([str(file)], Config(game="Breakout"), best, seed=3, seconds_limit=0)
    said = capsys.readouterr().out
    found = re.fullmatch(
        rf"wrote {re.escape(str(file))}: life {best.number} of game 1, score {best.score:g}, "
        r"(\d+\.\d) s, \d\.\d MB\n",
        said,
    )
    assert found
    assert float(found[1]) == pytest.approx(
        (best.last_action - best.first_action + 1) / 15, abs=0.2
    )
