"""The watch driver: quotas, seeds, epsilon, and a record that plays again."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from configs import Config
from envs import suite
from evaluation.policies import find_pretrained, load_policy
from evaluation.watch import MAX_SLOTS, PlayedGame, play_games, suite_seed, watched_config

_SHORT = Config(max_agent_steps_per_game=40)


def _random(config: Config, games: int, seed: int = 3) -> list[PlayedGame]:
    return play_games(config, None, games=games, epsilon=1.0, seed=seed)


_finished: list[int] = []


@functools.cache
def _whole_games() -> list[PlayedGame]:
    return play_games(
        Config(),
        None,
        games=12,
        epsilon=1.0,
        seed=3,
        on_game=lambda game: _finished.append(game.number),
    )


def test_whole_games_with_all_their_lives_in_order() -> None:
    games = _whole_games()
    assert [game.number for game in games] == list(range(1, 13))
    assert [game.slot for game in games] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert len({game.agent_steps for game in games}) > 6  # they ended when they ended
    assert all(len(game.actions) == game.agent_steps for game in games)
    # Five lives: a random agent never holds one ball for as long as these games are.
    assert min(game.frames for game in games) > 400


def test_each_slot_plays_its_quota_however_long_its_games_are() -> None:
    assert [game.slot for game in _whole_games() if game.number > 10] == [0, 1]
    assert sorted(_finished) == list(range(1, 13))
    assert _finished != sorted(_finished)  # some slot was faster, and took no other's game


def test_other_seed_other_games() -> None:
    assert _random(_SHORT, 2, seed=3) == _random(_SHORT, 2, seed=3)
    assert _random(_SHORT, 2, seed=3) != _random(_SHORT, 2, seed=4)


def test_more_games_continue_fewer() -> None:
    assert _random(Config(), 3) == _whole_games()[:3]
    assert _random(_SHORT, 11) == _random(_SHORT, 13)[:11]


@pytest.mark.parametrize("sticky", [0.0, 0.25])
def test_both_pipelines_play_the_same_games(sticky: float) -> None:
    config = _SHORT.replace(sticky_action_probability=sticky)
    assert _random(config, 3) == _random(config.replace(env_pipeline="suite"), 3)


def test_the_history_plays_all_games_of_the_slot_again() -> None:
    first, second = _whole_games()[0], _whole_games()[10]
    assert second.history.startswith(first.history)
    config = watched_config(Config(env_pipeline="suite"))
    env = suite.load(config, 1, suite_seed(3), first_slot=0)
    env.reset()
    rewards, lasts = [], []
    for action in second.history:
        step = env.step(np.array([action]))
        rewards.append(float(step.reward[0]))
        lasts.append(bool(step.is_last()[0]))
    ends = [number for number, last in enumerate(lasts) if last]
    assert ends == [len(first.history) - 1, len(second.history) - 1]
    assert second.first_step == ends[0] + 2  # one step begins the game
    assert sum(rewards[: ends[0] + 1]) == first.score
    assert sum(rewards[second.first_step :]) == second.score


def test_a_lost_life_ends_no_game() -> None:
    assert Config().life_loss_terminal
    assert _random(Config(life_loss_terminal=False), 1) == _random(Config(), 1)


def test_time_limit_ends_a_game() -> None:
    assert [game.agent_steps for game in _random(_SHORT, 2)] == [40, 40]


def test_greedy_actions_are_the_policys() -> None:
    batches: list[tuple[tuple[int, ...], np.dtype]] = []

    def choose(observation: np.ndarray) -> np.ndarray:
        batches.append((observation.shape, observation.dtype))
        return np.arange(len(observation)) % 4

    games = play_games(_SHORT, choose, games=4, epsilon=0.0, seed=3)
    assert [set(game.actions) for game in games] == [{0}, {1}, {2}, {3}]
    # However many play: what a network says of one depends on how many it is asked about.
    assert set(batches) == {((MAX_SLOTS, 84, 84, 4), np.dtype(np.uint8))}


def test_observations_are_those_of_the_step() -> None:
    seen: list[np.ndarray] = []

    def choose(observation: np.ndarray) -> np.ndarray:
        seen.append(observation.copy())
        return np.zeros(len(observation), np.int64)

    play_games(_SHORT, choose, games=1, epsilon=0.0, seed=3)
    env = suite.load(watched_config(_SHORT), 1, suite_seed(3))
    expected = [env.reset().observation]
    expected += [env.step(np.zeros(1, np.int64)).observation for _ in range(39)]
    np.testing.assert_array_equal(np.array(seen)[:, :1], np.array(expected))


def test_a_game_is_the_same_alone_and_beside_others() -> None:
    """In bfloat16, an answer in a batch of 1 is another one: the two would part at step 111."""
    policy = load_policy(find_pretrained("Breakout"))
    config = policy.config.replace(max_agent_steps_per_game=150)
    assert config.precision == "bfloat16"
    few, many = (
        play_games(config, policy, games=games, epsilon=0.001, seed=1) for games in (1, 10)
    )
    assert few[0] == many[0]


def test_random_actions_are_drawn_per_slot() -> None:
    def forbidden(_: np.ndarray) -> np.ndarray:
        raise AssertionError("the network runs where all act at random")

    games = play_games(_SHORT, forbidden, games=3, epsilon=1.0, seed=3)
    for game in games:
        child = np.random.SeedSequence(suite_seed(3)).spawn(3)[game.slot]
        generator = np.random.default_rng(child)
        drawn = [(generator.random(), generator.integers(4))[1] for _ in range(40)]
        assert list(game.actions) == drawn


def test_share_of_random_actions_is_epsilon() -> None:
    games = play_games(
        _SHORT.replace(max_agent_steps_per_game=250),
        lambda observation: np.ones(len(observation), np.int64),
        games=4,
        epsilon=0.4,
        seed=3,
    )
    actions = b"".join(game.actions for game in games)
    share = sum(action != 1 for action in actions) / len(actions) / 0.75
    assert len(actions) > 400
    assert abs(share - 0.4) < 0.09  # three standard deviations


def test_no_seed_is_one_of_training() -> None:
    seeds = [suite_seed(seed) for seed in range(1_000)]
    assert len(set(seeds)) == 1_000
    assert min(seeds) >= 2**31  # Config.seed is below


def test_an_observer_may_end_the_games() -> None:
    class StopError(Exception):
        pass

    steps: list[int] = []

    def stop(_: object) -> None:
        steps.append(1)
        if len(steps) == 5:
            raise StopError

    with pytest.raises(StopError):
        play_games(_SHORT, None, games=1, epsilon=1.0, seed=3, observers=[stop])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"games": 0}, "at least 1 game must be played, but 0 are asked for"),
        ({"epsilon": 1.5}, "epsilon must be from 0 to 1, but is 1.5"),
        ({"epsilon": float("nan")}, "epsilon must be from 0 to 1, but is nan"),
        ({"epsilon": 0.5}, "a policy is needed at epsilon 0.5; only 1 is all random"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], sentence: str) -> None:
    values: dict[str, Any] = {"games": 1, "epsilon": 1.0, "seed": 1, **arguments}
    with pytest.raises(ValueError, match=sentence):
        play_games(_SHORT, None, **values)
