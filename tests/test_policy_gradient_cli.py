"""python -m policy_gradient from its command line to a film, and every mistake made with it."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked_program import ForkedProgram

from configs.policy_gradient import (
    ONLY_OF,
    POLICY_GRADIENT_PRESETS,
    PolicyGradientConfig,
    usual_preset,
)
from configs.programs import program_of
from envs import gym_games
from evaluation.page.commands import commands
from evaluation.page.record import read_run
from evaluation.policies import load_policy
from policy_gradient import session
from policy_gradient.learner import Learner
from training.run_folder import RunFolder

PROGRAM = ("-m", "policy_gradient")
TINY = ("--game=CartPole-v1", "--iterations=2", "--num_envs=2", "--eval_games=2")


@pytest.fixture(scope="module")
def forked() -> Iterator[ForkedProgram]:
    programs = ForkedProgram(["policy_gradient.session", "evaluation.answer", "evaluation.filming"])
    yield programs
    programs.close()


@pytest.fixture(scope="module", params=["reinforce", "a2c"])
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, forked: ForkedProgram
) -> tuple[Path, str]:
    """A folder with a finished run called `mine`, and its agent."""
    folder, agent = tmp_path_factory.mktemp("run"), request.param
    status, stdout, stderr = forked.run(
        folder, *PROGRAM, f"--agent={agent}", "--logdir=mine", *TINY
    )
    assert (status, stderr) == (0, "")
    assert f"training: {agent} on CartPole-v1, 2 games, CPU, seed 1\n" in stdout
    assert "watch it: python evaluate.py --run mine --gif play.gif" in stdout.splitlines()[-1]
    return folder, agent


def test_a_run_leaves_what_is_promised(trained: tuple[Path, str]) -> None:
    run, agent = trained[0] / "mine", trained[1]
    names = ["metrics.csv", "evaluations.csv", "games.csv", "report.html", "tensorboard"]
    assert all((run / name).exists() for name in names)
    content = json.loads((run / "config.json").read_text())
    assert content["program"] == "python -m policy_gradient"
    assert content["config"]["agent"] == agent
    record = read_run(run)
    assert record.remarks == []
    assert isinstance(record.config, PolicyGradientConfig)
    assert commands(record)["go on with it"] == f"python -m policy_gradient --logdir {run} --resume"
    assert load_policy(run / "policies" / "last").q_values is None


def test_evaluate_plays_and_films_it(trained: tuple[Path, str], forked: ForkedProgram) -> None:
    folder, _ = trained
    for arguments in (["--run=mine", "--gif=play.gif"], ["--policy=mine/policies/last"]):
        status, stdout, stderr = forked.run(folder, "evaluate.py", "--games=2", *arguments)
        assert (status, stderr) == (0, "")
        assert "CartPole-v1" in stdout
    assert (folder / "play.gif").stat().st_size > 0


def test_it_goes_on_and_only_with_its_own_program(
    trained: tuple[Path, str], forked: ForkedProgram
) -> None:
    folder, agent = trained
    arguments = ["--logdir=mine", "--resume", "--iterations=3"]
    status, _, stderr = forked.run(folder, "train.py", *arguments)
    assert (status, stderr) == (
        2,
        "error: the run in mine is one of python -m policy_gradient; go on with it by "
        "python -m policy_gradient --logdir mine --resume\n",
    )
    status, _, stderr = forked.run(folder, *PROGRAM, *arguments, "--discount=0.5")
    assert (status, stderr) == (
        2,
        "error: the run was started with other numbers: discount is 0.99 there and 0.5 here; "
        "leave these flags out, or start another run\n",
    )
    status, _, stderr = forked.run(folder, *PROGRAM, *arguments, "--noop_start_max_frames=30")
    assert (status, stderr) == (
        2,
        "error: --noop_start_max_frames is for Atari games only; leave it out with CartPole-v1\n",
    )
    status, stdout, stderr = forked.run(folder, *PROGRAM, *arguments)
    assert (status, stderr) == (0, "")
    assert stdout.startswith(f"resuming at iteration 2: {agent} on CartPole-v1")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--agent=dqn"], "agent must be one of reinforce, a2c, but is 'dqn'"),
        (
            ["--agent=reinforce", "--game=Pong"],
            "reinforce keeps whole games in memory and is for small ones, as CartPole-v1; Pong is "
            "for --agent=a2c",
        ),
        (["--game=Brekout"], "there is no game called 'Brekout'; the nearest names are Breakout"),
        (
            ["--agent=reinforce", "--n_step=3"],
            "--n_step is for --agent=a2c only; leave it out with reinforce",
        ),
        (["--agent=a2c", "--baseline"], "--baseline is for --agent=reinforce only; leave it out"),
        (
            ["--game=CartPole-v1", "--noop_start_max_frames=3"],
            "--noop_start_max_frames is for Atari games only; leave it out with CartPole-v1",
        ),
        (["--dense_units=9"], "--dense_units is for games without pictures only; leave it out"),
        (
            ["--preset=a2c_small", "--optimizer_decay=0.9"],
            "--optimizer_decay is for --optimizer=rmsprop only; leave it out",
        ),
        (
            ["--agent=reinforce", "--game=CartPole-v1", "--value_weight=1"],
            "--value_weight is for --agent=a2c, and for reinforce with --baseline only; leave",
        ),
        (["--preset=a2"], "there is no preset called 'a2'; did you mean a2c?"),
        (["--replay_capacity=9"], "there is no flag --replay_capacity; "),
        (["--resume"], "--resume needs the folder of the run; give it with --logdir"),
        (["--resume", "--logdir=none"], "there is no run in none to resume: "),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value),
)
def test_a_mistake_is_answered_in_a_line(
    arguments: list[str], error: str, tmp_path: Path, forked: ForkedProgram
) -> None:
    status, stdout, stderr = forked.run(tmp_path, *PROGRAM, *arguments)
    assert (status, stdout, stderr.count("\n")) == (2, "", 1)
    assert stderr.startswith(f"error: {error}")
    assert not list(tmp_path.iterdir())


def test_a_run_is_not_written_over(trained: tuple[Path, str], forked: ForkedProgram) -> None:
    folder, _ = trained
    status, _, stderr = forked.run(folder, *PROGRAM, "--logdir=mine", *TINY)
    assert status == 2
    assert stderr.startswith("error: there is a run in mine already; go on with it by --resume")


def test_an_explained_film_of_a_policy_without_q_values_is_refused(
    trained: tuple[Path, str], forked: ForkedProgram
) -> None:
    folder, agent = trained
    export = folder / "mine" / "policies" / "last" / "config.json"
    content = json.loads(export.read_text())
    content["config"]["game"] = "Breakout"  # where explained films are
    export.write_text(json.dumps(content))
    asked = ["--policy=mine/policies/last", "--film=a.gif", "--film_style=explained"]
    status, _, stderr = forked.run(folder, "evaluate.py", *asked)
    assert (status, stderr) == (
        2,
        f"error: an explained film shows Q-values, and {agent} has none; leave out --film_style\n",
    )


def test_help_has_the_settings_of_this_program(tmp_path: Path, forked: ForkedProgram) -> None:
    status, stdout, _ = forked.run(tmp_path, *PROGRAM, "--help")
    assert status == 0
    assert "--entropy_weight" in stdout
    assert "[0.01; reinforce: 0; lander: 0; from 0 to 1000]" in stdout
    assert "--replay_capacity" not in stdout


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(_: str) -> None:
        raise AttributeError("module 'gym.envs.box2d' has no attribute 'LunarLander'")

    monkeypatch.setattr("gym.make", make)
    monkeypatch.setitem(sys.modules, "Box2D", None)
    gym_games.observation_shape.cache_clear()
    with pytest.raises(ValueError, match=r"^LunarLander-v2 needs the package box2d, .* pip inst"):
        gym_games.observation_shape("LunarLander-v2")


def test_ctrl_c_stops_with_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = POLICY_GRADIENT_PRESETS["a2c_small"].replace(num_envs=2, iterations=50, eval_period=0)
    run = RunFolder(tmp_path, "python -m policy_gradient")
    run.create()
    iterate = Learner.iterate

    def interrupted(learner: Learner) -> dict[str, float]:
        os.kill(os.getpid(), signal.SIGINT)
        return iterate(learner)

    monkeypatch.setattr(Learner, "iterate", interrupted)
    assert session.train(config, "a2c_small", run, resume=False) == 130
    assert run.iterations_done() == 1
    assert capsys.readouterr().out.splitlines()[-1] == (
        "stopped at iteration 1 of 50; go on with: "
        f"python -m policy_gradient --logdir {tmp_path} --resume"
    )


def test_presets_are_right_and_the_usual_one_is_found() -> None:
    for preset in POLICY_GRADIENT_PRESETS.values():
        preset.validate()
        preset.playing().validate()
        assert program_of(preset.to_dict()).settings is PolicyGradientConfig
    assert set(ONLY_OF) <= set(POLICY_GRADIENT_PRESETS["a2c"].to_dict())
    usual = {
        (None, None): "a2c",
        ("a2c", "Pong"): "a2c",
        ("a2c", "CartPole-v1"): "a2c_small",
        (None, "CartPole-v1"): "reinforce",
        ("reinforce", None): "reinforce",
        ("reinforce", "LunarLander-v2"): "lander",
    }
    assert {asked: usual_preset(*asked) for asked in usual} == usual
    # A2C on Breakout
    a2c = POLICY_GRADIENT_PRESETS["a2c"]
    assert (a2c.game_processes, a2c.n_step, a2c.learning_rate) == (16, 5, 7e-4)
    assert (a2c.value_weight, a2c.entropy_weight, a2c.gradient_norm_max) == (0.5, 0.01, 0.5)
