"""Every command in the documents works: each one is in this table, with the way it is checked.

A command that is run is run as it stands, in a folder that looks like a clone with finished runs in
it. What makes it smaller stands behind it, since the last of two equal flags counts: TINY for
training, one game and a second of film for `evaluate.py`, and what a row says. To add a command,
add a row: the first test names the commands that have none.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import documents
import pytest
from documents import ROOT
from forked_program import ForkedProgram
from tensorboard import default, program
from written_run import write_run

TINY = (
    "--iterations=12 --num_envs=2 --initial_collect_steps=200 --replay_capacity=600 --batch_size=8 "
    "--max_agent_steps_per_game=60 --eval_games=1 --precision=float32"
)
ONE_SECOND = "--games=1 --film_seconds=1"


class Check(NamedTuple):
    """How a command is checked.

    Attributes:
      way: "runs", to its end with status 0; "begins", train.py comes to where training begins, with
        everything checked before it; "parses", the program's own parser takes all flags; "outside",
        it is no program of this project, and the files that it names are there.
      smaller: flags behind a command that runs.
      reason: why it is not run; or the test that runs it, `test_x.py::test_y`, which must be there.
    """

    way: str
    smaller: str = ""
    reason: str = ""


def runs(smaller: str = "") -> Check:
    return Check("runs", smaller)


def begins(reason: str) -> Check:
    return Check("begins", reason=reason)


def parses(reason: str) -> Check:
    return Check("parses", reason=reason)


def outside(reason: str) -> Check:
    return Check("outside", reason=reason)


FIRST = "python train.py --iterations 2000"  # trains the run that all others are copies of

_HOURS = "trains for minutes to days, as the commands above that run do"
_RESUMED = "test_train_cli.py::test_the_resume_finishes_the_run"
_RACE = "measures for minutes; test_benchmarks.py::test_mistakes_are_answered_in_a_line starts it"
_PEERS = "installs 6 GB; test_benchmarks_peers.py::test_installed_once_and_told_before"
_LEARNING = "trains for minutes; test_benchmarks_learning.py has it learn for seconds"
_INSTALLS = "needs the network; the test command of README is run so in .ci/run"
_REPORT = "test_report_page.py::test_the_command_says_where_the_page_is"
_REPORT_FILM = "test_report_page.py::test_a_film_is_made"
_POLICY = "test_policy_gradient_cli.py::test_a_run_leaves_what_is_promised trains the like"
_PAGE = "test_extending.py::test_the_page_is_followed_by_the_letter"

COMMANDS: dict[str, Check] = {
    # Installing and checking
    "git clone ADDRESS atari-dqn": outside(_INSTALLS),
    "cd atari-dqn": outside("the folder of the line before"),
    "python3.11 -m venv .venv": outside(_INSTALLS),
    "source .venv/bin/activate": outside("the environment of the line before"),
    "pip install -r requirements.txt": outside(_INSTALLS),
    "pip install -r requirements-dev.txt": outside(_INSTALLS),
    'pip install -r requirements.txt "tensorflow[and-cuda]==2.15.1"': outside(_INSTALLS),
    "pip install --upgrade pip setuptools wheel": outside(_INSTALLS),
    "pip install uv": outside(_INSTALLS),
    "uv pip compile pyproject.toml --universal --python-version 3.10 --no-header --no-annotate "
    "-o requirements.txt": outside(_INSTALLS),
    "uv pip compile pyproject.toml --extra dev --universal --python-version 3.10 --no-header "
    "--no-annotate -c requirements.txt -o requirements-dev.txt": outside(_INSTALLS),
    "python -c \"import tensorflow as tf; print(tf.config.list_physical_devices('GPU'))\"": runs(),
    "python -m pytest -n auto": outside("this test is a part of it"),
    "python -m pytest tests/test_frame_ring.py -k uniform": outside("a part of all tests"),
    "scripts/check": outside(".ci/run runs it"),
    ".ci/run": outside("it runs this test"),
    # Training
    FIRST: runs(TINY),
    "python train.py --logdir runs/first --resume --iterations 60000": begins(_RESUMED),
    "python train.py": begins(_HOURS),
    "python train.py --iterations 20000 --logdir runs/first": begins(_HOURS),
    "python train.py --iterations 20000 --logdir runs/breakout": begins(_HOURS),
    "python train.py --game Breakout --iterations 50000 --logdir runs/mine": begins(_HOURS),
    "python train.py --game Pong --preset nature --iterations 500000": begins(_HOURS),
    "python train.py --game Qbert": begins(_HOURS),
    "python train.py --game SpaceInvaders": begins(_HOURS),
    "python train.py --preset nature": begins(_HOURS),
    "python train.py --prioritized --iterations 50000": begins(
        "test_prioritized_loop.py::test_twice_as_long_is_stopping_and_going_on"
    ),
    "python train.py --overlap --iterations 12000 --eval_period 4000 --logdir runs/overlap": begins(
        _HOURS
    ),
    "python train.py --nooverlap --iterations 12000 --eval_period 4000 --logdir runs/nooverlap": (
        begins(_HOURS)
    ),
    "python train.py --iterations 250000 --eval_games 20 --eval_period 10000 "
    "--logdir runs/breakout": begins(_HOURS),
    "python train.py --seed 2 --iterations 250000 --eval_games 20 --eval_period 10000 "
    "--logdir runs/breakout-2": begins(_HOURS),
    "python train.py --game Pong --iterations 250000 --eval_games 20 --eval_period 20000 "
    "--logdir runs/pong": begins(_HOURS),
    "python train.py --game SpaceInvaders --iterations 250000 --eval_games 20 --eval_period 10000 "
    "--logdir runs/space-invaders": begins(_HOURS),
    "python train.py --nolayer_norm --iterations 300000 --eval_games 20 --eval_period 10000 "
    "--logdir runs/plain": begins(_HOURS),
    "python train.py --game Pong --nolayer_norm --nosubtract_background --iterations 250000 "
    "--eval_period 20000 --logdir runs/pong-plain": begins(_HOURS),
    "python train.py --game Pong --nosubtract_background --iterations 250000 --eval_period 20000 "
    "--logdir runs/pong-dead": begins(_HOURS),
    "python train.py --preset notebook --iterations 50000 --eval_period 25000 "
    "--logdir runs/notebook": begins(_HOURS),
    "python train.py --preset notebook --seed 2 --iterations 50000 --eval_period 25000 "
    "--logdir runs/notebook-2": begins(_HOURS),
    "python train.py --game SpaceInvaders --nolayer_norm --iterations 250000 --eval_games 20 "
    "--eval_period 10000 --logdir runs/space-invaders": begins(_HOURS),
    "python train.py --preset grid": begins("test_learning.py::test_the_grid_has_its_exact_values"),
    "python train.py --preset cartpole": begins("test_learning.py::test_cartpole_is_held_up"),
    "python train.py --preset cartpole --game Acrobot-v1": begins(_HOURS),
    "python train.py --preset grid --game catch --logdir runs/catch": parses(_PAGE),
    "python train.py --preset grid --game catch --agent advantage --nodouble "
    "--logdir runs/advantage": parses(_PAGE),
    "python train.py --logdir runs/breakout --resume": begins(_RESUMED),
    "python train.py --logdir runs/mine --resume": begins(_RESUMED),
    "python train.py --doctor": begins("test_doctor.py::test_a_machine_that_is_ready measures"),
    "python train.py --iterations 20000 --logdir runs/first --doctor": begins("as the one above"),
    "python train.py --logdir runs/mine --doctor": begins("as the one above"),
    "python train.py --iterations 2000 --logdir runs/profiled --profile_iterations 50": begins(
        "test_profile.py::test_a_run_under_the_profiler_learns_the_same"
    ),
    "pip install tensorboard-plugin-profile==2.15.1": outside(_INSTALLS),
    "tensorboard --logdir runs/profiled": outside("as the one of runs"),
    "python -m policy_gradient --agent=reinforce --game=CartPole-v1 --iterations=40 "
    "--logdir=runs/pole": runs("--iterations=2 --num_envs=2 --eval_games=1"),
    "python -m policy_gradient --agent=reinforce --game=CartPole-v1": parses(_POLICY),
    "python -m policy_gradient --agent=a2c --game=Breakout": parses(_POLICY),
    "python -m policy_gradient --agent=a2c --game=Breakout --logdir=runs/a2c": parses(_POLICY),
    "python -m policy_gradient --logdir=runs/a2c --resume": parses(
        "test_policy_gradient_cli.py::test_it_goes_on_and_only_with_its_own_program"
    ),
    "python -m policy_gradient --agent=reinforce --game=LunarLander-v2 --logdir=runs/lander": (
        parses("needs a package that is not required; as the one of CartPole-v1")
    ),
    "python -m policy_gradient": parses(_POLICY),
    "pip install box2d==2.3.10": outside(_INSTALLS),
    "python train.py --list_games": runs(),
    "python train.py --helpfull": runs(),
    "tensorboard --logdir runs": outside("serves until it is stopped; its parser takes the flags"),
    "tensorboard --logdir runs/breakout": outside("as the one above"),
    # Playing
    "python evaluate.py --run runs/first --gif play.gif": runs(ONE_SECOND),
    "python evaluate.py --run runs/breakout --gif breakout.gif": parses("as the one above"),
    "python evaluate.py --run=runs/pole --gif=pole.gif": parses(
        "test_policy_gradient_cli.py::test_evaluate_plays_and_films_it"
    ),
    "python evaluate.py --run runs/catch --gif catch.gif": parses(_PAGE),
    "python evaluate.py --run runs/first": parses("runs with a film above"),
    "python evaluate.py --run=runs/mine --film=play.mp4": runs(ONE_SECOND),
    "python evaluate.py --run runs/first --games 1 --film explained.mp4 --film_style explained "
    "--film_seconds 10": runs("--film_seconds=0.2"),
    "python evaluate.py --pretrained --games=1 --film=explained.webp --film_style=explained "
    "--film_seconds=6": parses("the one of runs/first runs"),
    "python evaluate.py --compare random,runs/first,pretrained/Breakout/policy --film compare.mp4 "
    "--film_seconds 20": parses("test_evaluate_cli.py::test_one_game_explained_and_compared"),
    "python evaluate.py --film=compare.gif --film_seconds=10 "
    "--compare=random,pretrained/Breakout/policy-20-minutes,pretrained/Breakout/policy": parses(
        "test_evaluate_cli.py::test_one_game_explained_and_compared"
    ),
    "python evaluate.py --run runs/first --watch": parses(
        "test_window.py::test_a_game_in_the_window_is_that_of_an_evaluation"
    ),
    "python evaluate.py --run=runs/mine --watch": parses(
        "test_window.py::test_a_game_in_the_window_is_that_of_an_evaluation"
    ),
    "python evaluate.py --random --game Pong --gif random.gif": parses(
        "test_evaluate_cli.py::test_a_random_agent_plays_its_best_game_on_film"
    ),
    "python evaluate.py --pretrained": parses(
        "test_box.py::test_a_trained_agent_plays_as_reported"
    ),
    "python evaluate.py --pretrained --gif play.gif": parses(
        "test_box.py::test_a_trained_agent_plays_as_reported"
    ),
    "python evaluate.py --pretrained --games=100 --film=life.mp4 --film_life_above=80 "
    "--film_seconds=0": parses("test_lives.py::test_a_life_of_a_true_game_is_filmed"),
    "python evaluate.py --pretrained --games 10 --gif docs/breakout.gif --gif_game 10 "
    "--gif_seconds 0": parses("test_box.py::test_a_trained_agent_plays_as_reported"),
    "python evaluate.py --pretrained --game SpaceInvaders": parses("as the one above"),
    "python evaluate.py --pretrained --game Pong": parses("as the one above"),
    "python evaluate.py --pretrained --game Pong --gif play.gif": parses("as the one above"),
    "python evaluate.py --pretrained --game SpaceInvaders --gif play.gif": parses(
        "as the one above"
    ),
    "python evaluate.py --policy pretrained/Breakout/policy-20-minutes": parses("as the one above"),
    "python evaluate.py --policy pretrained/Breakout/policy-without-layer-norm": parses(
        "as the one above"
    ),
    "python evaluate.py --gif FILE --json FILE": parses("FILE is any"),
    "python -m evaluation.report runs/first": runs(),
    "python -m evaluation.report": parses(_REPORT),
    "python -m evaluation.report RUN --film": parses(_REPORT_FILM),
    "python -m evaluation.report runs/mine": parses(_REPORT),
    "python -m evaluation.report runs/mine --film": parses(_REPORT_FILM),
    "python -m evaluation.report runs/breakout": parses(_REPORT),
    "cd tests": outside("for the line below"),
    'python -c "from browser import screenshot; from pathlib import Path; '
    "screenshot(Path('../runs/breakout/report.html').resolve().as_uri(), (390, 1500), "
    "Path('phone.png'))\"": outside("test_report_page.py::test_browsers_show_it_whole"),
    "python -m envs.show Breakout": runs("--seconds=1"),
    "python -m replay.show runs/mine": runs(),
    "python -m tabular": runs("--steps=500"),
    "python -m tabular chain --walks=20 --seed=3": runs(),
    "python -m tabular values --discount=0.9,0.95": runs(),
    "python -m tabular learning --steps=200000 --picture=learning.png": runs("--steps=500"),
    # Experiments
    "python -m experiments.run experiment.toml": runs("--dry_run"),
    "python -m experiments.run returns.toml": parses(
        "test_experiments_run.py::test_runs_are_begun_resumed_and_skipped"
    ),
    "python -m experiments.run returns.toml --side_by_side 2": parses(
        "test_experiments_run.py::test_runs_side_by_side_have_cores_of_their_own_and_names"
    ),
    "python -m experiments.run returns.toml --dry_run": runs(),
    "python -m experiments.run steps.toml": runs("--dry_run"),
    "python -m experiments.run experiments/plans/ablations.toml --side_by_side 2": runs(
        "--dry_run"
    ),
    "python -m experiments.run experiments/plans/seeds.toml --side_by_side 2": runs("--dry_run"),
    "python -m experiments.run experiments/plans/cartpole.toml": runs("--dry_run"),
    "python -m experiments.report docs/cartpole": parses("as docs/recipe"),
    "python -m experiments.report docs/policy-gradient": parses("as docs/recipe"),
    "python evaluate.py --run=runs/lander --games=5 --gif=lander.gif": parses("wants box2d"),
    "python -m experiments.report docs/ablations": runs(),
    "python -m experiments.run FILE": parses("FILE is any"),
    "python -m experiments.report runs": parses("test_experiments_report.py::test_page"),
    "python -m experiments.report runs/experiment": parses("test_experiments_report.py::test_page"),
    "python -m experiments.report runs/returns": parses("test_experiments_report.py::test_page"),
    "python -m experiments.report runs/steps --at_iterations 500": parses("as the one of recipe"),
    "python -m experiments.report results/returns": parses("test_experiments_report.py::test_page"),
    "python -m experiments.report runs/returns --collect results/returns": runs(),
    "python -m experiments.report docs/recipe --at_iterations 12000": runs(),
    "python -m experiments.report docs/results": parses("as the one above"),
    # Benchmarks
    "python -m benchmarks.throughput": parses(_RACE),
    "python -m benchmarks.throughput --batch_size=32": parses(_RACE),
    "python -m benchmarks.throughput --json throughput.json": parses(_RACE),
    "python -m benchmarks.peers": parses(_PEERS),
    "python -m benchmarks.peers --json peers.json": parses(_PEERS),
    "python -m benchmarks.learning": parses(_LEARNING),
    "python -m benchmarks.learning --json learning.json": parses(_LEARNING),
    "python -m benchmarks.learning_chart --race=FILE": parses("the one below runs"),
    "python -m benchmarks.learning_chart --race=learning.json --out=docs/scores.png": runs(),
    "python -m benchmarks.stock_learner": parses(_LEARNING),
    "python -m benchmarks.sb3_learner": parses(_PEERS),
    "python -m benchmarks.project_learner": parses(_LEARNING),
    "python -m benchmarks.replay": parses(_RACE),
    "python -m benchmarks.replay --json replay.json": parses(_RACE),
    "python -m benchmarks.memories": runs("--items=1000 --chunks=1"),
    "python -m benchmarks.memories --json memories.json": runs("--items=1000 --chunks=1"),
    "python -m benchmarks.collection": parses(_RACE),
    "python -m benchmarks.growth": parses(_RACE),
    "python -m benchmarks.growth --soak_iterations=50000 --batch_size=8": parses(_RACE),
    "python -m benchmarks.floor": parses(_RACE),
    "python -m benchmarks.project_loop": parses(_RACE),
    "python -m benchmarks.stock_loop": parses(_RACE),
    "python -m benchmarks.sb3_loop": parses(_PEERS),
    "python -m benchmarks.checkpoint": parses(_RACE),
    "python tests/screenshots.py runs custom_scalars images histograms hparams graphs": outside(
        "needs a run with charts and a browser; test_browser.py opens the same pages"
    ),
    "python -m benchmarks.soak --run=RUN --csv=FILE": parses(
        "watches for hours; test_soak.py::test_a_sample_is_of_the_process_and_of_the_newest_row"
    ),
    "python -m benchmarks.soak --run=runs/long --csv=soak.csv -- --iterations 300000": parses(
        "watches for hours; test_soak.py::test_a_sample_is_of_the_process_and_of_the_newest_row"
    ),
    "python -m benchmarks.soak_chart --csv=soak.csv --out=docs/reliability/soak.png": parses(
        "test_soak.py::test_what_grew"
    ),
    "python -m benchmarks.soak_chart --csv=FILE": parses("test_soak.py::test_what_grew"),
    "python -m benchmarks.chart": parses("the one below runs"),
    "python -m benchmarks.chart --races=throughput.json,peers.json --out=docs/speed.png": runs(),
    # Making documents, and testing them
    "python -m scripts.flag_table": outside(
        "test_documents.py::test_table_of_flags_is_what_the_settings_say"
    ),
    "python -m scripts.games_table": outside(
        "test_help.py::test_the_table_says_what_the_emulator_says"
    ),
    "python -m tests.chaos --kills 100": parses(
        "test_chaos.py::test_a_run_that_is_killed_loses_nothing"
    ),
    "python -m tests.fuzz --inputs 10000": parses(
        "test_fuzz.py::test_damaged_inputs_are_refused_or_read_right"
    ),
    "python -m pytest tests/test_catch.py": outside(_PAGE),
    "python -m pytest tests/test_advantage.py": outside(_PAGE),
}


def _with(*ways: str) -> list[str]:
    return [command for command, check in COMMANDS.items() if check.way in ways]


def _arguments(command: str) -> list[str]:
    """Return what stands behind `python`."""
    return shlex.split(command)[1:]


@pytest.fixture(scope="module")
def forked() -> Iterator[ForkedProgram]:
    """TensorFlow and this project, imported once."""
    modules = ["training.session", "training.rehearsal", "evaluation.answer", "evaluation.watch"]
    programs = ForkedProgram([*modules, "evaluation.film", "envs.suite", "agents.qr_dqn"])
    yield programs
    programs.close()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, forked: ForkedProgram) -> Path:
    """A folder with what the commands name: runs, files of experiments, of races and documents."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "pretrained").symlink_to(ROOT / "pretrained")
    for name in ("recipe", "ablations"):
        shutil.copytree(ROOT / "docs" / name, folder / "docs" / name)
    shutil.copytree(ROOT / "experiments" / "plans", folder / "experiments" / "plans")
    for race in ("throughput.json", "peers.json", "learning.json"):
        shutil.copyfile(ROOT / "docs" / "performance" / race, folder / race)
    for name, document in (("returns", "docs/experiments.md"), ("steps", "docs/tutorial.md")):
        (experiment,) = documents.toml_files(document)
        (folder / f"{name}.toml").write_text(experiment)
    shutil.copyfile(folder / "returns.toml", folder / "experiment.toml")
    write_run(folder / "runs", "returns/other/Breakout-seed1")
    status, _, stderr = forked.run(folder, *_arguments(f"{FIRST} {TINY}"))
    assert (status, stderr) == (0, "")
    (trained,) = folder.glob("runs/Breakout-*")
    for name in ("first", "mine", "breakout", "space-invaders"):
        shutil.copytree(trained, folder / "runs" / name)
    return folder


@pytest.mark.parametrize("document", documents.DOCUMENTS)
def test_every_command_of_a_document_is_in_the_table(document: str) -> None:
    unknown = [command for command in documents.commands(document) if command not in COMMANDS]
    assert not unknown, f"say in {Path(__file__).name} how these are checked"


def test_every_command_in_the_table_is_in_a_document() -> None:
    known = {command for name in documents.DOCUMENTS for command in documents.commands(name)}
    assert set(COMMANDS) <= known


@pytest.mark.parametrize("command", [command for command in _with("runs") if command != FIRST])
def test_it_runs(command: str, clone: Path, forked: ForkedProgram) -> None:
    arguments = _arguments(f"{command} {COMMANDS[command].smaller}")
    status, stdout, stderr = forked.run(clone, *arguments)
    assert (status, stderr) == (0, "")
    assert stdout
    for name in re.findall(r"[=\s]([\w/]+\.(?:gif|mp4|webp|png|json))\b", command):
        assert (clone / name).stat().st_size > 0


@pytest.mark.parametrize("command", _with("begins"))
def test_training_begins(command: str, clone: Path, tmp_path: Path, forked: ForkedProgram) -> None:
    if "--resume" in command:
        shutil.copytree(clone / "runs", tmp_path / "runs")
    status, stdout, stderr = forked.run(tmp_path, *_arguments(command), until="begun")
    assert (status, stderr) == (0, "")
    if "--doctor" in command:
        assert stdout.splitlines()[-1].startswith("ready: the run can begin")
        return
    config, _, folder, resumes = json.loads(stdout)
    assert resumes == ("--resume" in command)
    for name, value in re.findall(r"--(\w+)[ =]([^-]\S*)", command):
        said = {**config, "logdir": folder}.get(name, value)
        assert type(said)(value) == said


@pytest.mark.parametrize("command", _with("parses"))
def test_its_flags_are_understood(command: str, tmp_path: Path, forked: ForkedProgram) -> None:
    assert forked.run(tmp_path, *_arguments(command), until="parsed") == (0, "", "")


_EXAMPLES = {
    f"{document} {number}": block.text
    for document in documents.DOCUMENTS
    if document != "docs/extending.md"  # test_extending.py has its own
    for number, block in enumerate(documents.blocks(document))
    if block.language == "python"
}


@pytest.mark.parametrize("example", _EXAMPLES)
def test_an_example_in_python_runs(example: str, clone: Path, forked: ForkedProgram) -> None:
    status, _, stderr = forked.run(clone, "-c", _EXAMPLES[example])
    assert (status, stderr) == (0, "")


def test_a_wrong_flag_is_found(tmp_path: Path, forked: ForkedProgram) -> None:
    wrong = ["-m", "benchmarks.throughput", "--jason=a"]
    assert forked.run(tmp_path, *wrong, until="parsed")[0] == 2


@pytest.mark.parametrize("command", _with("outside"))
def test_the_files_that_it_names_are_there(command: str) -> None:
    words = shlex.split(command)
    if words[0] == "tensorboard":
        program.TensorBoard(default.get_plugins()).configure(argv=words)
    for word in words:
        path = ROOT / word
        if word in ("scripts/check", ".ci/run"):
            assert os.access(path, os.X_OK)
        elif word.endswith((".txt", ".toml", ".py")) and COMMANDS[command].reason != _PAGE:
            assert path.is_file()


def test_the_tests_that_run_commands_are_there() -> None:
    for check in COMMANDS.values():
        for file, test in re.findall(r"(test_\w+\.py)::(test_\w+)", check.reason):
            assert test in documents.names_of(f"tests/{file}"), f"{file} has no {test}"


def test_the_way_from_a_clone_to_a_film_takes_five_commands() -> None:
    text = (ROOT / "docs/tutorial.md").read_text()
    first_block = text.split("\n\n    ")[1].split("\n\n")[0].splitlines()
    assert len(first_block) <= 5
    assert first_block[0].startswith("git clone")
    assert "&&" not in text
    assert "evaluate.py" in first_block[-1]
    assert "--gif" in first_block[-1]
