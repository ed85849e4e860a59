"""The settings: their ranges and types, the presets to the letter, the reference scores."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest

from configs import PRESETS, Config, ConfigError, human_normalized_score, reference_scores
from envs import ale, games

_FIELDS = dataclasses.fields(Config)
_NUMBERS = [field for field in _FIELDS if type(field.default) in (int, float)]

# One game and epsilon from 1 to 0: so that no rule between two numbers is in the way of one alone.
_ROOMY = Config(num_envs=1, epsilon_final=0.0, noisy=True)


def _name(field: dataclasses.Field[Any]) -> str:
    return field.name


@pytest.mark.parametrize("field", _NUMBERS, ids=_name)
def test_a_number_may_be_at_the_ends_of_its_range_and_no_further(
    field: dataclasses.Field[Any],
) -> None:
    kind: type[Any] = type(field.default)
    low, high = field.metadata["low"], field.metadata["high"]
    for inside in (low, high):
        _ROOMY.replace(**{field.name: kind(inside)}).validate()
    step = 1 if kind is int else 0.1
    for outside in (kind(low - step), kind(high + step)):
        with pytest.raises(ConfigError) as caught:
            _ROOMY.replace(**{field.name: outside}).validate()
        assert str(caught.value).startswith(f"{field.name} must be from {low:,} to {high:,}")
        assert str(caught.value).endswith(f", but is {outside:,}")


@pytest.mark.parametrize(
    ("setting", "value", "error"),
    [
        ("num_envs", 0, "num_envs must be from 1 to 256 games, but is 0"),
        ("num_envs", 2.0, "num_envs must be of type int, but is 2.0"),
        ("num_envs", True, "num_envs must be of type int, but is true"),
        ("num_envs", None, "num_envs must be of type int, but is null"),
        ("double", 1, "double must be of type bool, but is 1"),
        ("game", 7, "game must be of type str, but is 7"),
        ("discount", "0.9", 'discount must be of type float, but is "0.9"'),
        ("discount", 1.5, "discount must be from 0.0 to 1.0, but is 1.5"),
        ("discount", math.nan, "discount must be from 0.0 to 1.0, but is nan"),
        ("reward_clip", math.inf, "reward_clip must be from 0.0 to 1,000,000.0, but is inf"),
        ("learning_rate", 0.0, "learning_rate must be from 1e-09 to 1.0, but is 0.0"),
        ("iterations", -5, "iterations must be from 1 to 1,000,000,000 iterations, but is -5"),
        (
            "optimizer",
            "sgd",
            "optimizer must be one of adam, rmsprop, rmsprop_nature, but is 'sgd'",
        ),
        ("env_pipeline", "gym", "env_pipeline must be one of vector, suite, but is 'gym'"),
        (
            "precision",
            "half",
            "precision must be one of auto, float32, bfloat16, float16, but is 'half'",
        ),
        (
            "policy_lag_iterations",
            0,
            "policy_lag_iterations must be from 1 to 1,000 iterations, but is 0",
        ),
        (
            "epsilon_initial",
            0.005,
            "epsilon_final 0.02 is above epsilon_initial 0.005: epsilon falls, so give a smaller "
            "epsilon_final",
        ),
        (
            "n_step",
            50,
            # 4 games, each with 50 + 5 rows
            "replay_capacity 200 is too small for 8 games and n_step 50: give at least 440",
        ),
    ],
)
def test_a_wrong_value_is_named_in_one_sentence(setting: str, value: object, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_dict({"replay_capacity": 200, setting: value})
    assert str(caught.value) == error


def test_a_policy_lags_only_where_it_is_apart() -> None:
    Config(policy_lag_iterations=2, overlap=True).validate()
    with pytest.raises(ConfigError) as caught:
        Config(policy_lag_iterations=2, overlap=False).validate()
    assert str(caught.value) == (
        "policy_lag_iterations 2 needs a policy apart from the one that learns: "
        "give --overlap with it, or policy_lag_iterations 1"
    )


def test_something_must_explore() -> None:
    Config(epsilon_initial=0.0, epsilon_final=0.0, noisy=True).validate()
    with pytest.raises(ConfigError, match="epsilon_initial 0 without noisy layers never tries an"):
        Config(epsilon_initial=0.0, epsilon_final=0.0).validate()


def test_the_least_replay_that_is_named_is_enough() -> None:
    Config(replay_capacity=440, n_step=50).validate()


def test_a_whole_number_will_do_for_a_fraction() -> None:
    assert Config.from_dict({"discount": 1}).discount == 1


def test_an_unknown_setting_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_dict({"learning_rat": 0.1})
    assert str(caught.value) == (
        "there is no setting called 'learning_rat'; did you mean learning_rate?"
    )
    with pytest.raises(ConfigError) as caught:
        Config.from_dict({"xyzzy": 0.1})
    assert str(caught.value) == "there is no setting called 'xyzzy'"


def test_json_brings_a_config_back_as_it_was() -> None:
    config = Config(learning_rate=1 / 3, game="Pong", double=False, iterations=7)
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_file_of_an_older_program_is_read_as_it_was_meant() -> None:
    settings = Config(game="Pong").to_dict()
    assert settings.pop("subtract_background")
    assert not Config.from_dict(settings).subtract_background


def test_a_config_cannot_be_changed() -> None:
    name = "seed"
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(Config(), name, 2)


@pytest.mark.parametrize("field", _FIELDS, ids=_name)
def test_a_setting_says_what_it_is(field: dataclasses.Field[Any]) -> None:
    assert field.metadata["help"]
    if field.name.endswith(("_agent_steps", "_steps")):
        assert field.metadata["unit"] == "agent steps"
    if field.name.endswith(("_iterations", "iterations")):
        assert field.metadata["unit"] == "iterations"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_valid(name: str) -> None:
    PRESETS[name].validate()
    games.check(PRESETS[name].game)


def test_default_is_the_config_that_nothing_was_said_about() -> None:
    assert PRESETS["default"] == Config()
    # Run 17 of docs/recipe.md, with epsilon to 0.02.
    expected = {
        "agent": "qr_dqn",
        "double": True,
        "atoms": 51,
        "network_width": 0.5,
        "n_step": 10,
        "discount": 0.99,
        "reward_clip": 1.0,
        "life_loss_terminal": True,
        "batch_size": 32,
        "optimizer": "adam",
        "learning_rate": 8e-4,
        "learning_rate_final_share": 0.025,
        "learning_rate_decay_iterations": 250_000,
        "optimizer_epsilon": 1.5e-4,
        "target_update_tau": 0.005,
        "target_update_period": 1,
        "act_with_target": True,
        "num_envs": 8,
        "update_period": 8,
        "random_shift_pixels": 4,
        "initial_collect_steps": 5_000,
        "replay_capacity": 200_000,
        "epsilon_final": 0.02,
        "epsilon_decay_iterations": 10_000,
    }
    assert {name: getattr(Config(), name) for name in expected} == expected


_WATCHING = {
    # How long a run lasts and what is watched meanwhile is this project's own choice.
    "iterations",
    "seed",
    "eval_period",
    "eval_games",
    "eval_epsilon",
    "checkpoint_period",
    # These are of other algorithms.
    "munchausen_weight",
    "munchausen_temperature",
    "munchausen_log_policy_min",
    "atoms",
    "value_max",
    "priority_exponent",
    "priority_weight_initial",
    "priority_weight_iterations",
    "learning_rate_decay_iterations",
}


def test_notebook_is_the_reference_recipe_to_the_letter() -> None:
    settings = PRESETS["notebook"].to_dict()
    assert {name: value for name, value in settings.items() if name not in _WATCHING} == {
        "game": "Breakout",  # BreakoutNoFrameskip-v4
        "env_pipeline": "suite",  # suite_atari
        "num_envs": 1,
        "life_start": "auto",  # FIRE at the start of a game and after each lost life
        "skip_start_agent_steps": 40,  # of Space Invaders' variant
        "noop_start_max_frames": 0,
        "sticky_action_probability": 0.0,  # v4
        "max_agent_steps_per_game": 27_000,  # 108,000 ALE frames / 4
        "life_loss_terminal": False,
        "agent": "dqn",
        "double": False,
        "dueling": False,
        "noisy": False,
        "munchausen": False,
        "network_width": 1.0,
        "layer_norm": False,
        "subtract_background": False,
        "n_step": 1,
        "discount": 0.99,
        "reward_clip": 0.0,
        "batch_size": 64,
        "optimizer": "rmsprop",  # rho 0.95, momentum 0, centered: see below
        "learning_rate": 2.5e-4,
        "learning_rate_final_share": 1.0,  # no decay
        "optimizer_epsilon": 1e-5,
        "target_update_period": 2_000,  # training steps
        "target_update_tau": 1.0,  # a copy
        "random_shift_pixels": 0,
        "act_with_target": False,
        "precision": "float32",
        "overlap": False,
        "policy_lag_iterations": 1,
        "stack_on_device": "auto",  # the same bytes
        "xla": False,
        "deterministic": False,
        "update_period": 4,  # agent steps for one training step
        "initial_collect_steps": 20_000,
        "prioritized": False,
        "replay_capacity": 100_000,
        "epsilon_initial": 1.0,
        "epsilon_final": 0.01,
        "epsilon_decay_iterations": 62_500,  # 250,000 / 4
        "log_period": 1_000,
    }


def test_rainbow_is_table_1_of_hessel_et_al_2018() -> None:
    config = PRESETS["rainbow"]
    # The six extensions.
    assert (config.agent, config.double, config.dueling) == ("c51", True, True)
    assert (config.n_step, config.noisy, config.prioritized) == (3, True, True)
    assert config.initial_collect_steps == 80_000 / 4  # "Min history to start learning", frames
    assert (config.learning_rate, config.optimizer_epsilon) == (0.0000625, 1.5e-4)
    assert config.learning_rate_final_share == 1.0
    assert (config.epsilon_initial, config.epsilon_final) == (0.0, 0.0)
    assert config.target_update_period == 32_000 / 4 / 4  # frames, of four agent steps
    assert (config.priority_exponent, config.priority_weight_initial) == (0.5, 0.4)
    assert config.priority_weight_iterations == config.iterations == 200_000_000 / 16
    assert (config.atoms, config.value_max) == (51, 10.0)
    # Table 4, as in Nature DQN.
    assert (config.batch_size, config.discount) == (32, 0.99)
    assert (config.replay_capacity, config.update_period) == (1_000_000, 4)
    assert (config.network_width, config.target_update_tau, config.n_step) == (1.0, 1.0, 3)
    assert (config.random_shift_pixels, config.act_with_target) == (0, False)


def test_nature_is_table_1_of_mnih_et_al_2015() -> None:
    config = PRESETS["nature"]
    assert config.batch_size == 32  # "minibatch size"
    assert config.replay_capacity == 1_000_000  # "replay memory size"
    assert config.target_update_period == 10_000  # "measured in ... parameter updates"
    assert config.discount == 0.99  # "discount factor"
    assert config.update_period == 4  # "update frequency", in actions
    assert config.learning_rate == 0.00025  # "learning rate"
    assert config.learning_rate_final_share == 1.0
    assert config.optimizer == "rmsprop_nature"  # both "momentum" rows, 0.95: see below
    # "min squared gradient" 0.01, where gradients are sums over the batch; here they are means
    assert config.optimizer_epsilon * config.batch_size**2 == pytest.approx(0.01)
    assert config.epsilon_initial == 1.0  # "initial exploration"
    assert config.epsilon_final == 0.1  # "final exploration"
    # "final exploration frame" 1,000,000, of which an update sees 4: 1,000,000 / 4
    assert config.epsilon_decay_iterations == 250_000
    assert config.initial_collect_steps == 50_000  # "replay start size"
    assert config.noop_start_max_frames == 30  # "no-op max"
    # "clipping all positive rewards at 1 and all negative rewards at -1" (methods)
    assert config.reward_clip == 1.0
    assert config.life_loss_terminal  # "mark the end of an episode" by the life counter (methods)
    assert config.iterations == 12_500_000  # "50 million frames" in training, / 4
    assert (config.eval_games, config.eval_epsilon) == (30, 0.05)  # "30 times", "epsilon 0.05"
    assert (config.double, config.dueling, config.n_step) == (False, False, 1)
    assert (config.num_envs, config.precision) == (1, "float32")


def test_the_optimizers_have_the_numbers_that_no_setting_has() -> None:
    from agents.optimizers import build_optimizer

    for preset in ("notebook", "nature"):
        optimizer = build_optimizer(PRESETS[preset]).get_config()
        assert (optimizer["rho"], optimizer["momentum"]) == (0.95, 0.0)
        assert optimizer["centered"] is True
        rate = optimizer["learning_rate"]["config"]
        assert (rate["initial"], rate["final_share"]) == (2.5e-4, 1.0)
        assert optimizer["epsilon"] == PRESETS[preset].optimizer_epsilon


def _references() -> dict[str, tuple[float, float]]:
    path = Path(reference_scores.__file__).with_suffix(".csv")
    rows = [line.split(",") for line in path.read_text().splitlines()]
    assert rows[0] == ["game", "random", "human"]
    return {game: (float(random), float(human)) for game, random, human in rows[1:]}


def test_there_are_reference_scores_of_57_real_games() -> None:
    references = _references()
    assert len(references) == 57
    assert set(references) <= set(ale.ROMS)
    for game, (random, human) in references.items():
        assert random < human, game
        assert human_normalized_score(game, random) == 0
        assert human_normalized_score(game, human) == 1


def test_breakout_is_normalized_by_hand() -> None:
    assert _references()["Breakout"] == (1.7, 30.5)
    # (16.1 - 1.7) / (30.5 - 1.7) = 14.4 / 28.8
    assert human_normalized_score("Breakout", 16.1) == pytest.approx(0.5)
    # (401.2 - 1.7) / 28.8 = 399.5 / 28.8: the score of Nature DQN
    assert human_normalized_score("Breakout", 401.2) == pytest.approx(13.8715, abs=1e-4)


def test_a_game_without_published_scores_has_no_normalized_score() -> None:
    assert "Adventure" in ale.ROMS
    assert human_normalized_score("Adventure", 1.0) is None
