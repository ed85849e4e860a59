"""Exported policies: found, checked, loaded."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import exported_policy as exported
import numpy as np
import pytest

from evaluation.files import checksum
from evaluation.policies import (
    PolicyError,
    find_policy,
    find_pretrained,
    load_policy,
    read_card,
)


def test_a_loaded_policy_takes_the_greatest_q_value(exported_policy: Path) -> None:
    policy = load_policy(exported_policy)
    assert policy.config == exported.CONFIG
    assert policy.iteration == exported.ITERATION
    assert policy.card.score == 3.5
    observation = np.random.default_rng(1).integers(0, 256, (64, 84, 84, 4), np.uint8)
    q_values = exported.q_values(observation)
    actions = policy(observation)
    assert actions.dtype == np.int64
    np.testing.assert_array_equal(actions, q_values.argmax(axis=1))
    assert len(set(actions.tolist())) > 1
    np.testing.assert_array_equal(policy.choose_actions(observation[:3]), actions[:3])
    assert policy.q_values is not None
    np.testing.assert_allclose(policy.q_values(observation), q_values, rtol=1e-5, atol=1e-5)


def test_old_exports_play_without_q_values(old_exported_policy: Path) -> None:
    policy = load_policy(old_exported_policy)
    observation = np.random.default_rng(1).integers(0, 256, (8, 84, 84, 4), np.uint8)
    np.testing.assert_array_equal(policy(observation), exported.q_values(observation).argmax(1))
    assert policy.q_values is None


def _run(folder: Path, *names: str, time: int = 1) -> Path:
    for name in names:
        (folder / "policies" / name).mkdir(parents=True)
        model = folder / "policies" / name / "saved_model.pb"
        model.touch()
        os.utime(model, (time, time))
    return folder


class TestFind:
    def test_policy_goes_before_run(self, tmp_path: Path) -> None:
        run = _run(tmp_path / "a", "best")
        assert find_policy(run=run, policy=tmp_path / "b") == tmp_path / "b"

    def test_best_goes_before_last(self, tmp_path: Path) -> None:
        both = _run(tmp_path / "both", "best", "last")
        last = _run(tmp_path / "last", "last")
        assert find_policy(run=both) == both / "policies/best"
        assert find_policy(run=str(last)) == last / "policies/last"

    def test_newest_run_that_has_a_policy(self, tmp_path: Path) -> None:
        _run(tmp_path / "old", "best", time=1_000)
        newest = _run(tmp_path / "a-new-one", "last", time=3_000)
        _run(tmp_path / "middle", "best", time=2_000)
        (tmp_path / "without").mkdir()
        (tmp_path / "file").touch()
        assert find_policy(runs_folder=tmp_path) == newest / "policies/last"

    def test_a_run_whose_best_is_old_goes_on(self, tmp_path: Path) -> None:
        goes_on = _run(tmp_path / "goes-on", "best", time=1_000)
        _run(goes_on, "last", time=3_000)
        _run(tmp_path / "finished", "best", "last", time=2_000)
        assert find_policy(runs_folder=tmp_path) == goes_on / "policies/best"

    def test_nothing_found(self, tmp_path: Path) -> None:
        with pytest.raises(PolicyError, match=r"there is no run's folder .*none; name one"):
            find_policy(run=tmp_path / "none")
        with pytest.raises(PolicyError, match="has exported no policy yet"):
            find_policy(run=tmp_path)
        for runs in (tmp_path, tmp_path / "none"):
            with pytest.raises(PolicyError, match=r"no run in the folder .* python train.py"):
                find_policy(runs_folder=runs)


def _edited(**values: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return edit


def _without_iteration(folder: Path) -> None:
    path = folder / "config.json"
    card = json.loads(path.read_text())
    del card["iteration"]
    path.write_text(json.dumps(card))


def _text(text: str) -> Callable[[Path], int]:
    return lambda folder: (folder / "config.json").write_text(text)


_BREAKS: list[tuple[Callable[[Path], object], str]] = [
    (shutil.rmtree, "there is no policy's folder"),
    (lambda folder: (folder / "saved_model.pb").unlink(), "there is no policy in the folder"),
    (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
    (_text("{"), "config.json is broken: Expecting property name"),
    (_text("[]"), "config.json is broken: it is no JSON object"),
    (lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe\xff"), "is broken: 'utf-8'"),
    (_edited(format=2), "is broken: its format is 2, and this program reads 1"),
    (_edited(config=3), "is broken: config is no JSON object"),
    (_edited(config={"gme": "Pong"}), "is broken: there is no setting called 'gme'"),
    (_edited(config={"num_envs": 0}), "is broken: num_envs must be from 1"),
    (_edited(iteration="many"), "is broken: iteration must be a whole number"),
    (_edited(score=float("nan")), "is broken: score must be a number or null"),
    (_edited(versions=3), "is broken: versions is no JSON object"),
    (_edited(files=["saved_model.pb"]), "is broken: files is no JSON object"),
    (_edited(files={}), "is broken: files has no saved_model.pb"),
    (_edited(score="good"), "is broken: score must be a number or null"),
    (_without_iteration, "is broken: 'iteration' is missing"),
]


@pytest.mark.parametrize(("break_it", "sentence"), _BREAKS)
def test_broken_exports_are_told_apart_without_tensorflow(
    tmp_path: Path,
    exported_policy: Path,
    break_it: Callable[[Path], object],
    sentence: str,
) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(exported_policy, folder)
    break_it(folder)
    with pytest.raises(PolicyError, match=sentence) as caught:
        read_card(folder)
    assert str(caught.value).count("\n") == 0
    assert ";" in str(caught.value)  # what is wrong; what to do


def test_a_runs_folder_is_no_policys(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="is a run's folder, so take --run"):
        read_card(_run(tmp_path, "best"))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("saved_model.pb", b"no protobuf"),
        ("saved_model.pb", b""),
        ("variables/variables.index", b"torn"),
        ("variables/variables.data-00000-of-00001", b"torn"),
    ],
)
def test_broken_saved_models(
    tmp_path: Path,
    exported_policy: Path,
    file: str,
    content: bytes,
) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(exported_policy, folder)
    (folder / file).write_bytes(content)
    with pytest.raises(PolicyError, match=r"^the policy in .* cannot be loaded \(.*\); ") as caught:
        load_policy(folder)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("name", ["../config.json", "/etc/passwd", "variables/../../x"])
def test_checksums_are_of_files_in_the_folder(
    tmp_path: Path, exported_policy: Path, name: str
) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(exported_policy, folder)
    model = checksum(folder / "saved_model.pb")
    _edited(files={"saved_model.pb": model, name: 0})(folder)
    with pytest.raises(PolicyError, match=r"is damaged \(.* is no file in its folder\); copy or"):
        load_policy(folder)
    _edited(files={"saved_model.pb": model + 1})(folder)
    with pytest.raises(PolicyError, match=r"is damaged \(saved_model.pb does not match its check"):
        load_policy(folder)


def test_a_saved_model_that_is_no_policy(tmp_path: Path, exported_policy: Path) -> None:
    import tensorflow as tf

    tf.saved_model.save(tf.Module(), str(tmp_path / "module"))
    shutil.copy(exported_policy / "config.json", tmp_path / "module")
    with pytest.raises(PolicyError, match="cannot be loaded"):
        load_policy(tmp_path / "module")


def test_pretrained_policies_are_found_by_their_game(tmp_path: Path) -> None:
    with pytest.raises(
        PolicyError, match=r"for 'Pong' comes with this program; the folder .* none"
    ):
        find_pretrained("Pong", tmp_path)
    policy = tmp_path / "Breakout" / "policy"
    policy.mkdir(parents=True)
    (policy / "saved_model.pb").touch()
    assert find_pretrained("Breakout", tmp_path) == policy
    with pytest.raises(PolicyError, match=r"comes with this program; there is one for Breakout$"):
        find_pretrained("Pong", tmp_path)
