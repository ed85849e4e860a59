"""The race for scores: its clock and arithmetic by hand, and the learners for some real seconds."""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from module_program import finished
from PIL import Image

from benchmarks import learned, learning, learning_chart, sb3_learner
from benchmarks.learned import Clock, Learned, ScoreCurve
from benchmarks.race import Contender, run
from console.errors import UserError

ROOT = Path(__file__).parent.parent
SLOW = Learned("slow", "1 game", 10.0, 5_000, 100, [(1.0, 1.0), (10.0, 2.0)], [1.0, 3.0])
FAST = Learned(
    "this project", "8 games", 10.1, 70_000, 9_000, [(1.0, 4.0), (10.0, 24.0)], [20.0, 30.0]
)


class FakeTime:
    """Seconds since the start of this process, set by hand."""

    def __init__(self) -> None:
        self.start = psutil.Process().create_time()
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.start + self.seconds


def test_the_clock_counts_from_the_start_of_the_process() -> None:
    now = FakeTime()
    clock = Clock(2.0, now)
    now.seconds = 90.0
    assert clock.minutes == pytest.approx(1.5)
    assert not clock.is_over
    now.seconds = 120.0
    assert clock.is_over


def test_a_curve_is_the_mean_of_the_last_games() -> None:
    now = FakeTime()
    curve = ScoreCurve(Clock(10.0, now), period_minutes=1.0)
    for seconds, score in [(30.0, 2.0), (60.0, 4.0), (90.0, 6.0), (100.0, 50.0)]:
        now.seconds = seconds
        curve.add(score)
    assert curve.points == [(0.5, 2.0), (1.5, 4.0)]  # of 2, and of 2, 4, 6
    now.seconds = 200.0
    for _ in range(30):
        curve.add(1.0)
    now.seconds = 300.0
    curve.add(31.0)
    assert curve.points[-1] == (5.0, 2.0)  # of 29 games of 1 and one of 31
    now.seconds = 310.0
    curve.add(31.0)
    now.seconds = 315.0
    curve.end()
    assert curve.points[-1] == (5.25, 3.0)


def test_a_learner_survives_its_line() -> None:
    assert Learned.from_values(json.loads(FAST.to_json())) == FAST


def test_the_table_has_a_column_for_each() -> None:
    table = learning.table_lines([SLOW, FAST])
    rows = {line[:36].strip(): line[36:].split() for line in table}
    assert rows["agent steps"] == ["5,000", "70,000"]
    assert rows["minutes of training"] == ["10.0", "10.1"]
    assert rows["training score, last 30 games"] == ["2.0", "24.0"]
    assert rows["score of whole games afterwards"] == ["2.0", "25.0"]
    # Two games: the bootstrap's interval goes from the lesser to the greater.
    assert rows["95 % interval, over these games"] == ["1.0", "to", "3.0", "20.0", "to", "30.0"]
    assert rows["least to greatest"] == ["1", "to", "3", "20", "to", "30"]


class FakeGames:
    """Slot 0 ends a game of score 1 at each step, slot 1 one of score 9 at each third."""

    num_envs = 2
    action_space = types.SimpleNamespace(n=4)

    def __init__(self) -> None:
        self.steps = 0
        self.tape: list[list[int]] = []

    def reset(self) -> np.ndarray:
        return np.zeros([2, 1])

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, None, None, list[dict[str, Any]]]:
        self.tape.append(actions.tolist())
        self.steps += 1
        slow: dict[str, Any] = {"episode": {"r": 9.0}} if self.steps % 3 == 0 else {}
        return np.zeros([2, 1]), None, None, [{"episode": {"r": 1.0}}, slow]


class FakeModel:
    def predict(self, observation: np.ndarray, *, deterministic: bool) -> tuple[np.ndarray, None]:
        assert deterministic
        return np.full(len(observation), 3), None


def test_a_fast_slot_of_a_peer_plays_its_share_and_no_more() -> None:
    env = FakeGames()
    scores = sb3_learner.play(env, FakeModel(), 5, np.random.default_rng(1))
    assert sorted(scores) == [1.0, 1.0, 1.0, 9.0, 9.0]
    assert env.steps == 6
    assert env.tape == [[3, 3]] * 6  # the chance of another is 1 in 1,000


@pytest.mark.parametrize("words", ["--game=Pong", "--nodueling --seed 3", "-logdir=x", "--resume"])
def test_what_the_race_decides_is_refused(words: str) -> None:
    learning.check_train_flags("--preset=rainbow --nolayer_norm")
    with pytest.raises(UserError, match="which the race decides"):
        learning.check_train_flags(words)


def test_a_picture_has_a_line_for_each(tmp_path: Path) -> None:
    file, picture = tmp_path / "learning.json", tmp_path / "scores.png"
    file.write_text(json.dumps(learning.summary({}, [SLOW, FAST])))
    learning_chart.draw(learning_chart.read(file), picture)
    with Image.open(picture) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    heights = []
    for color in ((0x1F, 0x6F, 0xEB), (0x9A, 0xA4, 0xAF)):
        is_color = (pixels == color).all(axis=-1)
        heights.append(np.argwhere(is_color[:, -400:])[:, 0].max())  # rows count from above
        assert is_color.sum() > 500
    assert heights[0] < heights[1]


@pytest.mark.parametrize(
    "text", ["{}", "no JSON", '{"learners": []}', '{"learners": [{"name": "one"}]}']
)
def test_a_file_without_a_race_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "learning.json"
    file.write_text(text)
    with pytest.raises(UserError, match="holds no race for scores"):
        learning_chart.read(file)


@pytest.mark.parametrize(
    ("contender", "at_random", "each_update", "updates"),
    [
        (Contender("benchmarks.stock_learner"), learned.RANDOM_AGENT_STEPS, 4, 0),
        (Contender("benchmarks.project_learner", ("--train_flags=--preset=grid",)), 4_000, 8, 500),
    ],
)
def test_a_learner_learns_until_its_time_is_over_and_plays(
    contender: Contender, at_random: int, each_update: int, updates: int
) -> None:
    """Agent steps: so many at random, so many for each update. Rows come at 500 updates."""
    one = Learned.from_values(run(contender, ["--minutes=0.01", "--games=2", "--seed=3"]))
    assert one.minutes >= 0.01
    assert one.train_steps >= updates
    more = one.agent_steps - at_random - each_update * one.train_steps
    assert 0 <= more < each_update  # all games step at once, and a step behind an end is none
    assert len(one.scores) == 2
    times = [minutes for minutes, _ in one.curve]
    assert times == sorted(times)
    assert all(0 < minutes <= one.minutes + 0.01 for minutes in times)


@pytest.mark.parametrize(
    ("module", "arguments", "sentence"),
    [
        ("learning", ["--minutes", "0.5"], "minutes"),
        ("learning", ["--train_flags", "--game=Pong"], "which the race decides"),
        ("learning", ["--json", "no/such/folder/x.json"], "its folder is not there"),
        ("project_learner", ["--train_flags", "--agent=x"], "train.py ended with status 2"),
        ("learning_chart", [], "no race was named"),
        ("learning_chart", ["--race", "no-such.json", "--out", "x.png"], "cannot be read"),
    ],
)
def test_mistakes_are_answered_in_a_line(module: str, arguments: list[str], sentence: str) -> None:
    status, _, said = finished(f"benchmarks.{module}", ROOT, *arguments)
    assert status == 2
    assert sentence in said
    assert len(said.splitlines()) == 1
