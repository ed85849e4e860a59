"""train.py from its command line to its files."""

from __future__ import annotations

import csv
import json
import re
import resource
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)
from true_program import finish, start

from configs import PRESETS, Config
from console.errors import UserError
from training import loop, session
from training.machine import usable_cores
from training.metrics import CHARTED_METRICS, EVALUATION_METRICS, GAME_COLUMNS, PROGRESS_METRICS
from training.run_folder import RunFolder
from training.time_spent import ACTIVITIES

_SMALL: dict[str, Any] = {
    "num_envs": 2,
    "initial_collect_steps": 300,
    "replay_capacity": 600,
    "batch_size": 8,
    "eval_games": 1,
    "precision": "float32",
}


def _flags(settings: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in settings.items()]


def _read_up_to(process: subprocess.Popen[str], start: str) -> list[str]:
    """Return the lines of stdout up to the first that begins with `start`."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith(start):
            return lines
    pytest.fail(f"no line begins with {start!r}: {lines} {process.communicate()}")  # it has ended


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


# A run that is stopped with Ctrl-C and resumed ----------------------------------------------------

_ITERATIONS = 120


def _sec_of_work_of_ended_processes() -> float:
    """Return their time on the processor: what others do on this machine is not in it."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class _Resumed:
    """What the run said before and after the stop, and what it left."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mine"
        first = start(
            "train.py",
            folder,
            "--logdir=mine",
            # Games of 100 agent steps: many of them end.
            *_flags({**_SMALL, "iterations": _ITERATIONS, "max_agent_steps_per_game": 100}),
            *["--log_period=10", "--eval_period=80", "--checkpoint_period=50"],
        )
        self.said = _read_up_to(first, "iteration 10 of")
        begun_sec = _sec_of_work_of_ended_processes()
        used = psutil.Process(first.pid).cpu_times()
        first.send_signal(signal.SIGINT)
        self.status, rest, self.stderr = finish(first)
        whole_sec = _sec_of_work_of_ended_processes() - begun_sec
        self.stop_sec = whole_sec - used.user - used.system
        self.said += rest.splitlines()
        self.rows_at_stop = _rows(self.path / "metrics.csv")
        self.games_at_stop = _rows(self.path / "games.csv")
        self.stopped_at = int(sorted((self.path / "checkpoints").iterdir())[-1].name)
        # What a kill between two checkpoints would have left behind the checkpoint.
        for name in ("metrics.csv", "games.csv", "evaluations.csv"):
            with (self.path / name).open("a") as file:
                file.write("lost\n")
        program, script, *arguments = self.said[-1].split("go on with: ")[1].split()
        assert (program, script) == ("python", "train.py")
        self.status_2, stdout, self.stderr_2 = finish(start("train.py", folder, *arguments))
        self.said_2 = stdout.splitlines()


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory) -> _Resumed:
    """The run after its stop and its resume."""
    return _Resumed(tmp_path_factory.mktemp("resumed"))


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(resumed: _Resumed) -> None:
    assert (resumed.status, resumed.stderr) == (130, "")
    assert re.fullmatch(
        r"where the \d+\.\d minutes went: acting \d+ %, emulating \d+ %, sampling \d+ %, "
        r"training \d+ %, evaluating \d+ %, writing \d+ %",
        resumed.said[-2],
    )
    assert resumed.stop_sec < 10
    assert 10 <= resumed.stopped_at < _ITERATIONS
    assert resumed.said[0] == (
        f"training: qr_dqn on Breakout, 2 games (vector pipeline), CPU, {usable_cores()} threads, "
        "float32, playing beside learning, seed 1"
    )
    assert resumed.said[1] == "run folder: mine   watch it: tensorboard --logdir mine"
    assert resumed.said[2].startswith("iteration 10 of 120  fps ")
    assert resumed.said[-1] == (
        f"stopped at iteration {resumed.stopped_at} of 120; "
        "go on with: python train.py --logdir mine --resume"
    )


def test_the_resume_finishes_the_run(resumed: _Resumed) -> None:
    assert (resumed.status_2, resumed.stderr_2) == (0, "")
    assert resumed.said_2[0].startswith(
        f"resuming at iteration {resumed.stopped_at}: qr_dqn on Breakout, 2 games"
    )
    assert resumed.said_2[-1].startswith("done: 120 iterations in ")
    assert resumed.said_2[-1].endswith("watch it: python evaluate.py --run mine --gif play.gif")
    assert any(
        line.startswith("evaluation at iteration 80: mean score ") for line in resumed.said_2
    )


def test_no_row_is_missing_and_none_is_there_twice(resumed: _Resumed) -> None:
    rows = _rows(resumed.path / "metrics.csv")
    assert list(rows[0]) == [metric.name for metric in PROGRESS_METRICS]
    assert [int(row["iteration"]) for row in rows] == list(range(10, 121, 10))
    assert rows[: len(resumed.rows_at_stop)] == resumed.rows_at_stop
    for row in rows:
        # 300 at random, then 8 for each iteration; two games may overshoot by one
        steps = 300 + 8 * int(row["iteration"])
        assert steps <= int(row["agent_steps"]) <= steps + 1
        assert int(row["frames"]) == 4 * int(row["agent_steps"])
        assert float(row["loss"]) > 0
    for name in ("minutes", "agent_steps", "games_finished", "replay_transitions"):
        values = [float(row[name]) for row in rows]
        assert values == sorted(values)
    # epsilon falls from 1 to 0.02 over 10,000: 1 - 0.98 * 120 / 10,000
    assert float(rows[-1]["epsilon"]) == pytest.approx(0.98824)
    assert float(rows[-1]["replay_transitions"]) == 600  # its capacity


def test_games_are_numbered_through(resumed: _Resumed) -> None:
    games = _rows(resumed.path / "games.csv")
    assert list(games[0]) == list(GAME_COLUMNS)
    assert games[: len(resumed.games_at_stop)] == resumed.games_at_stop
    assert [int(game["game"]) for game in games] == list(range(1, len(games) + 1))
    assert len(games) >= 10  # 1,260 agent steps in games of at most 100, two of them in play
    assert int(games[0]["iteration"]) == 0  # in random play
    assert {int(game["slot"]) for game in games} == {0, 1}
    assert all(0 < int(game["agent_steps"]) <= 100 for game in games)
    rows = _rows(resumed.path / "metrics.csv")
    assert int(rows[-1]["games_finished"]) == len(games)
    last = [float(game["score"]) for game in games[-30:]]
    assert float(rows[-1]["score_mean_30_games"]) == pytest.approx(np.mean(last), rel=1e-5)


def test_evaluations_are_written_down(resumed: _Resumed) -> None:
    rows = _rows(resumed.path / "evaluations.csv")
    assert list(rows[0]) == [metric.name for metric in EVALUATION_METRICS]
    assert [int(row["iteration"]) for row in rows] == [80, 120]  # each 80, and the end


def test_the_page_of_the_run_is_as_of_its_end(resumed: _Resumed) -> None:
    assert resumed.said[-3] == resumed.said_2[-3] == "report of the run: mine/report.html"
    page = (resumed.path / "report.html").read_text()
    assert "<p>120 of 120 iterations, " in page
    assert page.count("<polyline") > 5
    assert "python train.py --logdir mine --resume" in re.sub(r"<[^>]*>", "", page)


def test_config_json_tells_of_both_sessions(resumed: _Resumed) -> None:
    content = json.loads((resumed.path / "config.json").read_text())
    expected = Config(**_SMALL, max_agent_steps_per_game=100, iterations=120)
    expected = expected.replace(log_period=10, eval_period=80, checkpoint_period=50)
    assert content["config"] == expected.to_dict()
    assert content["preset"] == "default"
    first, second = content["sessions"]
    assert first["command"][-1] == "--checkpoint_period=50"
    assert second["command"][-3:] == ["--logdir", "mine", "--resume"]
    assert first["device"] == "CPU"
    assert first["machine"]["cores"] >= 1
    assert first["versions"]["tensorflow"].startswith("2.")


def test_tensorboard_goes_on_after_the_resume(resumed: _Resumed) -> None:
    events = EventAccumulator(str(resumed.path / "tensorboard"), size_guidance={"tensors": 0})
    events.Reload()
    metrics = (*PROGRESS_METRICS, *EVALUATION_METRICS, *CHARTED_METRICS)
    tags = set(events.Tags()["tensors"])
    assert {metric.tag for metric in metrics if metric.tag} <= tags
    assert {"sample/q_values", "sample/transitions", "evaluation/film"} <= tags
    steps = [event.step for event in events.Tensors("learning/loss")]
    assert steps == list(range(10, 121, 10))


def test_the_last_and_the_best_policy_are_exported(resumed: _Resumed) -> None:
    content = json.loads((resumed.path / "config.json").read_text())
    best = {float(row["score_mean"]) for row in _rows(resumed.path / "evaluations.csv")}
    for name, iterations, score in [("last", {120}, None), ("best", {80, 120}, max(best))]:
        folder = resumed.path / "policies" / name
        assert (folder / "saved_model.pb").exists()
        beside = json.loads((folder / "config.json").read_text())
        assert beside["config"] == content["config"]
        assert beside["iteration"] in iterations
        assert beside["score"] == score
    assert {path.name for path in (resumed.path / "policies").iterdir()} == {"last", "best"}


def test_the_last_two_checkpoints_are_kept(resumed: _Resumed) -> None:
    names = sorted(path.name for path in (resumed.path / "checkpoints").iterdir())
    assert names == ["000000100", "000000120"]  # 2 * 50, and the end


# The other pipeline and preset, ended by SIGTERM --------------------------------------------------


def test_notebook_runs_on_the_suite_pipeline_until_sigterm(tmp_path: Path) -> None:
    process = start(
        "train.py",
        tmp_path,
        *["--preset=notebook", "--game=Pong", "--iterations=1000000"],
        *["--initial_collect_steps=100", "--replay_capacity=500", "--batch_size=8"],
        *["--log_period=5", "--seed=3"],
    )
    said = _read_up_to(process, "iteration 5 of")
    assert said[0] == (
        f"training: dqn on Pong, 1 games (suite pipeline), CPU, {usable_cores()} threads, float32, "
        "playing before learning, seed 3"
    )
    process.send_signal(signal.SIGTERM)
    status, stdout, stderr = finish(process)
    assert (status, stderr) == (143, "")
    (run,) = (tmp_path / "runs").iterdir()  # without --logdir, a new folder
    assert run.name.startswith("Pong-dqn-")
    assert stdout.splitlines()[-1].endswith(
        f"go on with: python train.py --logdir runs/{run.name} --resume"
    )
    content = json.loads((run / "config.json").read_text())
    assert content["preset"] == "notebook"
    expected = PRESETS["notebook"].replace(
        game="Pong",
        iterations=1_000_000,
        initial_collect_steps=100,
        replay_capacity=500,
        batch_size=8,
        log_period=5,
        seed=3,
    )
    assert content["config"] == expected.to_dict()
    assert [int(row["iteration"]) for row in _rows(run / "metrics.csv")][:1] == [5]


# Seeds, and learning that diverges, in this process -----------------------------------------------


_SHORT = Config(
    **_SMALL,
    max_agent_steps_per_game=50,
    iterations=8,
    log_period=4,
    checkpoint_period=4,
    eval_period=0,
)


def _train(folder: Path, config: Config) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Train a run; return its rows and its games, without what the clock decides."""
    run = RunFolder(folder)
    run.create()
    assert session.train(config, "default", run, resume=False) == 0
    return _without_clock(folder)


def _without_clock(folder: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    rows, games = _rows(folder / "metrics.csv"), _rows(folder / "games.csv")
    for row in rows:
        for column in ("minutes", "resident_gb", "iterations_per_sec", "frames_per_sec"):
            assert float(row.pop(column)) > 0
        for activity in ACTIVITIES:
            assert float(row.pop(f"{activity}_percent")) >= 0
    for game in games:
        game.pop("iteration")  # when it was reported: a stretch is as long as a second
    return rows, games


@pytest.fixture(scope="module")
def diverged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run whose weights are spoiled behind its first checkpoint, and what it said of it."""
    folder = tmp_path_factory.mktemp("diverged")
    train = loop.Training._train_a_stretch

    def spoil_and_train(training: loop.Training) -> None:
        if training._progress.checkpoint_iteration:
            spoil(training)
        train(training)

    def spoil(training: loop.Training) -> None:
        bias = training._parts.agent.policy.variables()[-1]  # of the last layer: no ReLU hides it
        bias.assign(bias + float("inf"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Training, "_train_a_stretch", spoil_and_train)
        with pytest.raises(UserError) as caught:
            _train(folder, _SHORT.replace(seed=2))
    return folder, str(caught.value)


def test_learning_that_diverges_ends_in_one_sentence(diverged: tuple[Path, str]) -> None:
    folder, sentence = diverged
    assert sentence == (
        "the loss became infinite or NaN after iteration 4; checkpoint 4 is kept; "
        f"go on with: python train.py --logdir {folder} --resume --learning_rate=0.0004"
    )
    (checkpoint,) = (folder / "checkpoints").iterdir()
    assert checkpoint.name == "000000004"
    weights = tf.train.load_checkpoint(str(checkpoint / "variables"))
    for name in weights.get_variable_to_shape_map():
        value = weights.get_tensor(name)
        assert not np.issubdtype(np.asarray(value).dtype, np.floating) or np.isfinite(value).all()


def test_the_same_seed_gives_the_same_run_and_another_seed_another(
    tmp_path: Path, diverged: tuple[Path, str]
) -> None:
    rows, games = _train(tmp_path / "one", _SHORT)
    assert [row["iteration"] for row in rows] == ["4", "8"]
    assert _train(tmp_path / "again", _SHORT) == (rows, games)
    other_rows, other_games = _without_clock(diverged[0])
    assert other_rows[0]["iteration"] == "4"
    assert other_rows[0]["loss"] != rows[0]["loss"]
    assert other_games != games[: len(other_games)]
