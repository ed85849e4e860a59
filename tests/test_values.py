"""Q-values held against returns: by hand on a scripted tape, and exactly in true games."""

from __future__ import annotations

import numpy as np
import pytest
from tf_agents.trajectories import trajectory

from configs import Config
from evaluation.values import ValuedPlay, discounted_returns
from evaluation.watch import PlayedGame, play_games

_HALF = Config(discount=0.5, reward_clip=1.0)


def _step(
    actions: list[int], rewards: list[float], discounts: list[float]
) -> trajectory.Trajectory:
    return trajectory.Trajectory(
        step_type=np.ones(len(actions), np.int32),
        observation=(),
        action=np.array(actions),
        policy_info=(),
        next_step_type=np.ones(len(actions), np.int32),
        reward=np.array(rewards, np.float32),
        discount=np.array(discounts, np.float32),
    )


def _game(slot: int, first_step: int, end: int, lives_lost: tuple[int, ...] = ()) -> PlayedGame:
    return PlayedGame(1, slot, 0.0, end - first_step, 0, bytes(end), first_step, lives_lost)


def test_returns_by_hand() -> None:
    returns, unseen = discounted_returns(np.array([1.0, 0.0, 4.0]), np.array([0.5, 0.5, 0.5]))
    assert returns.tolist() == [2.0, 2.0, 4.0]  # 1 + 4 / 4, 4 / 2, 4
    assert unseen.tolist() == [0.125, 0.25, 0.5]
    returns, unseen = discounted_returns(np.array([1.0, 0.0, 4.0]), np.array([0.0, 0.5, 0.0]))
    assert returns.tolist() == [1.0, 2.0, 4.0]
    assert unseen.tolist() == [0.0, 0.0, 0.0]


def _played() -> ValuedPlay:
    """Two slots, three steps: slot 0 has a game of steps 1 and 2, slot 1 one of all three."""
    observations = iter([[[1, 2], [3, 9]], [[5, 4], [7, 8]], [[0, 6], [1, 2]]])
    play = ValuedPlay(lambda _: np.array(next(observations), np.float32))
    for greedy, step in (
        ([1, 1], _step([0, 1], [9, 0], [1, 1])),
        ([0, 1], _step([1, 1], [0, 7], [1, 1])),
        ([1, 1], _step([1, 0], [1, 1], [0, 0])),
    ):
        assert play.choose(np.zeros((2, 1))).tolist() == greedy
        play.observe(step)
    return play


def test_only_the_steps_of_the_games_count_with_the_actions_that_were_played() -> None:
    play = _played()
    # Steps 1 and 2 of slot 0: actions 1 and 1 have Q 4 and 6; returns 0 + 1 / 2 and 1.
    assert play.compare(_HALF, [_game(0, 1, 3)]) == {"q_value_mean": 5.0, "return_mean": 0.75}
    # Slot 1: Q 9, 8 and 1; rewards 0, 7 clipped to 1, 1: returns 0.75, 1.5, 1.
    both = play.compare(_HALF, [_game(0, 1, 3), _game(1, 0, 3)])
    assert both["q_value_mean"] == pytest.approx((4 + 6 + 9 + 8 + 1) / 5)
    assert both["return_mean"] == pytest.approx((0.5 + 1 + 0.75 + 1.5 + 1) / 5)
    raw = play.compare(_HALF.replace(reward_clip=0.0), [_game(1, 0, 3)])
    assert raw["return_mean"] == pytest.approx((3.75 + 7.5 + 1) / 3)


def test_a_lost_life_ends_what_is_counted_where_it_does_in_learning() -> None:
    play, games = _played(), [_game(1, 0, 3, lives_lost=(0,))]
    assert play.compare(_HALF, games)["return_mean"] == pytest.approx((0 + 1.5 + 1) / 3)
    config = _HALF.replace(life_loss_terminal=False)
    assert play.compare(config, games)["return_mean"] == pytest.approx((0.75 + 1.5 + 1) / 3)


def test_what_lies_behind_a_time_limit_is_not_taken_for_nothing() -> None:
    play = ValuedPlay(lambda _: np.array([[2.0, 3.0]], np.float32))
    for _ in range(10):
        play.choose(np.zeros((1, 1)))
        play.observe(_step([0], [1.0], [1.0]))
    # 0.5 ** 7 is below 1 %, 0.5 ** 6 is not: the first four steps count.
    found = play.compare(_HALF, [_game(0, 0, 10)])
    assert found["return_mean"] == pytest.approx(2 - np.mean([0.5**9, 0.5**8, 0.5**7, 0.5**6]))
    assert play.compare(_HALF, [_game(0, 4, 10)]) == {}
    assert play.compare(_HALF.replace(discount=1.0), [_game(0, 0, 10)]) == {}


def test_steps_at_random_in_all_slots_have_no_q_value() -> None:
    play = ValuedPlay(lambda _: np.array([[2.0, 4.0]], np.float32))
    play.choose(np.zeros((1, 1)))
    play.observe(_step([1], [0.0], [1.0]))
    play.observe(_step([0], [1.0], [0.0]))  # the choice was not asked
    assert play.compare(_HALF, [_game(0, 0, 2)]) == {"q_value_mean": 4.0, "return_mean": 0.5}


@pytest.mark.parametrize("pipeline", ["vector", "suite"])
def test_in_true_games_the_returns_are_of_these_games(pipeline: str) -> None:
    """At discount 0 a return is the reward of the step, and all of them are the score."""
    config = Config(env_pipeline=pipeline, discount=0.0, reward_clip=0.0)
    generator = np.random.default_rng(3)
    play = ValuedPlay(lambda observation: generator.random((len(observation), 4)))
    games = play_games(config, play.choose, games=3, epsilon=0.0, seed=3, observers=[play.observe])
    for game in games:
        assert len(game.lives_lost) == 5
        assert game.lives_lost[-1] == game.agent_steps - 1
    found = play.compare(config, games)
    score, steps = sum(game.score for game in games), sum(game.agent_steps for game in games)
    assert score > 0
    assert found["return_mean"] == pytest.approx(score / steps)
    assert 0.75 < found["q_value_mean"] < 0.85  # 4 / 5: the greatest of four even draws
