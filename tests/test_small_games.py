"""Games that are not Atari's: the contract, their rules, and the way from flags to film."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from test_environment_contract import EnvironmentContract, Subject
from tf_agents.trajectories.time_step import StepType

from configs import Config
from configs.games import OWN_GAMES, frames_per_agent_step, is_atari
from console.errors import UserError
from envs import games, grid, suite
from evaluation.film import FilmError
from evaluation.score_report import Report
from evaluation.small_film import film_game
from evaluation.watch import play_games
from training import precision, preflight

UP, DOWN, LEFT, RIGHT = range(4)


def _subject(game: str, time_limit: int) -> Subject:
    config = Config(game=game, max_agent_steps_per_game=time_limit)
    return Subject(
        name=game,
        load=functools.partial(suite.load, config, 3),
        life_loss_terminal=False,
        ends=frozenset({"game", "time"}),
        walk_steps=120,
        max_agent_steps=time_limit,
        frame_skip=1,
        stack_size=0,
    )


@pytest.mark.parametrize(
    "subject", [_subject("grid", 5), _subject("CartPole-v1", 15)], ids=str, scope="class"
)
class TestSmallGames(EnvironmentContract):
    """With time limits that random play meets."""


def _play(config: Config, actions: list[int]) -> list[tuple[int, float, float, int]]:
    """Return step type, reward, discount and cell of each step."""
    env = suite.load(config, 1, seed=1)
    steps = [env.reset(), *(env.step(np.array([action])) for action in actions)]
    return [
        (
            int(s.step_type[0]),
            float(s.reward[0]),
            float(s.discount[0]),
            int(s.observation[0].argmax()),
        )
        for s in steps
    ]


class TestGrid:
    def test_goal_and_outside_end_the_game(self) -> None:
        # 0  1  2  3
        # 4  5  6  7
        # 8  9 10 11
        # 12 13 14 15
        first, mid, last = (int(t) for t in (StepType.FIRST, StepType.MID, StepType.LAST))
        assert _play(Config(game="grid"), [RIGHT, DOWN, DOWN, DOWN, RIGHT, RIGHT, UP, LEFT]) == [
            (first, 0, 1, 0), (mid, 0, 1, 1), (mid, 0, 1, 5), (mid, 0, 1, 9), (mid, 0, 1, 13),
            (mid, 0, 1, 14), (last, 10, 0, 15), (first, 0, 1, 0), (last, -1, 0, 0),
        ]  # fmt: skip

    def test_time_limit_is_no_death(self) -> None:
        steps = _play(Config(game="grid", max_agent_steps_per_game=2), [RIGHT, LEFT, UP])
        assert steps[2] == (int(StepType.LAST), 0, 1, 0)
        assert steps[3] == (int(StepType.FIRST), 0, 1, 0)

    def test_a_death_at_the_time_limit_is_a_death(self) -> None:
        steps = _play(Config(game="grid", max_agent_steps_per_game=1), [UP])
        assert steps[1] == (int(StepType.LAST), -1, 0, 0)

    def test_picture_shows_walker_and_goal(self) -> None:
        env = grid.Grid()
        env.reset()
        env.step(np.array(RIGHT))
        picture = env.render()
        assert picture.shape == (160, 160, 3)
        assert picture.dtype == np.uint8
        center = {
            cell: tuple(picture[40 * (cell // 4) + 20, 40 * (cell % 4) + 20]) for cell in (0, 1, 15)
        }
        assert len(set(center.values())) == 3


class TestCartPole:
    def test_gyms_500_steps_are_truncation_and_falling_is_termination(self) -> None:
        # Pushing against the lean and the turn balances for ever.
        env = suite.load(Config(game="CartPole-v1"), 1, seed=1)
        time_step, steps = env.reset(), 0
        while not time_step.is_last()[0]:
            _, _, lean, turn = time_step.observation[0]
            time_step, steps = env.step(np.array([int(lean + turn > 0)])), steps + 1
        assert (steps, float(time_step.discount[0])) == (500, 1.0)
        assert env.pop_finished_games()[0][1:] == (500.0, 500, 500)
        env.step(np.array([0]))
        time_step = env.step(np.array([0]))
        while not time_step.is_last()[0]:
            time_step = env.step(np.array([0]))
        assert float(time_step.discount[0]) == 0.0

    def test_shorter_limit_of_ours_wins_and_longer_does_not(self) -> None:
        for ours, expected in ((100, 100), (1_000, 500)):
            config = Config(game="CartPole-v1", max_agent_steps_per_game=ours)
            assert games.max_agent_steps(config) == expected

    def test_seed_and_place_make_the_game(self) -> None:
        first = suite.load(Config(game="CartPole-v1"), 2, seed=1).reset().observation
        again = suite.load(Config(game="CartPole-v1"), 1, seed=1, first_slot=1).reset().observation
        other = suite.load(Config(game="CartPole-v1"), 1, seed=2).reset().observation
        np.testing.assert_array_equal(first[1], again[0])
        assert not np.array_equal(first[0], first[1])
        assert not np.array_equal(first[0], other[0])


class TestNames:
    @pytest.mark.parametrize(
        ("game", "frames"), [("Breakout", 4), ("grid", 1), ("CartPole-v1", 1), ("Acrobot-v1", 1)]
    )
    def test_kind_is_told_by_name(self, game: str, frames: int) -> None:
        assert is_atari(game) == (frames == 4)
        assert frames_per_agent_step(game) == frames
        games.check(game)

    @pytest.mark.parametrize(
        ("game", "error"),
        [
            ("CartPole-v7", "gym has no game called 'CartPole-v7'; the nearest names are CartPole"),
            (
                "BreakoutNoFrameskip-v4",
                "there is no game called 'BreakoutNoFrameskip-v4'; the near",
            ),
            (
                "LunarLander-v2",
                "LunarLander-v2 needs the package box2d, which is not installed; pip install",
            ),
            ("FrozenLake-v1", "FrozenLake-v1 shows Discrete(16); only flat observations of floats"),
            ("Pendulum-v1", "Pendulum-v1 takes actions Box("),
        ],
    )
    def test_what_cannot_be_played_is_said_in_a_sentence(self, game: str, error: str) -> None:
        with pytest.raises(UserError) as caught:
            preflight.check(Config(game=game))
        assert str(caught.value).startswith(error)
        assert "\n" not in str(caught.value)

    def test_what_the_table_says_of_our_own_games_is_so(self) -> None:
        for name, game in OWN_GAMES.items():
            env = suite.load(Config(game=name), 1, seed=1)
            assert env.reset().observation.shape == (1, game.observation_size)
            assert game.steps_per_sec > 0


class TestSettings:
    def test_what_is_for_atari_is_refused_if_asked_for_and_else_not_read(self) -> None:
        config = Config(game="grid", sticky_action_probability=0.25)
        preflight.check(config)
        with pytest.raises(UserError, match="--sticky_action_probability is for Atari games only"):
            preflight.check(config, ["sticky_action_probability"])
        preflight.check(Config(sticky_action_probability=0.25), ["sticky_action_probability"])

    @pytest.mark.parametrize("wanted", ["bfloat16", "float16"])
    def test_precision(self, wanted: str) -> None:
        assert precision.decide(Config(game="CartPole-v1")) == "float32"
        preflight.check(Config(game="CartPole-v1", precision="float32"))
        with pytest.raises(UserError, match=f"always float32, not {wanted}; leave --precision out"):
            preflight.check(Config(game="CartPole-v1", precision=wanted))

    def test_replay_of_a_large_game_fits_if_its_observations_are_small(self) -> None:
        assert games.frame_bytes("CartPole-v1") == 4 * 4
        assert games.frame_bytes("grid") == 16 * 4
        assert games.frame_bytes("Pong") == 84 * 84
        preflight.check(Config(game="CartPole-v1", replay_capacity=2_000_000))


class TestWatch:
    @pytest.mark.parametrize(("game", "pictures_per_step"), [("grid", 15), ("CartPole-v1", 0.6)])
    def test_film_has_the_games_own_speed(self, game: str, pictures_per_step: float) -> None:
        config = Config(game=game)
        played = play_games(config, None, games=12, epsilon=1.0, seed=1)[-1]
        assert played.slot == 1
        assert played.first_step > 0  # the second game of its slot
        film = film_game(config, played, seed=1)
        assert len(film) == pytest.approx((played.agent_steps + 1) * pictures_per_step, abs=2)
        with pytest.raises(FilmError, match="but played again it had"):
            film_game(config, played._replace(score=99.0), seed=1)

    def test_protocol_speaks_of_agent_steps_only(self) -> None:
        config = Config(game="CartPole-v1")
        report = Report.of_games(
            config, play_games(config, None, games=2, epsilon=1.0, seed=3), epsilon=1.0, seed=3
        )
        assert report.protocol == "2 whole games, epsilon 1, limit 500 agent steps, seed 3"
        assert report.frames == report.lengths
        assert "s of play" not in report.to_table()
