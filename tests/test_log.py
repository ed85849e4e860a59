"""What a run tells: CSV rows and TensorBoard's charts against the table of metrics, by hand."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)

from configs import Config
from envs.finished_game import FinishedGame
from training.event_files import EventFiles
from training.health import Health
from training.log import RunLog
from training.metrics import (
    CHARTED_METRICS,
    CHARTS,
    EVALUATION_METRICS,
    GAME_COLUMNS,
    PROGRESS_METRICS,
)
from training.progress import RECENT_GAMES, Progress
from training.run_folder import RunFolder
from training.time_spent import TimeSpent

_CONFIG = Config(iterations=3_600)
_EVALUATION = {
    "games": 3,
    "score_mean": 2.0,
    "score_median": 1.5,
    "score_std": 1 / 3,
    "score_least": 1.0,
    "score_greatest": 4.0,
    "length_mean_agent_steps": 210.5,
    "q_value_mean": 2.5,
    "return_mean": 2.25,
}


class _Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    """The clock of the log, which also finds half a gigabyte in use."""
    clock = _Clock()
    process = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=500_000_000))
    monkeypatch.setattr("training.log.time", clock)
    monkeypatch.setattr("training.log.psutil", SimpleNamespace(Process=lambda: process))
    return clock


def _losses(loss: float) -> dict[str, float]:
    return {"loss": loss, "td_error_abs": 2 * loss, "q_value": -loss}


def _state(replay_transitions: int, epsilon: float) -> dict[str, float]:
    return {
        "epsilon": epsilon,
        "learning_rate": 1e-3,
        "replay_transitions": replay_transitions,
    }


def _write(folder: RunFolder, clock: _Clock, then: Callable[[RunLog], None]) -> Progress:
    """Log two rows and an evaluation; `then` sees the log before it is closed."""
    progress, spent = Progress(), TimeSpent()
    log = RunLog(folder, _CONFIG, progress, spent)
    spent.add("acting", 50)  # in random play
    log.games([FinishedGame(slot=1, score=1.0, agent_steps=100, frames=420)])  # random play
    clock.now += 60
    log.begin_training(agent_steps=984)
    progress.iteration = 1
    log.iterations(1, _losses(1.0), agent_steps=988, epsilon=0.8)
    progress.iteration = 4
    log.games([FinishedGame(0, 5.0, 300, 1_260), FinishedGame(2, 0.0, 50, 204)])
    log.iterations(3, _losses(5.0), agent_steps=1_000, epsilon=0.5)
    clock.now += 2
    spent.add("training", 1.5)
    log.row(1_000, _state(1_012, epsilon=0.5))
    log.evaluation(_EVALUATION)
    progress.iteration = 6
    clock.now += 4
    spent.add("training", 1.0)
    spent.add("evaluating", 3.0)
    log.iterations(2, _losses(0.25), agent_steps=1_040, epsilon=0.25)
    log.row(1_040, _state(1_052, epsilon=0.25))
    then(log)
    log.close()
    return progress


_ROWS: list[dict[str, float]] = [
    {
        "iteration": 4,
        "minutes": 62 / 60,  # one of random play
        "agent_steps": 1_000,
        "frames": 4_000,
        "games_finished": 3,
        "score_mean_30_games": 2.0,  # (1 + 5 + 0) / 3
        "score_greatest_30_games": 5.0,
        "length_mean_30_games_agent_steps": 150.0,  # (100 + 300 + 50) / 3
        "epsilon": 0.5,
        "learning_rate": 1e-3,
        "loss": 4.0,  # (1 * 1 + 3 * 5) / 4
        "td_error_abs": 8.0,
        "q_value": -4.0,
        "replay_transitions": 1_012,
        "resident_gb": 0.5,
        "iterations_per_sec": 2.0,  # 4 in 2 s, random play aside
        "frames_per_sec": 32.0,  # 16 agent steps of 4 frames in 2 s
        "acting_percent": 0.0,
        "emulating_percent": 0.0,
        "sampling_percent": 0.0,
        "training_percent": 75.0,  # 1.5 s of 2
        "evaluating_percent": 0.0,
        "writing_percent": 0.0,
    },
    {
        "iteration": 6,
        "minutes": 66 / 60,
        "agent_steps": 1_040,
        "frames": 4_160,
        "games_finished": 3,
        "score_mean_30_games": 2.0,
        "score_greatest_30_games": 5.0,
        "length_mean_30_games_agent_steps": 150.0,
        "epsilon": 0.25,
        "learning_rate": 1e-3,
        "loss": 0.25,
        "td_error_abs": 0.5,
        "q_value": -0.25,
        "replay_transitions": 1_052,
        "resident_gb": 0.5,
        "iterations_per_sec": 0.5,  # 2 in 4 s
        "frames_per_sec": 40.0,  # 40 agent steps of 4 frames in 4 s
        "acting_percent": 0.0,
        "emulating_percent": 0.0,
        "sampling_percent": 0.0,
        "training_percent": 25.0,
        "evaluating_percent": 75.0,
        "writing_percent": 0.0,
    },
]


def _read(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def _numbers(row: dict[str, str]) -> dict[str, float]:
    return {name: float(value) for name, value in row.items() if value}


def test_metrics_csv(tmp_path: Path, clock: _Clock) -> None:
    _write(RunFolder(tmp_path), clock, lambda _: None)
    rows = _read(tmp_path / "metrics.csv")
    assert list(rows[0]) == [metric.name for metric in PROGRESS_METRICS]
    assert [_numbers(row) for row in rows] == [pytest.approx(row, rel=1e-5) for row in _ROWS]


def test_evaluations_csv(tmp_path: Path, clock: _Clock) -> None:
    _write(RunFolder(tmp_path), clock, lambda _: None)
    text = (tmp_path / "evaluations.csv").read_text()
    assert text.splitlines() == [
        ",".join(metric.name for metric in EVALUATION_METRICS),
        "4,3,2.0,1.5,0.333333,1.0,4.0,210.5,2.5,2.25",
    ]


def test_games_csv(tmp_path: Path, clock: _Clock) -> None:
    _write(RunFolder(tmp_path), clock, lambda _: None)
    assert (tmp_path / "games.csv").read_text().splitlines() == [
        ",".join(GAME_COLUMNS),
        "1,0,1,1.0,100,420",
        "2,4,0,5.0,300,1260",
        "3,4,2,0.0,50,204",
    ]


def _charts(folder: Path) -> dict[str, dict[int, float]]:
    """Return what TensorBoard reads: the value at each step, by tag."""
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return {
        tag: {
            event.step: tf.make_ndarray(event.tensor_proto).item() for event in events.Tensors(tag)
        }
        for tag in events.Tags()["tensors"]
    }


def test_tensorboard_shows_every_metric_at_its_iteration(tmp_path: Path, clock: _Clock) -> None:
    _write(RunFolder(tmp_path), clock, lambda _: None)
    expected = {
        metric.tag: {int(row["iteration"]): row[metric.name] for row in _ROWS if metric.name in row}
        for metric in PROGRESS_METRICS
        if metric.tag
    }
    expected |= {
        metric.tag: {4: _EVALUATION[metric.name]} for metric in EVALUATION_METRICS if metric.tag
    }
    expected["evaluation/score_mean_best"] = {4: 2.0}
    charts = _charts(tmp_path / "tensorboard")
    assert charts == {tag: pytest.approx(values) for tag, values in expected.items()}


def test_the_charts_say_what_they_mean(tmp_path: Path, clock: _Clock) -> None:
    _write(RunFolder(tmp_path), clock, lambda _: None)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    for metric in (*PROGRESS_METRICS, *EVALUATION_METRICS, *CHARTED_METRICS):
        if metric.tag:
            assert events.SummaryMetadata(metric.tag).summary_description == metric.meaning


def test_each_metric_has_a_name_and_a_chart_of_its_own() -> None:
    for table in (PROGRESS_METRICS, EVALUATION_METRICS):
        names = [metric.name for metric in table]
        assert len(set(names)) == len(names)
        assert names[0] == "iteration"
        assert all(metric.meaning for metric in table)
    tags = [metric.tag for metric in (*PROGRESS_METRICS, *EVALUATION_METRICS) if metric.tag]
    assert len(tags) == len(PROGRESS_METRICS) + len(EVALUATION_METRICS) - 2  # the two x axes
    tags += [metric.tag for metric in CHARTED_METRICS] + [chart.tag for chart in CHARTS]
    assert len(set(tags)) == len(tags)


class _Looks:
    """What the log asks to be looked at."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.warnings: list[str] = []

    def begin(self, board: object) -> None:
        self.asked.append("begin")

    def evaluated(
        self, board: object, iteration: int, games: Sequence[str], *, is_best: bool
    ) -> list[str]:
        self.asked.append((iteration, *games, is_best))
        return self.warnings


def test_a_run_is_looked_at_when_it_begins_and_with_each_evaluation(
    tmp_path: Path, clock: _Clock
) -> None:
    folder, progress = RunFolder(tmp_path), Progress(iteration=2)
    looks = _Looks()
    games: Any = ["a game"]
    looked: dict[str, Any] = {"looks": looks}
    log = RunLog(folder, _CONFIG, progress, TimeSpent(), **looked)
    log.evaluation({**_EVALUATION, "score_mean": -1.0}, games)
    progress.iteration, progress.best_score = 4, -1.0
    sizes = log.sync()
    log.close()
    log = RunLog(folder, _CONFIG, progress, TimeSpent(), sizes, **looked)  # resumed: begun already
    for iteration, score in ((6, -2.0), (8, 0.0)):
        progress.iteration = iteration
        log.evaluation({**_EVALUATION, "score_mean": score}, games)
        progress.best_score = max(score, -1.0)
    log.close()
    assert looks.asked == [
        "begin",
        (2, "a game", True),
        (6, "a game", False),
        (8, "a game", True),
    ]
    assert _charts(tmp_path / "tensorboard")["evaluation/score_mean_best"] == {2: -1, 6: -1, 8: 0}


def test_the_last_evaluation_counts_as_work(tmp_path: Path, clock: _Clock) -> None:
    progress = _write(RunFolder(tmp_path), clock, lambda _: None)
    assert progress.seconds == 66  # 60 of random play, 2, 4

    def evaluate_last(log: RunLog) -> None:
        clock.now += 5
        log.evaluation(_EVALUATION)

    assert _write(RunFolder(tmp_path), clock, evaluate_last).seconds == 66 + 5


def test_what_the_looks_warn_of_is_said_and_kept(
    tmp_path: Path, clock: _Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = _Looks()
    looks.warnings = ["no film"]
    looked: dict[str, Any] = {"looks": looks}
    log = RunLog(RunFolder(tmp_path), _CONFIG, Progress(iteration=2), TimeSpent(), **looked)
    log.evaluation(_EVALUATION)
    log.close()
    assert capsys.readouterr().out == "warning: no film\n"
    assert _read(tmp_path / "warnings.csv") == [{"iteration": "2", "warning": "no film"}]


def test_nothing_is_known_before_the_first_game(tmp_path: Path, clock: _Clock) -> None:
    log = RunLog(RunFolder(tmp_path), _CONFIG, Progress(iteration=1), TimeSpent())
    log.iterations(1, _losses(1.0), agent_steps=10, epsilon=1.0)
    clock.now += 1
    log.row(10, _state(10, epsilon=1.0))
    log.close()
    row = _read(tmp_path / "metrics.csv")[0]
    empty = {name for name, value in row.items() if not value}
    assert empty == {
        "score_mean_30_games",
        "score_greatest_30_games",
        "length_mean_30_games_agent_steps",
    }


def test_a_resume_cuts_the_files_back_and_counts_on(tmp_path: Path, clock: _Clock) -> None:
    folder, progress = RunFolder(tmp_path), Progress()
    log = RunLog(folder, _CONFIG, progress, TimeSpent())
    log.begin_training(agent_steps=0)
    log.games([FinishedGame(0, 3.0, 100, 420)])
    progress.iteration = 2
    log.iterations(2, _losses(1.0), agent_steps=8, epsilon=1.0)
    clock.now += 3
    log.row(8, _state(8, epsilon=1.0))
    log.evaluation(_EVALUATION)
    progress.iteration = 3
    log.iterations(1, _losses(4.0), agent_steps=12, epsilon=1.0)
    sizes, state = log.sync(), progress.to_dict()  # a checkpoint between two rows
    before = {name: (tmp_path / name).read_bytes() for name in sizes}
    assert sorted(sizes)[:3] == ["evaluations.csv", "games.csv", "metrics.csv"]
    assert re.fullmatch(r"tensorboard/events\.out\.tfevents\.[^/]*", sorted(sizes)[3])
    beside = EventAccumulator(str(tmp_path / "tensorboard"), size_guidance={"tensors": 0})
    log.games([FinishedGame(0, 9.0, 900, 3_620)])  # all of this is lost with a kill
    progress.iteration = 4
    log.iterations(1, _losses(99.0), agent_steps=16, epsilon=1.0)
    log.evaluation(_EVALUATION)
    clock.now += 50
    log.row(16, _state(16, epsilon=1.0))
    beside.Reload()  # as a TensorBoard that is open meanwhile
    log.close()

    progress = Progress.from_dict(state)
    log = RunLog(folder, _CONFIG, progress, TimeSpent(), sizes)
    assert {name: (tmp_path / name).read_bytes() for name in sizes} == before
    clock.now += 7  # random play, had there been any
    log.begin_training(agent_steps=12)
    log.games([FinishedGame(1, 5.0, 300, 1_220)])
    progress.iteration = 4
    clock.now += 2
    log.iterations(1, _losses(2.0), agent_steps=16, epsilon=1.0)
    log.row(16, _state(16, epsilon=1.0))
    log.close()
    rows = [_numbers(row) for row in _read(tmp_path / "metrics.csv")]
    assert [row["iteration"] for row in rows] == [2, 4]
    assert rows[1]["minutes"] == pytest.approx((3 + 7 + 2) / 60, rel=1e-5)
    assert rows[1]["score_mean_30_games"] == 4.0  # (3 + 5) / 2
    assert rows[1]["loss"] == 3.0  # (4 + 2) / 2, of which one was before the kill
    assert rows[1]["iterations_per_sec"] == 0.5  # 1 in 2 s: this session's
    assert rows[1]["frames_per_sec"] == 8.0  # 4 agent steps of 4 frames in 2 s
    assert _read(tmp_path / "games.csv")[1]["game"] == "2"
    events = EventAccumulator(str(tmp_path / "tensorboard"), size_guidance={"tensors": 0}).Reload()
    # In the order of their names, which within one second and one process is not that of time.
    assert sorted(event.step for event in events.Tensors("learning/loss")) == [2, 4]  # none twice
    assert [event.step for event in events.Tensors("evaluation/score_mean")] == [2]
    beside.Reload()  # it goes on reading
    assert {event.step for event in beside.Tensors("learning/loss")} == {2, 4}


def test_points_stay_where_a_checkpoint_knows_of_no_event_files(
    tmp_path: Path, clock: _Clock
) -> None:
    _write(RunFolder(tmp_path), clock, lambda _: None)
    before = _charts(tmp_path / "tensorboard")
    EventFiles(tmp_path / "tensorboard").cut_back({"metrics.csv": 70})
    assert _charts(tmp_path / "tensorboard") == before
    (tmp_path / "tensorboard" / "events.out.tfevents.9.of-a-killed-session").touch()
    (path,) = (tmp_path / "tensorboard").glob("*.v2")
    kept = {f"tensorboard/{path.name}": path.stat().st_size}
    EventFiles(tmp_path / "tensorboard").cut_back(kept)
    assert list((tmp_path / "tensorboard").iterdir()) == [path]
    # The folder was deleted, as it may be; a session without a checkpoint has drawn some anew.
    EventFiles(tmp_path / "tensorboard").cut_back({"tensorboard/events.out.tfevents.1.gone": 9})
    assert list((tmp_path / "tensorboard").iterdir()) == []


def test_the_last_30_games_are_meant() -> None:
    progress = Progress()
    progress.add_games([FinishedGame(0, 1_000.0, 9_999, 1)])
    progress.add_games([FinishedGame(0, float(score), 10 * score, 1) for score in range(1, 31)])
    assert RECENT_GAMES == 30
    assert progress.games_finished == 31
    assert progress.recent() == {
        "score_mean_30_games": 15.5,  # (1 + ... + 30) / 30
        "score_greatest_30_games": 30.0,
        "length_mean_30_games_agent_steps": 155.0,
    }


def test_without_a_terminal_there_are_plain_lines(
    tmp_path: Path, clock: _Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(RunFolder(tmp_path), clock, lambda log: log.say("a sentence"))
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.splitlines() == [
        # 3,596 iterations left at 2 a second, then 3,594 at 0.5 a second
        "iteration 4 of 3,600  fps 32  score 2.0  epsilon 0.500  loss 4.0000  30 min left",
        "iteration 6 of 3,600  fps 40  score 2.0  epsilon 0.250  loss 0.2500  120 min left",
        "a sentence",
    ]


def test_in_a_terminal_there_is_a_bar(
    tmp_path: Path,
    clock: _Clock,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    _write(RunFolder(tmp_path), clock, lambda log: log.say("a sentence"))
    captured = capsys.readouterr()
    assert captured.out == "a sentence\n"
    assert "6/3600" in captured.err
    assert "fps=40, score=2.0, epsilon=0.250, loss=0.2500" in captured.err


def test_a_warning_is_said_behind_its_row(
    tmp_path: Path, clock: _Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    config = _CONFIG.replace(iterations=6)
    progress = Progress(iteration=6)
    health = Health(config, "it is hidden")
    log = RunLog(RunFolder(tmp_path), config, progress, TimeSpent(), health=health)
    log.games([FinishedGame(0, 5.0, 300, 1_260)])
    log.iterations(6, {**_losses(1.0), "q_value": 1.0}, agent_steps=24, epsilon=0.5)
    for _ in range(2):
        clock.now += 1
        log.row(24, _state(24, epsilon=0.5))
    log.close()
    said = [line for line in capsys.readouterr().out.splitlines() if "warning" in line]
    assert [line[:40] for line in said] == [
        "warning: at iteration 6 of 6 epsilon is ",
        "warning: this machine has a GPU that the",
    ]
    kept = _read(tmp_path / "warnings.csv")
    assert [f"warning: {row['warning']}" for row in kept] == said
    assert [row["iteration"] for row in kept] == ["6", "6"]
