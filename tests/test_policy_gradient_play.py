"""What the learners play, repeat and learn, through their true parts."""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import time_step as ts
from tf_agents.trajectories import trajectory

from configs.policy_gradient import POLICY_GRADIENT_PRESETS, PolicyGradientConfig
from console.errors import UserError
from policy_gradient import session
from policy_gradient.learner import Learner
from policy_gradient.parallel_games import ParallelGames
from training.run_folder import RunFolder
from training.stop import StopRequestedError, StopSignal

REINFORCE = POLICY_GRADIENT_PRESETS["reinforce"].replace(num_envs=3, dense_units=16)
A2C = POLICY_GRADIENT_PRESETS["a2c_small"].replace(num_envs=3, dense_units=16)


def _learner(config: PolicyGradientConfig, games_seed: int | None = None) -> Learner:
    seed = config.seed if games_seed is None else games_seed
    learner = session.build(config, session.load_games(config, seed))
    learner.begin()
    return learner


def _plays(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> list[trajectory.Trajectory]:
    """Keep what the learner learns from."""
    kept: list[trajectory.Trajectory] = []
    play = learner._play

    def keep() -> trajectory.Trajectory:
        kept.append(play())
        return kept[-1]

    monkeypatch.setattr(learner, "_play", keep)
    return kept


def test_reinforce_learns_from_one_whole_game_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = _learner(REINFORCE)
    kept = _plays(learner, monkeypatch)
    for _ in range(2):
        learner.iterate()
        (experience, games) = kept[-1], learner.env.pop_finished_games()
        kinds = list(zip(experience.step_type[0], experience.next_step_type[0], strict=True))
        ends = np.flatnonzero(experience.next_step_type[0] == ts.StepType.LAST)
        begins = np.flatnonzero(experience.step_type[0] == ts.StepType.FIRST)
        assert len(ends) == len(begins) == 3
        assert begins.tolist() == [0, *(ends[:-1] + 1)]
        assert (ts.StepType.LAST, ts.StepType.FIRST) not in kinds
        lengths = np.diff([0, *(ends + 1)])
        assert sorted(lengths) == sorted(game.agent_steps for game in games)
        assert experience.reward.sum() == sum(game.score for game in games)
    assert learner.agent_steps() == sum(experience.reward.size for experience in kept)


def test_a2c_learns_from_the_steps_of_all_games_without_a_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learner = _learner(A2C)
    kept = _plays(learner, monkeypatch)
    for _ in range(12):
        learner.iterate()
    for before, after in itertools.pairwise(kept):
        assert before.reward.shape == (3, 6)
        assert np.array_equal(before.next_step_type[:, :-1], before.step_type[:, 1:])
        assert np.array_equal(before.observation[:, -1], after.observation[:, 0])
        assert np.array_equal(before.step_type[:, -1], after.step_type[:, 0])
    chosen = sum(int((each.step_type[:, :-1] != ts.StepType.LAST).sum()) for each in kept)
    assert learner.agent_steps() == chosen < 12 * 3 * 5  # some games have ended


@pytest.mark.parametrize("config", [REINFORCE, A2C], ids=lambda config: config.agent)
def test_rewards_are_clipped_in_learning_only(config: PolicyGradientConfig) -> None:
    learner = _learner(config.replace(reward_clip=0.25))
    assert set(np.unique(learner._clipped(np.array([-3.0, 0.125, 1.0])))) == {-0.25, 0.125, 0.25}
    for _ in range(12):
        learner.iterate()
    assert any(game.score > 5 for game in learner.env.pop_finished_games())


def _losses(config: PolicyGradientConfig) -> list[dict[str, float]]:
    learner = _learner(config)
    return [learner.iterate() for _ in range(3)]


@pytest.mark.parametrize("config", [REINFORCE, A2C], ids=lambda config: config.agent)
def test_the_same_seed_is_the_same_run_and_another_is_another(config: PolicyGradientConfig) -> None:
    first = _losses(config)
    assert _losses(config) == first
    assert _losses(config.replace(seed=2)) != first


# A run and its resume ----------------------------------------------------------------------------


def _train(folder: Path, config: PolicyGradientConfig, *, resume: bool = False) -> RunFolder:
    run = RunFolder(folder, "python -m policy_gradient")
    run.create()
    assert session.train(config, "reinforce", run, resume=resume) == 0
    run._lock.close()
    return run


def _contents(run: RunFolder) -> dict[str, Any]:
    """Return all variables of the last checkpoint, and the CSV rows but for their times."""
    reader = tf.train.load_checkpoint(str(run.checkpoint_paths()[-1] / "variables"))
    names = [name for name in reader.get_variable_to_shape_map() if "OBJECT_GRAPH" not in name]
    variables = {name: np.asarray(reader.get_tensor(name)).tolist() for name in names}
    files = {name: (run.path / name).read_text() for name in ("games.csv", "evaluations.csv")}
    return {**variables, **files}


@pytest.mark.parametrize(
    ("config", "processes_before"), [(REINFORCE, 0), (A2C, 0), (A2C, 2)], ids=["reinforce", *"02"]
)
def test_twice_as_long_is_stopping_and_going_on(
    tmp_path: Path, config: PolicyGradientConfig, processes_before: int
) -> None:
    config = config.replace(iterations=8, eval_period=8, eval_games=2, log_period=3)
    whole = _train(tmp_path / "whole", config)
    half = config.replace(iterations=4, eval_period=0, game_processes=processes_before)
    _train(tmp_path / "halves", half)
    halves = _train(tmp_path / "halves", config, resume=True)
    assert _contents(halves) == _contents(whole)
    assert (whole.path / "policies" / "best" / "saved_model.pb").exists()
    rows = (whole.path / "metrics.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["iteration", "3", "6", "8"]


def test_a_last_evaluation_that_was_cut_short_is_played_at_the_resume(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = A2C.replace(iterations=5, eval_period=2, eval_games=1)
    with pytest.MonkeyPatch.context() as patch:
        stop = StopSignal.raise_if_requested

        def stop_in_the_last(signal: StopSignal) -> None:
            if len(_evaluated(tmp_path)) == 2:
                raise StopRequestedError
            stop(signal)

        patch.setattr(StopSignal, "raise_if_requested", stop_in_the_last)
        _train(tmp_path, config)
    assert "stopped at iteration 5 of 5; go on with" in capsys.readouterr().out
    assert _evaluated(tmp_path) == ["2", "4"]
    _train(tmp_path, config, resume=True)
    assert _evaluated(tmp_path) == ["2", "4", "5"]
    assert "done: 5 iterations" in capsys.readouterr().out


def _evaluated(folder: Path) -> list[str]:
    rows = (folder / "evaluations.csv").read_text().splitlines()[1:]
    return [row.split(",")[0] for row in rows]


def test_a_process_that_is_killed_ends_the_run_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    iterate = Learner.iterate

    def kill_and_iterate(learner: Learner) -> dict[str, float]:
        assert isinstance(learner.env, ParallelGames)
        if int(learner._train_steps) == 4:
            os.kill(learner.env.process_ids[1], signal.SIGKILL)
        return iterate(learner)

    monkeypatch.setattr(Learner, "iterate", kill_and_iterate)
    run = RunFolder(tmp_path, "python -m policy_gradient")
    run.create()
    config = A2C.replace(game_processes=2, checkpoint_period=3, eval_period=0)
    with pytest.raises(UserError) as told:
        session.train(config, "a2c_small", run, resume=False)
    assert str(told.value) == (
        "the process of games 1 to 2 was ended by SIGKILL, as where memory is short; report it if "
        "it comes again, then go on from checkpoint 3 with: "
        f"python -m policy_gradient --logdir {tmp_path} --resume"
    )


def test_a_resume_may_have_another_learning_rate(tmp_path: Path) -> None:
    config = A2C.replace(iterations=1, eval_period=0)
    _train(tmp_path, config)
    run = _train(tmp_path, config.replace(iterations=2, learning_rate=0.25), resume=True)
    rate = "optimizer/learning_rate/.ATTRIBUTES/VARIABLE_VALUE"
    assert _contents(run)[rate] == 0.25


def test_a_loss_that_is_not_finite_ends_the_run_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Learner, "_clipped", lambda _, reward: reward * np.float32("inf"))
    run = RunFolder(tmp_path, "python -m policy_gradient")
    run.create()
    with pytest.raises(UserError, match=r"^the loss became infinite or NaN after iteration 0; "):
        session.train(A2C, "a2c_small", run, resume=False)


def test_a_weight_that_is_not_finite_ends_the_run_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the gradient overflows and the loss does not."""
    iterate = Learner.iterate

    def iterate_and_spoil(learner: Learner) -> dict[str, float]:
        losses = iterate(learner)
        bias = learner.weights()[-1]
        bias.assign(bias * np.float32("nan"))
        return losses

    monkeypatch.setattr(Learner, "iterate", iterate_and_spoil)
    run = RunFolder(tmp_path, "python -m policy_gradient")
    run.create()
    with pytest.raises(UserError, match=r"^a weight became infinite or NaN after iteration 1; "):
        session.train(A2C.replace(eval_period=1), "a2c_small", run, resume=False)
    assert not (run.policies / "best").exists()


# What is learned ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("preset", "iterations"), [("reinforce", 15), ("a2c_small", 500)], ids=["reinforce", "a2c"]
)
def test_a_pole_is_held_up_longer(preset: str, iterations: int) -> None:
    """Random play holds it for 22 steps."""
    learner = _learner(POLICY_GRADIENT_PRESETS[preset])
    for _ in range(iterations):
        learner.iterate()
    scores = [game.score for game in learner.env.pop_finished_games()]
    assert np.mean(scores[:8]) < 40
    assert np.mean(scores[-16:]) > 50
