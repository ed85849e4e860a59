"""The tables against arithmetic by hand, and against policies whose values are solved for."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from console.errors import UserError
from tabular import __main__ as program
from tabular import report
from tabular.chain import FOUR_STATES, mean_lengths, walk
from tabular.learning import LearningRate, q_learning
from tabular.mdp import THREE_STATES, Mdp, mdp_of
from tabular.values import backup, distance, first_q_values, greedy, q_value_iteration

_ROOT = Path(__file__).parents[1]


def _q_values_of(mdp: Mdp, policy: tuple[int, ...], discount: float) -> np.ndarray:
    """Return the Q-values of a policy: its values V = (I - discount P)^-1 R, and a step before."""
    states = range(len(policy))
    probabilities = mdp.probabilities[states, policy]  # [S, S]
    rewards = (probabilities * mdp.rewards[states, policy]).sum(axis=-1)
    values = np.linalg.solve(np.eye(len(policy)) - discount * probabilities, rewards)
    q_values = (mdp.probabilities * (mdp.rewards + discount * values)).sum(axis=-1)
    return np.where(mdp.possible, q_values, -np.inf)


def _best_q_values(mdp: Mdp, discount: float) -> np.ndarray:
    """Return those of the best of all policies, tried one by one."""
    choices = [np.flatnonzero(row) for row in mdp.possible]
    tried = [_q_values_of(mdp, policy, discount) for policy in itertools.product(*choices)]
    return max(tried, key=lambda q_values: q_values.max(axis=-1).sum())


def test_mean_lengths_by_hand() -> None:
    # From s2: one step, then as from s1: t2 = 1 + t1. From s1: t1 = 1 + 0.9 t2, so t1 = 19.
    # From s0: t0 = 1 + 0.7 t0 + 0.2 * 19, so t0 = 4.8 / 0.3.
    assert mean_lengths(FOUR_STATES) == pytest.approx([16, 19, 20, 0])


def test_walks_have_the_lengths_that_they_should() -> None:
    generator = np.random.default_rng(0)
    lengths = [len(walk(FOUR_STATES, 1_000, generator)) - 1 for _ in range(2_000)]
    assert np.mean(lengths) == pytest.approx(16, abs=4 * np.std(lengths) / np.sqrt(2_000))


def test_walks_go_where_there_is_a_way_and_end() -> None:
    generator = np.random.default_rng(3)
    walks = [walk(FOUR_STATES, 20, generator) for _ in range(100)]
    for states in walks:
        assert states[0] == 0
        assert all(FOUR_STATES[here, there] > 0 for here, there in itertools.pairwise(states))
        assert 3 not in states[:-1]
        assert states[-1] == 3 or len(states) == 21
    assert {states[-1] == 3 for states in walks} == {True, False}


def test_a_long_walk_is_cut_where_it_is_printed_and_counts_whole() -> None:
    generator = np.random.default_rng(1)
    walks = [walk(FOUR_STATES, 10_000, generator) for _ in range(100)]
    assert all(states[-1] == 3 for states in walks)
    lengths = [len(states) - 1 for states in walks]
    _, *printed, means = report.chain_lines(100, 1)
    assert means == (
        f"mean steps: {np.mean(lengths):.1f} in these walks; "
        "exactly 16 from s0, 19 from s1, 20 from s2, 0 from s3"
    )
    longest = int(np.argmax(lengths))
    first_steps = " ".join(str(state) for state in walks[longest][:51])
    assert printed[longest] == f"  {first_steps}  (and {lengths[longest] - 50} steps more)"
    shortest = int(np.argmin(lengths))
    assert printed[shortest] == "  " + " ".join(map(str, walks[shortest]))


def test_a_backup_by_hand() -> None:
    q_values = backup(THREE_STATES, first_q_values(THREE_STATES), 0.9)  # rewards alone
    nothing = -np.inf
    assert q_values == pytest.approx(
        np.array([[7, 0, 0], [0, nothing, -50], [nothing, 32, nothing]])
    )
    # Then with the best of the next states, 7, 0 and 32:
    # s0 a0: 7 + 0.9 * 0.7 * 7; s1 a2: -50 + 0.9 * 32; s2 a1: 32 + 0.9 (0.8 * 7 + 0.1 * 32).
    q_values = backup(THREE_STATES, q_values, 0.9)
    assert q_values[0, 0] == pytest.approx(11.41)
    assert q_values[1, 2] == pytest.approx(-21.2)
    assert q_values[2, 1] == pytest.approx(39.92)


def test_values_of_the_first_state_by_hand() -> None:
    # With s1 left alone (0), s0 is 7 + 0.63 V: 7 / 0.37.
    q_values = q_value_iteration(THREE_STATES, 0.9).q_values
    assert q_values[0, 0] == pytest.approx(7 / 0.37)
    assert q_values[0, 1] == pytest.approx(0.9 * 7 / 0.37)


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.9, 0.95, 0.99])
def test_value_iteration_finds_the_best_of_all_policies(discount: float) -> None:
    found = q_value_iteration(THREE_STATES, discount, tolerance=1e-9)
    assert distance(THREE_STATES, found.q_values, _best_q_values(THREE_STATES, discount)) < 2e-9
    assert (np.isneginf(found.q_values) == ~THREE_STATES.possible).all()


def test_patience_makes_the_detour_worth_it() -> None:
    policies = [greedy(q_value_iteration(THREE_STATES, g).q_values).tolist() for g in (0.9, 0.95)]
    assert policies == [[0, 0, 1], [0, 2, 1]]


def test_one_step_of_q_learning_by_hand() -> None:
    # One state, one action, reward 8: Q = 0 + 1/2 (8 - 0), then 4 + 1/4 (8 + 4/2 - 4).
    mdp = mdp_of([[[1.0]]], [[[8.0]]])
    truth = np.array([[16.0]])
    learned = q_learning(mdp, 0.5, 2, LearningRate(0.5, 1.0), 1, truth)
    assert learned.q_values.tolist() == [[5.5]]
    assert learned.errors.tolist() == [16.0, 12.0, 10.5]


def test_q_learning_comes_near_the_truth() -> None:
    truth = q_value_iteration(THREE_STATES, 0.9).q_values
    learned = q_learning(THREE_STATES, 0.9, 20_000, LearningRate(0.2, 0.005), 1, truth)
    assert len(learned.errors) == 20_001
    assert learned.errors[0] == pytest.approx(50.13, abs=0.01)  # all zeros
    assert learned.errors[-1] < 2
    assert learned.errors[-1] == distance(THREE_STATES, learned.q_values, truth)
    assert greedy(learned.q_values).tolist() == [0, 0, 1]


def test_learning_hangs_on_the_seed_and_on_nothing_else() -> None:
    truth = np.zeros((3, 3))
    first, again, other = (
        q_learning(THREE_STATES, 0.9, 300, LearningRate(0.2, 0.005), seed, truth).q_values
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_steps_are_drawn_by_their_probabilities() -> None:
    generator = np.random.default_rng(0)
    drawn = [THREE_STATES.step(2, 1, generator) for _ in range(3_000)]
    assert {reward for state, reward in drawn if state == 0} == {40.0}
    assert {reward for state, reward in drawn if state} == {0.0}
    counts = np.bincount([state for state, _ in drawn], minlength=3)
    expected = np.array([2_400, 300, 300])
    assert ((counts - expected) ** 2 / expected).sum() < 13.8  # chi square, 1 in 1,000


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ([[[0.5, 0.4]], [[0.0, 1.0]]], "sum to 1"),
        ([[[1.5, -0.5]], [[0.0, 1.0]]], "0 or more"),
        ([[[0.5, 0.5]], [None]], "must have an action"),
    ],
)
def test_what_is_no_process_is_refused(probabilities: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mdp_of(probabilities, [[[0.0, 0.0]], [[0.0, 0.0]]])


def test_tables_show_missing_actions_and_the_best() -> None:
    lines = report.values_lines(report.solve([0.9, 0.95]))
    assert "  s1      0.00        -    -4.88  a0" in lines
    assert lines[-1] == "the best policies are different: 0.9: a0 a0 a1; 0.95: a0 a2 a1"
    assert report.values_lines(report.solve([0.9, 0.8]))[-1].startswith("the best policies are the")


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tabular", *arguments]
    environment = {"PYTHONPATH": str(_ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_command_prints_all_and_draws(tmp_path: Path) -> None:
    result = _run(tmp_path, "--steps=500", "--walks=3", "--picture=learning.png")
    assert (result.returncode, result.stderr) == (0, "")
    chain, *_, learning, wrote = result.stdout.split("\n\n")
    assert len(chain.splitlines()) == 1 + 3 + 1
    assert "after 500" in learning
    assert wrote == "wrote learning.png\n"
    with Image.open(tmp_path / "learning.png") as image:
        assert image.width == 1_200


def test_without_matplotlib_a_picture_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.png"
    program._check_picture(file, ["learning"])
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    with pytest.raises(UserError, match="this needs matplotlib; install it with pip install"):
        program._check_picture(file, ["learning"])


def test_all_is_printed_before_a_picture_fails(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to("/dev/full")
    result = _run(tmp_path, "learning", "--steps=500", "--picture=a.png")
    assert result.returncode == 2
    assert "its policy is" in result.stdout
    assert result.stderr == "error: --picture a.png cannot be written (No space left on device)\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chian"], "should be one of <all|chain|values|learning>"),
        (["--discount=1"], "--discount must be numbers from 0 to 0.999"),
        (["--discount=0.9,x"], "but is '0.9,x'"),
        (["--steps=0"], "--steps must be from 1 to 1,000,000, but is 0"),
        (["--learning_rate=nan"], "--learning_rate must be from 0 to 1"),
        (["values", "--picture=a.png"], "--picture is of learning, not of values"),
        (["--picture=no/a.png"], "must be a .png file in a folder to write in, not no/a.png"),
        (["--picture=folder.png"], "must be a .png file in a folder to write in, not folder.png"),
        (["--picture=a.txt"], "must be a .png file"),
    ],
)
def test_mistakes_are_answered_in_a_line(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "folder.png").mkdir()
    result = _run(tmp_path, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
