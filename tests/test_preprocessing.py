"""Starts, lost lives, the clock and the report, on scripted games under both pipelines.

The picture of frame n is n, and the tape shows each frame's action: see scripted_game.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from scripted_game import (
    FIRE,
    GAME_OVER,
    LEFT,
    LIFE_LOST,
    NOOP,
    PIPELINES,
    RIGHT,
    Event,
    GymGame,
    Script,
    ScriptedGame,
    load,
)
from tf_agents.trajectories.time_step import StepType

from configs import Config
from envs.ale import action_meanings
from envs.finished_game import FinishedGame
from envs.preprocessing import AutoStartPreprocessing, NoopStart
from envs.starts import NoopDraws, Starts, emulator_seed, starts
from envs.suite import SideBySide
from envs.vector import VectorAtari

FIRST, MID, LAST = int(StepType.FIRST), int(StepType.MID), int(StepType.LAST)

_FIRE_STARTS = Starts(life=(FIRE,), noop_max_frames=0)
_SKIP_STARTS = Starts(life=(NOOP, NOOP, NOOP), noop_max_frames=0)
_NO_STARTS = Starts(life=(), noop_max_frames=0)

Row = tuple[int, float, float, list[int]]
"""Step type, reward, discount, the numbers of the four stacked frames."""

both_pipelines = pytest.mark.parametrize("pipeline", PIPELINES)
both_rules = pytest.mark.parametrize("life_loss_terminal", [True, False], ids=["life", "game"])


def _rows(env: SideBySide | VectorAtari, actions: Sequence[int]) -> list[Row]:
    """Reset `env`, of one game, play `actions`, and return all time steps."""
    time_steps = [env.reset()] + [env.step(np.array([action])) for action in actions]
    for time_step in time_steps:  # every pixel shows the frame's number
        assert (time_step.observation == time_step.observation[:, :1, :1]).all()
    return [
        (
            int(time_step.step_type[0]),
            float(time_step.reward[0]),
            float(time_step.discount[0]),
            time_step.observation[0, 0, 0].tolist(),
        )
        for time_step in time_steps
    ]


def _play(
    pipeline: str,
    scripts: Sequence[Script],
    actions: Sequence[int],
    starts: Starts = _FIRE_STARTS,
    *,
    life_loss_terminal: bool,
    max_agent_steps: int = 1_000,
) -> tuple[list[Row], list[FinishedGame], str]:
    """Return the time steps, the reports and the tape."""
    game = ScriptedGame(scripts)
    env = load(
        pipeline,
        [game],
        starts,
        life_loss_terminal=life_loss_terminal,
        max_agent_steps=max_agent_steps,
    )
    return _rows(env, actions), env.pop_finished_games(), game.tape


def _tape(text: str) -> str:
    return text.replace(" ", "")


class TestWhichStart:
    """`starts` chooses by the meanings of actions."""

    @pytest.mark.parametrize(
        ("meanings", "life"),
        [
            (["NOOP", "FIRE", "RIGHT", "LEFT"], (1,)),
            (["FIRE", "RIGHT", "LEFT"], (0,)),
            (["NOOP", "UP", "RIGHTFIRE", "FIRE"], (3,)),
            (["NOOP", "UP", "UPFIRE"], ()),
        ],
    )
    def test_fire_is_looked_up_by_meaning(self, meanings: list[str], life: tuple[int, ...]) -> None:
        assert starts(Config(), meanings).life == life
        assert starts(Config(life_start="fire"), meanings).life == life

    @pytest.mark.parametrize(
        ("game", "life"),
        [
            ("Breakout", (1,)),
            ("Backgammon", (0,)),
            ("MsPacman", ()),
            ("SpaceInvaders", (0,) * 40),
        ],
    )
    def test_real_games(self, game: str, life: tuple[int, ...]) -> None:
        assert starts(Config(game=game), action_meanings(game)) == Starts(life, 30)

    @pytest.mark.parametrize(
        ("way", "life"), [("auto", (0,) * 40), ("skip", (0,) * 40), ("fire", (1,)), ("none", ())]
    )
    def test_ways_of_space_invaders(self, way: str, life: tuple[int, ...]) -> None:
        config = Config(game="SpaceInvaders", life_start=way)
        assert starts(config, ["NOOP", "FIRE", "RIGHT", "LEFT"]).life == life

    def test_skip_plays_as_many_noops_as_it_is_told(self) -> None:
        config = Config(life_start="skip", skip_start_agent_steps=7)
        assert starts(config, ["FIRE", "NOOP"]).life == (1,) * 7

    def test_skip_without_a_noop_plays_nothing(self) -> None:
        assert starts(Config(life_start="skip"), ["FIRE", "RIGHT", "LEFT"]).life == ()


class _Draws(NoopDraws):
    """Draws that are known."""

    def __init__(self, *frames: int) -> None:
        self._frames = list(frames)

    def draw(self) -> int:
        return self._frames.pop(0)


class TestNoopStarts:
    """A game begins with 0 to `noop_max_frames` frames of NOOP."""

    def test_all_numbers_from_0_to_the_maximum_are_drawn(self) -> None:
        draws = NoopDraws(seed=1, max_frames=30)
        assert {draws.draw() for _ in range(1_000)} == set(range(31))

    def test_maximum_0_is_none(self) -> None:
        draws = NoopDraws(seed=1, max_frames=0)
        assert [draws.draw() for _ in range(20)] == [0] * 20

    def test_words_are_those_of_std_mt19937(self) -> None:
        # With 2**32 numbers to choose from, a draw is the whole word. The C++ standard
        # (rand.predef) says what the 10,000th word of a default-seeded generator is.
        draws = NoopDraws(seed=5489, max_frames=2**32 - 1)
        assert [draws.draw() for _ in range(10_000)][-1] == 4_123_659_995

    def test_a_seed_and_a_slot_make_a_game(self) -> None:
        seeds = [emulator_seed(seed, slot) for seed in range(10) for slot in range(10)]
        assert seeds == [emulator_seed(seed, slot) for seed in range(10) for slot in range(10)]
        assert len(set(seeds)) == 100
        assert all(0 <= seed < 2**31 for seed in seeds)

    def test_each_game_begins_with_its_own_noops_and_no_life_does(self) -> None:
        game = ScriptedGame([{9: LIFE_LOST, 20: GAME_OVER}, {}])
        env = AutoStartPreprocessing(
            NoopStart(GymGame(game), _Draws(3, 0, 2)), _FIRE_STARTS, True, slot=0
        )
        assert env.reset()[0, 0, 0] == 7
        assert env.step(RIGHT)[2]  # a life is lost
        env.reset()
        assert env.step(LEFT)[0][0, 0, 0] == 19
        assert env.step(LEFT)[2]  # game over
        assert env.reset()[0, 0, 0] == 4
        env.leave_game()
        assert env.reset()[0, 0, 0] == 6
        assert game.tape == _tape("|... FFFF RRRR FFFF LLLL L |FFFF |.. FFFF")
        assert env.finished_games == [FinishedGame(slot=0, score=0.0, agent_steps=3, frames=20)]


@both_pipelines
class TestFireStart:
    """The FIRE step is kept: its newest frame, its reward, its game over."""

    @both_rules
    def test_a_game_begins_with_fire(self, pipeline: str, life_loss_terminal: bool) -> None:
        rows, reports, tape = _play(
            pipeline, [{}], [RIGHT, LEFT], life_loss_terminal=life_loss_terminal
        )
        assert tape == _tape("|FFFF RRRR LLLL")
        assert rows == [
            (FIRST, 0.0, 1.0, [4, 4, 4, 4]),
            (MID, 0.0, 1.0, [4, 4, 4, 8]),
            (MID, 0.0, 1.0, [4, 4, 8, 12]),
        ]
        assert reports == []

    # The life is lost in the middle of the first step, whose skip is played to its end.
    # Rewards: 1 before it, 2 after it, 4 in FIRE; then 8, and game over with 16.
    _script: Mapping[int, Event] = {
        5: Event(reward=1.0),
        6: LIFE_LOST,
        8: Event(reward=2.0),
        11: Event(reward=4.0),
        13: Event(reward=8.0),
        18: Event(reward=16.0, game_over=True),
    }

    def test_a_lost_life_in_the_middle_of_an_episode(self, pipeline: str) -> None:
        rows, reports, tape = _play(
            pipeline, [self._script, {}], [RIGHT, LEFT, RIGHT, LEFT], life_loss_terminal=False
        )
        assert tape == _tape("|FFFF RRRR FFFF LLLL RR |FFFF")
        assert rows[:3] == [
            (FIRST, 0.0, 1.0, [4, 4, 4, 4]),
            (MID, 7.0, 1.0, [4, 4, 4, 12]),
            (MID, 8.0, 1.0, [4, 4, 12, 16]),
        ]
        assert rows[3][:3] == (LAST, 16.0, 0.0)
        assert rows[3][3][:3] == [4, 12, 16]
        assert rows[4] == (FIRST, 0.0, 1.0, [4, 4, 4, 4])
        assert reports == [FinishedGame(slot=0, score=31.0, agent_steps=3, frames=18)]

    def test_a_lost_life_ends_the_episode(self, pipeline: str) -> None:
        # The action after a LAST is nobody's.
        actions = [RIGHT, RIGHT, LEFT, RIGHT, RIGHT]
        rows, reports, tape = _play(pipeline, [self._script, {}], actions, life_loss_terminal=True)
        assert tape == _tape("|FFFF RRRR FFFF LLLL RR |FFFF")
        assert rows[:4] == [
            (FIRST, 0.0, 1.0, [4, 4, 4, 4]),
            (LAST, 3.0, 0.0, [4, 4, 4, 8]),
            (FIRST, 0.0, 1.0, [12, 12, 12, 12]),
            (MID, 8.0, 1.0, [12, 12, 12, 16]),
        ]
        assert rows[4][:3] == (LAST, 16.0, 0.0)
        assert rows[4][3][:3] == [12, 12, 16]
        assert rows[5] == (FIRST, 0.0, 1.0, [4, 4, 4, 4])
        # FIRE's reward is no step's, but it is in the score.
        assert reports == [FinishedGame(slot=0, score=31.0, agent_steps=3, frames=18)]

    def test_a_life_lost_in_the_last_frame_of_a_skip(self, pipeline: str) -> None:
        rows, _, tape = _play(pipeline, [{8: LIFE_LOST}], [RIGHT] * 3, life_loss_terminal=True)
        assert tape == _tape("|FFFF RRRR FFFF RRRR")
        assert [row[0] for row in rows] == [FIRST, LAST, FIRST, MID]

    @both_rules
    def test_rewards_while_a_game_begins_are_in_its_score(
        self, pipeline: str, life_loss_terminal: bool
    ) -> None:
        script = {3: Event(reward=-5.0), 8: GAME_OVER}
        rows, reports, _ = _play(pipeline, [script], [RIGHT], life_loss_terminal=life_loss_terminal)
        assert rows[0] == (FIRST, 0.0, 1.0, [4, 4, 4, 4])
        assert reports == [FinishedGame(slot=0, score=-5.0, agent_steps=1, frames=8)]

    def test_game_over_while_a_life_begins_in_the_middle_of_an_episode(self, pipeline: str) -> None:
        script = {6: LIFE_LOST, 10: Event(reward=9.0, game_over=True)}
        rows, reports, tape = _play(
            pipeline, [script, {}], [RIGHT, LEFT, RIGHT], life_loss_terminal=False
        )
        assert tape == _tape("|FFFF RRRR FF |FFFF RRRR")
        assert [row[:3] for row in rows] == [
            (FIRST, 0.0, 1.0),
            (LAST, 9.0, 0.0),
            (FIRST, 0.0, 1.0),
            (MID, 0.0, 1.0),
        ]
        assert rows[2][3] == [4, 4, 4, 4]
        assert reports == [FinishedGame(slot=0, score=9.0, agent_steps=1, frames=10)]

    def test_game_over_while_a_life_begins_between_two_episodes(self, pipeline: str) -> None:
        script = {6: LIFE_LOST, 10: Event(reward=9.0, game_over=True)}
        rows, reports, tape = _play(
            pipeline, [script, {}], [RIGHT, LEFT, RIGHT], life_loss_terminal=True
        )
        assert tape == _tape("|FFFF RRRR FF |FFFF RRRR")
        assert rows == [
            (FIRST, 0.0, 1.0, [4, 4, 4, 4]),
            (LAST, 0.0, 0.0, [4, 4, 4, 8]),
            (FIRST, 0.0, 1.0, [4, 4, 4, 4]),
            (MID, 0.0, 1.0, [4, 4, 4, 8]),
        ]
        assert reports == [FinishedGame(slot=0, score=9.0, agent_steps=1, frames=10)]

    @both_rules
    def test_game_over_while_a_game_begins_is_no_game(
        self, pipeline: str, life_loss_terminal: bool
    ) -> None:
        scripts: list[Script] = [{2: Event(1.0, game_over=True)}, {4: GAME_OVER}, {12: GAME_OVER}]
        rows, reports, tape = _play(
            pipeline, scripts, [RIGHT, LEFT], life_loss_terminal=life_loss_terminal
        )
        assert tape == _tape("|FF |FFFF |FFFF RRRR LLLL")
        assert [row[0] for row in rows] == [FIRST, MID, LAST]
        assert reports == [FinishedGame(slot=0, score=0.0, agent_steps=2, frames=12)]


@both_pipelines
class TestSkipStart:
    """NOOPs are played while the cannon blinks, at the start and after each lost life."""

    @both_rules
    def test_space_invaders_skips_40(self, pipeline: str, life_loss_terminal: bool) -> None:
        config = Config(game="SpaceInvaders", noop_start_max_frames=0)
        skip = starts(config, ["NOOP", "FIRE", "RIGHT", "LEFT"])
        rows, _, tape = _play(
            pipeline, [{162: LIFE_LOST}], [RIGHT, LEFT], skip, life_loss_terminal=life_loss_terminal
        )
        noops = "." * 160
        if life_loss_terminal:
            assert tape == f"|{noops}RRRR{noops}"
            assert [row[0] for row in rows] == [FIRST, LAST, FIRST]
            assert rows[2][3] == [(324) % 256] * 4
        else:
            assert tape == f"|{noops}RRRR{noops}LLLL"
            assert [row[0] for row in rows] == [FIRST, MID, MID]
            assert rows[2][3] == [160, 160, 324 % 256, 328 % 256]

    def test_a_life_lost_while_a_game_begins_repeats_the_skip(self, pipeline: str) -> None:
        rows, _, tape = _play(
            pipeline, [{7: LIFE_LOST}], [RIGHT], _SKIP_STARTS, life_loss_terminal=True
        )
        assert tape == _tape("|.... .... .... .... .... RRRR")
        assert rows == [(FIRST, 0.0, 1.0, [20] * 4), (MID, 0.0, 1.0, [20, 20, 20, 24])]

    def test_a_life_lost_while_a_life_begins_repeats_the_skip(self, pipeline: str) -> None:
        # The first life is lost in step 1 (13 to 16), the next in its second NOOP (21 to 24).
        script = {14: LIFE_LOST, 18: Event(reward=1.0), 22: LIFE_LOST, 30: Event(reward=2.0)}
        rows, _, tape = _play(
            pipeline, [script], [RIGHT, LEFT], _SKIP_STARTS, life_loss_terminal=False
        )
        assert tape == _tape("|.... .... .... RRRR .... .... .... .... .... LLLL")
        assert rows[1] == (MID, 3.0, 1.0, [12, 12, 12, 36])
        assert rows[2] == (MID, 0.0, 1.0, [12, 12, 36, 40])


@both_pipelines
class TestClock:
    """A game is cut off at `max_agent_steps`: LAST with discount 1, reported once."""

    @both_rules
    def test_time_limit_is_no_death(self, pipeline: str, life_loss_terminal: bool) -> None:
        script = {5: Event(reward=1.0), 16: Event(reward=2.0), 17: Event(reward=100.0)}
        rows, reports, tape = _play(
            pipeline,
            [script, {}],
            [RIGHT, RIGHT, RIGHT, LEFT, LEFT],
            life_loss_terminal=life_loss_terminal,
            max_agent_steps=3,
        )
        assert tape == _tape("|FFFF RRRR RRRR RRRR |FFFF LLLL")
        assert rows == [
            (FIRST, 0.0, 1.0, [4, 4, 4, 4]),
            (MID, 1.0, 1.0, [4, 4, 4, 8]),
            (MID, 0.0, 1.0, [4, 4, 8, 12]),
            (LAST, 2.0, 1.0, [4, 8, 12, 16]),
            (FIRST, 0.0, 1.0, [4, 4, 4, 4]),
            (MID, 0.0, 1.0, [4, 4, 4, 8]),
        ]
        assert reports == [FinishedGame(slot=0, score=3.0, agent_steps=3, frames=16)]

    def test_the_limit_is_of_the_game_and_not_of_the_life(self, pipeline: str) -> None:
        script = {10: LIFE_LOST}  # in step 2, of 3
        rows, reports, tape = _play(
            pipeline, [script], [RIGHT] * 5, life_loss_terminal=True, max_agent_steps=3
        )
        assert tape == _tape("|FFFF RRRR RRRR FFFF RRRR |FFFF")
        assert [row[0] for row in rows] == [FIRST, MID, LAST, FIRST, LAST, FIRST]
        assert [row[2] for row in rows] == [1.0, 1.0, 0.0, 1.0, 1.0, 1.0]
        assert reports == [FinishedGame(slot=0, score=0.0, agent_steps=3, frames=20)]

    def test_each_game_has_its_own_time(self, pipeline: str) -> None:
        rows, reports, tape = _play(
            pipeline, [{}], [RIGHT] * 8, life_loss_terminal=True, max_agent_steps=2
        )
        assert tape == _tape("|FFFF RRRR RRRR |FFFF RRRR RRRR |FFFF RRRR RRRR")
        assert [row[0] for row in rows] == [FIRST, MID, LAST] * 3
        assert reports == [FinishedGame(slot=0, score=0.0, agent_steps=2, frames=12)] * 3

    @both_rules
    def test_a_limit_of_one_step(self, pipeline: str, life_loss_terminal: bool) -> None:
        rows, reports, _ = _play(
            pipeline,
            [{}],
            [RIGHT] * 3,
            _NO_STARTS,
            life_loss_terminal=life_loss_terminal,
            max_agent_steps=1,
        )
        assert [row[0] for row in rows] == [FIRST, LAST, FIRST, LAST]
        assert reports == [FinishedGame(slot=0, score=0.0, agent_steps=1, frames=4)] * 2

    @both_rules
    def test_game_over_as_time_is_up_is_reported_once(
        self, pipeline: str, life_loss_terminal: bool
    ) -> None:
        rows, reports, tape = _play(
            pipeline,
            [{11: Event(reward=1.0, game_over=True)}, {}],
            [RIGHT] * 3,
            life_loss_terminal=life_loss_terminal,
            max_agent_steps=2,
        )
        assert tape == _tape("|FFFF RRRR RRR |FFFF")
        assert [row[:3] for row in rows] == [
            (FIRST, 0.0, 1.0),
            (MID, 0.0, 1.0),
            (LAST, 1.0, 0.0),
            (FIRST, 0.0, 1.0),
        ]
        assert reports == [FinishedGame(slot=0, score=1.0, agent_steps=2, frames=11)]

    def test_a_life_lost_as_time_is_up_is_a_death_and_ends_the_game(self, pipeline: str) -> None:
        rows, reports, tape = _play(
            pipeline,
            [{11: LIFE_LOST}, {}],
            [RIGHT] * 3,
            life_loss_terminal=True,
            max_agent_steps=2,
        )
        assert tape == _tape("|FFFF RRRR RRRR |FFFF")
        assert [row[:3] for row in rows[2:]] == [(LAST, 0.0, 0.0), (FIRST, 0.0, 1.0)]
        assert reports == [FinishedGame(slot=0, score=0.0, agent_steps=2, frames=12)]

    def test_a_life_lost_as_time_is_up_is_no_death_without_the_rule(self, pipeline: str) -> None:
        rows, reports, tape = _play(
            pipeline,
            [{11: LIFE_LOST}, {}],
            [RIGHT] * 3,
            life_loss_terminal=False,
            max_agent_steps=2,
        )
        assert tape == _tape("|FFFF RRRR RRRR FFFF |FFFF")
        assert [row[:3] for row in rows[2:]] == [(LAST, 0.0, 1.0), (FIRST, 0.0, 1.0)]
        assert reports == [FinishedGame(slot=0, score=0.0, agent_steps=2, frames=16)]


@both_pipelines
class TestReports:
    """Games are reported by their slots, and once."""

    def test_games_side_by_side_have_their_own_lives_clocks_and_scores(self, pipeline: str) -> None:
        games = [
            ScriptedGame([{6: LIFE_LOST}]),
            ScriptedGame([{7: Event(reward=1.0, game_over=True)}, {}]),
            ScriptedGame([{}]),
        ]
        env = load(pipeline, games, _FIRE_STARTS, life_loss_terminal=True, max_agent_steps=3)
        assert env.batch_size == 3
        env.reset()
        step_types, reports = [], []
        for _ in range(3):
            time_step = env.step(np.array([RIGHT, LEFT, NOOP]))
            step_types.append(time_step.step_type.tolist())
            reports.append(env.pop_finished_games())
        assert step_types == [[LAST, LAST, MID], [FIRST, FIRST, MID], [MID, MID, LAST]]
        assert reports == [
            [FinishedGame(slot=1, score=1.0, agent_steps=1, frames=7)],
            [],
            [FinishedGame(slot=2, score=0.0, agent_steps=3, frames=16)],
        ]
        assert [game.tape for game in games] == [
            _tape("|FFFF RRRR FFFF RRRR"),
            _tape("|FFFF LLL |FFFF LLLL"),
            _tape("|FFFF .... .... ...."),
        ]

    @both_rules
    def test_reset_leaves_the_game_unreported(
        self, pipeline: str, life_loss_terminal: bool
    ) -> None:
        game = ScriptedGame([{5: Event(reward=50.0)}, {12: Event(reward=1.0, game_over=True)}])
        env = load(pipeline, [game], _FIRE_STARTS, life_loss_terminal=life_loss_terminal)
        _rows(env, [RIGHT] * 2)
        rows = _rows(env, [LEFT] * 2)
        assert game.tape == _tape("|FFFF RRRR RRRR |FFFF LLLL LLLL")
        assert rows[0] == (FIRST, 0.0, 1.0, [4, 4, 4, 4])
        assert env.pop_finished_games() == [
            FinishedGame(slot=0, score=1.0, agent_steps=2, frames=12)
        ]

    def test_reset_after_a_lost_life_leaves_the_game(self, pipeline: str) -> None:
        game = ScriptedGame([{6: LIFE_LOST}, {}])
        env = load(pipeline, [game], _FIRE_STARTS, life_loss_terminal=True)
        assert _rows(env, [RIGHT])[-1][0] == LAST
        assert _rows(env, [LEFT])[0][3] == [4, 4, 4, 4]
        assert game.tape == _tape("|FFFF RRRR |FFFF LLLL")
        assert env.pop_finished_games() == []

    def test_the_first_step_may_come_without_reset(self, pipeline: str) -> None:
        game = ScriptedGame([{}])
        env = load(pipeline, [game], _FIRE_STARTS, life_loss_terminal=True)
        assert env.step(np.array([RIGHT])).step_type.tolist() == [FIRST]
        assert env.step(np.array([RIGHT])).step_type.tolist() == [MID]
        assert game.tape == _tape("|FFFF RRRR")
