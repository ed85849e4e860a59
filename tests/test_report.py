"""The statistics of a report, by hand, and its two forms."""

from __future__ import annotations

import json

import pytest

from configs import Config
from evaluation.score_report import Report, best_game
from evaluation.watch import PlayedGame


def _game(number: int, score: float, actions: bytes, before: bytes = b"") -> PlayedGame:
    return PlayedGame(
        number=number,
        slot=number - 1,
        score=score,
        agent_steps=len(actions),
        frames=60 * len(actions),
        history=before + actions,
        first_step=len(before),
    )


_GAMES = [
    _game(1, 2.0, b"\0\1"),
    _game(2, 4.0, b"\0\1\2\3"),
    _game(3, 4.0, b"\0\1\2\3", before=b"\3\3\3"),
    _game(4, 10.0, b"\0\1\2\2\2\2"),
]


def _report(config: Config | None = None) -> Report:
    return Report.of_games(
        config or Config(), _GAMES, epsilon=0.001, seed=5, policy="runs/a/policies/best"
    )


def test_statistics_by_hand() -> None:
    report = _report()
    assert report.scores == (2.0, 4.0, 4.0, 10.0)
    assert report.lengths == (2, 4, 4, 6)
    assert report.mean == 5.0
    assert report.median == 4.0
    assert report.interquartile_mean == 4.0  # of 4 and 4
    # Of 256 equally likely draws one adds up to 8 and eight to 10: 3.5 % are 10 or less; so above.
    assert report.mean_interval_95 == (10 / 4, 34 / 4)
    # 13 of 256 draws have three or four times a 2, and 13 a 10: 5.1 % each.
    assert report.interquartile_mean_interval_95 == (2.0, 10.0)
    assert report.std == 3.0  # sqrt((9 + 1 + 1 + 25) / 4)
    assert report.human_normalized == pytest.approx((5.0 - 1.7) / (30.5 - 1.7))


def test_games_with_the_same_actions_are_one_game_whatever_was_before() -> None:
    assert _report().distinct_games == 3


def test_the_same_actions_with_another_score_are_another_game() -> None:
    games = [_game(1, 2.0, b"\0"), _game(2, 3.0, b"\0")]
    assert Report.of_games(Config(), games, epsilon=0, seed=1).distinct_games == 2


def test_one_game_has_no_deviation() -> None:
    report = Report.of_games(Config(), _GAMES[:1], epsilon=1, seed=5)
    assert report.std == 0
    assert report.mean_interval_95 is None
    assert report.interquartile_mean_interval_95 is None
    assert "mean score          2.00\n" in report.to_table()
    assert report.to_json()["mean_interval_95"] is None
    assert report.policy == "random"
    assert report.protocol.startswith("1 whole game, epsilon 1,")


def test_no_game_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one game"):
        Report.of_games(Config(), [], epsilon=1, seed=5)


def test_protocol_is_one_line_with_everything_that_a_score_depends_on() -> None:
    assert _report().protocol == (
        "4 whole games, epsilon 0.001, 0 to 30 frames of NOOP at the start, sticky actions 0, "
        "limit 108,000 frames, seed 5"
    )
    config = Config(
        noop_start_max_frames=0, sticky_action_probability=0.25, max_agent_steps_per_game=100
    )
    assert _report(config).protocol == (
        "4 whole games, epsilon 0.001, no NOOPs at the start, sticky actions 0.25, "
        "limit 400 frames, seed 5"
    )


def test_table() -> None:
    report = Report.of_games(
        Config(game="Earthworld"),
        _GAMES,
        epsilon=0.001,
        seed=5,
        policy="policies/best",
        iteration=50_000,
    )
    assert report.to_table().splitlines() == [
        "game                Earthworld",
        "policy              policies/best (iteration 50,000)",
        "games               4, 3 of them distinct",
        "mean score          5.00 (95 % bootstrap interval 2.50 to 8.50)",
        "median              4.00",
        "interquartile mean  4.00 (95 % bootstrap interval 2.00 to 10.00)",
        "std                 3.00 (population)",
        "least               2.00",
        "greatest            10.00 in game 4",
        "length              4 agent steps in the mean (2 to 6), 4 s of play",
        "human-normalized    unknown: no scores of a human tester are published for this game",
        f"protocol            {report.protocol}",
    ]
    assert "(random play 0, human tester 1)" in _report().to_table()


def test_json() -> None:
    values = json.loads(json.dumps(_report().to_json()))
    promised = {
        "game": "Breakout",
        "scores": [2, 4, 4, 10],
        "mean": 5,
        "mean_interval_95": [2.5, 8.5],
        "median": 4,
        "interquartile_mean": 4,
        "interquartile_mean_interval_95": [2, 10],
        "std": 3,
        "lengths": [2, 4, 4, 6],
        "protocol": _report().protocol,
        "seed": 5,
        "epsilon": 0.001,
        "policy": "runs/a/policies/best",
    }
    assert {name: values[name] for name in promised} == promised
    assert (values["least"], values["greatest"], values["distinct_games"]) == (2, 10, 3)


def test_best_game_is_the_first_of_the_greatest() -> None:
    assert best_game([1.0, 5.0, 5.0, 2.0]) == 2
