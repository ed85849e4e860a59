"""Checkpoints that do not belong here, or must not be written: a sentence, and no loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import tensorflow as tf
from small_parts import SmallParts

from configs import Config
from console.errors import UserError
from training import checkpoint_state
from training.checkpoint import Checkpoints
from training.run_folder import RunFolder, versions


def _small(config: Config | None = None) -> SmallParts:
    small = SmallParts(1, config)
    small.work(2)
    return small


def _checkpoints(folder: Path, small: SmallParts) -> Checkpoints:
    any_parts: Any = small
    return Checkpoints(RunFolder(folder), any_parts)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"game": "Pong"}, "game is Pong there and Breakout in config.json"),
        ({"agent": "c51"}, "agent is c51 there and qr_dqn in config.json"),
        ({"network_width": 1.0}, "network_width is 1.0 there and 0.5 in config.json"),
        ({"replay_capacity": 500}, "replay_capacity is 500 there and 200000 in config.json"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    _checkpoints(tmp_path, _small(Config(iterations=7, **changes))).save(10, {})
    with pytest.raises(UserError) as caught:
        _checkpoints(tmp_path, _small(Config(iterations=9))).restore(pytest.fail)
    assert str(caught.value) == (
        f"checkpoint 000000010 of {tmp_path} is of a run with other numbers: {reason}; "
        "put back the config.json or the checkpoints that belong here"
    )
    assert _names(tmp_path / "checkpoints") == ["000000010"]


def test_a_checkpoint_of_another_format_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.checkpoint_state.FORMAT", 1)
    _checkpoints(tmp_path, _small()).save(5, {})
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"000000005 of .* was written by another version"):
        _checkpoints(tmp_path, _small()).restore(pytest.fail)


def test_other_networks_under_the_same_config_are_refused(tmp_path: Path) -> None:
    _checkpoints(tmp_path, _small()).save(10, {})
    other = _small()
    other.variables["weight"] = tf.Variable([1.0] * 4)
    with pytest.raises(UserError, match=r"does not fit the networks that config\.json and this"):
        _checkpoints(tmp_path, other).restore(pytest.fail)


def test_another_tensorflow_is_told_and_tried(tmp_path: Path) -> None:
    older = {**versions(), "tensorflow": "2.14.0"}
    with mock.patch("training.checkpoint_state.versions", return_value=older):
        _checkpoints(tmp_path, _small()).save(10, {})
    said: list[str] = []
    assert _checkpoints(tmp_path, _small()).restore(said.append) == (10, {})
    assert said == [
        f"checkpoint 000000010 of {tmp_path} was written with other versions (tensorflow 2.14.0 "
        f"then and {tf.__version__} now): the run goes on, but not as it would have"
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_bad_state_takes_no_good_ones_place(tmp_path: Path, value: float) -> None:
    small = _small()
    checkpoints = _checkpoints(tmp_path, small)
    checkpoints.save(10, {})
    good = small.contents()
    small.weight.assign([1.0, 1.0, value])
    with pytest.raises(UserError) as caught:
        checkpoints.save(10, {})
    assert str(caught.value) == (
        "a number of weight became infinite or NaN by iteration 10; checkpoint 10 is kept; "
        f"go on with: python train.py --logdir {tmp_path} --resume --learning_rate=0.0004"
    )
    assert _names(tmp_path / "checkpoints") == ["000000010"]
    restored = SmallParts(2)
    _checkpoints(tmp_path, restored).restore(pytest.fail)
    assert restored.contents() == good


def test_names_in_a_checkpoint_lead_nowhere_else(tmp_path: Path) -> None:
    _checkpoints(tmp_path, _small()).save(10, {})
    path = tmp_path / "checkpoints" / "000000010" / "state.json"
    for name in ("../../config.json", "/etc/passwd", "..", ""):
        content = json.loads(path.read_text())
        del content["checksum"]
        content["files"] = {name: 0}
        path.write_text(json.dumps({**content, "checksum": checkpoint_state.checksum_of(content)}))
        said: list[str] = []
        with pytest.raises(UserError, match="none of 1 is whole"):
            _checkpoints(tmp_path, _small()).restore(said.append)
        assert "is no file in its folder" in said[0]
