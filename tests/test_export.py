"""Exports of policies: the one before is there until the next is whole."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.policies import policy_saver
from tf_agents.trajectories import time_step as ts
from two_states import ACTION, PICTURE

import agents
from configs import Config
from training import export


class _Saver:
    def __init__(self, policy: object, batch_size: None) -> None: ...

    policy = tf.Module()

    def register_function(self, name: str, function: object, spec: object) -> None: ...

    def save(self, folder: str) -> None:
        (Path(folder) / "variables").mkdir(parents=True)
        (Path(folder) / "saved_model.pb").write_bytes(b"123456789")
        (Path(folder) / "variables" / "variables.index").write_bytes(b"")


def _exporter(folder: Path) -> export.Exporter:
    parts: Any = SimpleNamespace(config=Config(), agent=SimpleNamespace(policy=mock.Mock()))
    with mock.patch.object(policy_saver, "PolicySaver", _Saver):
        return export.exporter_of(folder, parts)


def test_export_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    exporter = _exporter(tmp_path)
    for iteration in (1, 2):
        assert exporter.export("best", iteration, 3.0) == tmp_path / "best"
    assert f'"iteration": {2}' in (tmp_path / "best/config.json").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def test_policy_that_a_kill_left_aside_is_brought_back_if_the_next_fails(tmp_path: Path) -> None:
    exporter = _exporter(tmp_path)
    exporter.export("best", 1, 3.0)
    (tmp_path / "best").rename(tmp_path / ".best.old.77")
    failing = mock.patch.object(export, "write_json", side_effect=OSError("the disk is full"))
    with failing, pytest.raises(OSError, match="the disk is full"):
        exporter.export("best", 2, 4.0)
    assert '"iteration": 1' in (tmp_path / "best/config.json").read_text()


def test_the_score_of_an_export_is_known(tmp_path: Path) -> None:
    exporter = _exporter(tmp_path)
    assert exporter.score_of("best") is None
    exporter.export("best", 1, 3.0)
    (tmp_path / "best").rename(tmp_path / ".best.old.77")  # by a kill
    assert _exporter(tmp_path).score_of("best") == 3.0
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def test_export_has_the_checksums_of_its_files(tmp_path: Path) -> None:
    folder = _exporter(tmp_path).export("last", 1, None)
    card = json.loads((folder / "config.json").read_text())
    # CRC-32 of "123456789" is the algorithm's published check value.
    assert card["files"] == {"saved_model.pb": 0xCBF43926, "variables/variables.index": 0}


def test_export_that_finds_no_room_leaves_the_one_before_and_nothing_else(tmp_path: Path) -> None:
    exporter = _exporter(tmp_path)
    exporter.export("last", 1, None)
    failing = mock.patch.object(export, "write_json", side_effect=OSError("the disk is full"))
    with failing, pytest.raises(OSError, match="the disk is full"):
        exporter.export("last", 2, None)
    assert [path.name for path in tmp_path.iterdir()] == ["last"]
    assert json.loads((tmp_path / "last" / "config.json").read_text())["iteration"] == 1


def test_later_exports_have_the_first_ones_graph_and_their_own_weights(tmp_path: Path) -> None:
    """With noisy layers, whose generators are in a SavedModel too."""
    config = Config(agent="dqn", noisy=True, network_width=0.05, precision="float32")
    agent = agents.build(ts.time_step_spec(PICTURE), ACTION, config)
    parts: Any = SimpleNamespace(config=config, agent=agent)
    exporter = export.exporter_of(tmp_path, parts)
    pictures = tf.constant(np.random.default_rng(0).integers(0, 256, (3, 84, 84, 4), np.uint8))
    graphs = set()
    with mock.patch.object(exporter._saver, "save", wraps=exporter._saver.save) as save:
        for name in ("best", "last", "last"):
            for variable in agent.policy.variables():
                variable.assign_add(tf.random.stateless_normal(variable.shape, [1, 2]))
            folder = exporter.export(name, 1, None)
            card = json.loads((folder / "config.json").read_text())
            graphs.add(card["files"]["saved_model.pb"])
            loaded = tf.saved_model.load(str(folder))
            # Of sums over hundreds that nearly cancel, 1e-4 is what another order of adding leaves.
            np.testing.assert_allclose(
                loaded.q_values(pictures),
                exporter._saver.policy.q_values(pictures),
                rtol=1e-5,
                atol=1e-4,
            )
            chosen = loaded.action(ts.restart(pictures, batch_size=3)).action
            expected = agent.policy.action(ts.restart(pictures, batch_size=3)).action
            np.testing.assert_array_equal(chosen, expected)
    assert save.call_count == len(graphs) == 1
