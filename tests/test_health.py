"""Warnings while training: each cause provoked by hand-made rows, and silence where all is well."""

from __future__ import annotations

from typing import Any

import pytest

from configs import Config
from training.health import Health
from training.warnings import ROWS_OF_A_TREND, Facts, Row, warnings

_CONFIG = Config(iterations=30_000)  # Breakout, discount 0.99, rewards clipped to 1, overlap
_ROW: dict[str, float] = {
    "iteration": 15_000,
    "agent_steps": 65_000,
    "score_mean_30_games": 8.0,
    "epsilon": 0.01,
    "loss": 0.02,
    "q_value": 1.2,
    "replay_transitions": 65_000,
    "acting_percent": 10.0,
    "emulating_percent": 20.0,
    "training_percent": 95.0,
}
_GAMES = {"score_mean": 12.0, "score_greatest": 20.0, "q_value_mean": 1.5, "return_mean": 1.25}

_NO_FACTS = Facts()


def _warnings(
    last: dict[str, Any], facts: Facts = _NO_FACTS, rows: int = 12, **settings: Any
) -> dict[str, str]:
    row: Row = {name: value for name, value in {**_ROW, **last}.items() if value is not None}
    config = _CONFIG.replace(**settings)
    return warnings(config, [*([_ROW] * (rows - 1)), row], [_GAMES], facts)


def test_a_healthy_run_is_left_in_peace() -> None:
    assert _warnings({}) == {}
    assert _warnings({"iteration": 30_000}) == {}


@pytest.mark.parametrize(
    ("cause", "well", "wrong", "settings", "said"),
    [
        # 27,000 is 90 % of the iterations
        ("epsilon", {"iteration": 26_999, "epsilon": 0.21}, {"iteration": 27_000, "epsilon": 0.21},
         {}, "at iteration 27,000 of 30,000 epsilon is still 0.21"),
        ("epsilon", {"iteration": 27_000, "epsilon": 0.2}, {"iteration": 27_000, "epsilon": 0.45},
         {}, "--epsilon_decay_iterations"),
        # 1 / (1 - 0.99)
        ("q_value_bound", {"q_value": 99.9}, {"q_value": 100.1}, {}, "beyond 100 at discount 0.99"),
        ("q_value_bound", {"q_value": -99.9}, {"q_value": -100.1}, {}, "smaller --learning_rate"),
        ("q_value_bound", {"q_value": 9.9}, {"q_value": 10.1}, {"discount": 0.9}, "beyond 10 at"),
        # 90 % of 10 and of 50
        ("value_max", {"q_value": 8.9}, {"q_value": 9.1}, {"agent": "c51"},
         "the mean Q-value is 9.1, and c51 tells returns apart only within plus or minus 10: "),
        ("value_max", {"q_value": -44.9}, {"q_value": -45.1},
         {"agent": "c51", "value_max": 50.0}, "a --value_max above the greatest return"),
        ("loss", {"loss": 0.2}, {"loss": 0.21}, {}, "the loss rose to 0.21, 10 times the 0.02"),
        # Wang et al. 2016: random play of Breakout has 1.7; a third of the iterations is 10,000
        ("no_score", {"iteration": 9_999, "score_mean_30_games": 1.7},
         {"iteration": 10_000, "score_mean_30_games": 1.7}, {}, "random play's 1.7"),
        ("no_score", {"score_mean_30_games": 0.5, "epsilon": 0.21},
         {"score_mean_30_games": 0.5, "epsilon": 0.2}, {}, "score of 0.5"),
        ("no_score", {"score_mean_30_games": 1.8}, {"score_mean_30_games": 0.5},
         {}, "score of 0.5"),
        ("no_score", {"iteration": 9_999, "score_mean_30_games": None},
         {"score_mean_30_games": None}, {}, "not one game is finished"),
        # 5,000 transitions, 4 an iteration
        ("replay", {"agent_steps": 9_999, "replay_transitions": 5_000},
         {"agent_steps": 10_000, "replay_transitions": 5_000}, {"replay_capacity": 5_000},
         "all of them from the last 625 iterations"),
        ("replay", {"replay_transitions": 10_000}, {"replay_transitions": 9_999},
         {"replay_capacity": 10_000}, "larger --replay_capacity"),
    ],
)  # fmt: skip
def test_each_cause_is_told_from_its_threshold_on(
    cause: str,
    well: dict[str, Any],
    wrong: dict[str, Any],
    settings: dict[str, Any],
    said: str,
) -> None:
    assert cause not in _warnings(well, **settings)
    assert said in _warnings(wrong, **settings)[cause]


@pytest.mark.parametrize(
    ("expected", "returned", "reward_clip", "told"),
    [
        (3.74, 1.25, 1.0, False),  # three times 1.25 is 3.75
        (3.76, 1.25, 1.0, True),
        (-0.6, -1.5, 1.0, False),  # less than a reward above
        (1.4, -1.5, 1.0, False),  # twice 1.5 above
        (1.6, -1.5, 1.0, True),
        (0.9, 0.01, 1.0, False),  # early in a run
        (1.1, 0.01, 1.0, True),
        (20.9, 1.0, 0.0, False),  # raw rewards: less than the greatest score, 20, above
        (21.1, 1.0, 0.0, True),
    ],
)
def test_q_values_above_what_games_return_are_told_of(
    expected: float, returned: float, reward_clip: float, told: bool
) -> None:
    config = _CONFIG.replace(reward_clip=reward_clip)
    games = {**_GAMES, "q_value_mean": expected, "return_mean": returned}
    found = warnings(config, [_ROW], [_GAMES, games], Facts())
    assert ("overestimated" in found) == told
    if told:
        said = f"the mean Q-value was {expected:g}, but {returned:g} was returned on average"
        assert said in found["overestimated"]


def test_evaluations_without_returns_are_not_judged() -> None:
    assert warnings(_CONFIG, [_ROW], [{"score_mean": 12.0}], Facts()) == {}


def test_what_a_user_asked_for_is_no_trouble() -> None:
    late = {"iteration": 30_000, "epsilon": 0.5}
    assert "epsilon" not in _warnings(late, epsilon_final=0.5)
    assert "q_value_bound" not in _warnings({"q_value": 500.0}, reward_clip=0.0)
    assert "q_value_bound" not in _warnings({"q_value": -150.0}, munchausen=True)
    assert "no_score" not in _warnings({"score_mean_30_games": 0.0}, game="Adventure")


def test_only_what_is_off_and_goes_with_the_rest_is_advised() -> None:
    games = {**_GAMES, "q_value_mean": 9.0}
    dead = Facts(None, {"layer 4": 0.95})

    def said(**settings: Any) -> tuple[bool, bool]:
        found = warnings(_CONFIG.replace(**settings), [_ROW], [games], dead)
        assert set(found) == {"overestimated", "dead_units"}
        return (
            found["overestimated"].endswith("--target_update_period, or --double"),
            found["dead_units"].endswith("--learning_rate, or with --layer_norm"),
        )

    assert said(double=False, layer_norm=False) == (True, True)
    assert said(double=True, layer_norm=True) == (False, False)
    assert said(double=False, munchausen=True, layer_norm=False) == (False, True)
    assert "value_max" not in _warnings({"q_value": 50.0}, agent="qr_dqn")


@pytest.mark.parametrize(
    ("game", "subtract_background", "is_advised"),
    [("Pong", False, True), ("Pong", True, False), ("Breakout", False, False)],
)
def test_a_background_is_to_be_subtracted_where_there_is_one(
    game: str, subtract_background: bool, is_advised: bool
) -> None:
    config = _CONFIG.replace(game=game, subtract_background=subtract_background)
    dead = Facts(None, {"layer 1": 0.95})
    said = warnings(config, [_ROW], [_GAMES], dead)["dead_units"]
    assert said.endswith("--learning_rate, or with --subtract_background") == is_advised


def test_the_loss_is_compared_only_after_some_rows() -> None:
    assert "loss" not in _warnings({"loss": 9.0}, rows=ROWS_OF_A_TREND)
    assert "loss" in _warnings({"loss": 9.0}, rows=ROWS_OF_A_TREND + 1)


def test_dead_units_and_an_unused_gpu_are_told_of() -> None:
    facts = Facts("CUDA_VISIBLE_DEVICES is ''", {"layer 1": 0.5, "layer 4": 0.95})
    found = _warnings({}, facts)
    assert set(found) == {"dead_units", "gpu"}
    assert "95% of layer 4;" in found["dead_units"]
    assert "layer 1" not in found["dead_units"]
    assert found["gpu"].endswith("CUDA_VISIBLE_DEVICES is ''")


@pytest.mark.parametrize(
    ("overlap", "playing", "training", "told"),
    [
        (True, 85.0, 95.0, False),  # 0.9 of 95 is 85.5
        (True, 86.0, 95.0, True),
        (False, 49.0, 50.0, False),
        (False, 51.0, 50.0, True),
    ],
)
def test_the_emulator_is_told_of_where_learning_waits_for_it(
    overlap: bool, playing: float, training: float, told: bool
) -> None:
    row = {**_ROW, "acting_percent": 20.0, "emulating_percent": playing - 20.0}
    row["training_percent"] = training
    first = {**row, "training_percent": 0.1}  # the first row is mostly tracing, and left out
    config = _CONFIG.replace(overlap=overlap, env_pipeline="suite")
    found = warnings(config, [first, row, row], [], Facts())
    assert ("emulator" in found) == told
    if told:
        assert f"playing takes {playing:.0f} %" in found["emulator"]
        assert "--env_pipeline=vector" in found["emulator"]
    assert "emulator" not in warnings(config, [first, row], [], Facts())


def test_each_cause_is_told_once() -> None:
    looks = []

    def dead_shares() -> dict[str, float]:
        looks.append(1)
        return {"layer 1": 1.0 if len(looks) == 4 else 0.0}

    health = Health(_CONFIG.replace(iterations=1_000), None, dead_shares)
    said = []
    for iteration in range(10, 1_001, 10):
        health.evaluation(_GAMES)
        row = {**_ROW, "iteration": iteration, "epsilon": 0.9}
        said += [(iteration, text.split(",")[0]) for text in health.row(row)]
    # The first ten rows, the tenth of which is the first tenth of the run, and nine tenths more.
    assert len(looks) == 19
    assert said == [
        (40, "units are dead"),
        (900, "at iteration 900 of 1"),
    ]
