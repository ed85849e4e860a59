"""What a session does before it trains: the order of things, and the seeds."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
import tensorflow as tf

from configs import Config
from console.errors import UserError
from training import parts, precision, session
from training.milestones import evaluation_seed
from training.run_folder import RunFolder


class _ReachedError(Exception):
    """The parts would be built now."""


def test_gpu_is_set_up_before_anything_runs_on_it(tmp_path: Path) -> None:
    tape: list[str] = []

    def decide(config: Config) -> str:
        tape.append("measure")
        return "float32"

    with (
        mock.patch.object(tf.config, "list_physical_devices", return_value=["gpu"]),
        mock.patch.object(
            tf.config.experimental,
            "set_memory_growth",
            side_effect=lambda *_, **__: tape.append("memory growth"),
        ),
        mock.patch.object(
            tf.config.experimental, "get_device_details", return_value={"device_name": "a GPU"}
        ),
        mock.patch.object(precision, "decide", decide),
        mock.patch.object(parts, "build", side_effect=_ReachedError),
        pytest.raises(_ReachedError),
    ):
        session.train(Config(), "default", RunFolder(tmp_path), resume=False)
    assert tape == ["memory growth", "measure"]


@pytest.mark.parametrize("name", ["metrics.csv", "warnings.csv"])  # the first and the last
def test_a_resume_that_lacks_rows_changes_nothing(tmp_path: Path, name: str) -> None:
    config = Config(
        game="grid", agent="dqn", num_envs=2, batch_size=4, initial_collect_steps=40,
        replay_capacity=400, iterations=2, eval_period=0, overlap=False,
    )  # fmt: skip
    folder = RunFolder(tmp_path)
    folder.create()
    assert session.train(config, "grid", folder, resume=False) == 0
    for path in tmp_path.glob("*.csv"):
        with path.open("a") as file:
            file.write("a row behind the checkpoint\n")
    (tmp_path / name).write_text("x")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=rf"{name} is shorter than its checkpoint knows it"):
        session.train(config.replace(iterations=4), "grid", folder, resume=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_page_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert session.page_of_run(folder) == (
        f"warning: the report of the run was not written (there is no run in {tmp_path}: it has no "
        f"config.json; name a run's folder); try python -m evaluation.report {tmp_path}"
    )
    folder.write_config(Config(), "default", {})
    with mock.patch.object(session, "write_page", side_effect=MemoryError):
        assert session.page_of_run(folder).startswith(
            "warning: the report of the run was not written (MemoryError); try python -m "
        )
    assert session.page_of_run(folder) == f"report of the run: {tmp_path}/report.html"
    assert (tmp_path / "report.html").read_bytes().startswith(b"<!DOCTYPE html>")


def test_games_after_a_resume_are_others() -> None:
    seeds = [session.games_seed(seed, done) for seed in (1, 2) for done in (0, 100, 200)]
    assert seeds[0] == 1
    assert seeds[3] == 2
    assert len(set(seeds)) == 6
    assert session.games_seed(1, 100) == session.games_seed(1, 100)


def test_policy_is_not_chosen_by_the_games_of_a_report() -> None:
    seeds = {evaluation_seed(seed) for seed in range(1_000)}
    assert len(seeds) == 1_000
    assert min(seeds) > 10_000  # nobody types these
