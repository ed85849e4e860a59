"""What is written of an agent that is looked at: every chart, at its iteration, and no more."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)
from tensorboard.util import tensor_util

from configs import PRESETS, Config
from evaluation import gif
from evaluation.film import Film
from evaluation.watch import play_games
from training import looks, parts
from training.looks import Looks
from training.metrics import DEAD_UNITS, FILM, GRADIENTS, Q_VALUES, TD_ERRORS, TRANSITIONS, WEIGHTS
from training.tensorboard import TensorBoard

_SMALL: dict[str, Any] = {
    "precision": "float32",
    "network_width": 0.1,
    "replay_capacity": 500,
    "batch_size": 4,
}
_SEED = 3
_DEAD_UNITS = [f"{DEAD_UNITS.tag}/ReLU_layer_{number}_of_4" for number in range(1, 5)]


def _looked_at(config: Config, folder: Path) -> EventAccumulator:
    """Look at a fresh agent twice; the second time the score is not the best."""
    built = parts.build(config)
    built.collect_at_random(100)
    played = play_games(config, None, games=2, epsilon=1.0, seed=_SEED)
    board, eye = TensorBoard(folder), Looks(built, "default", "my-run", _SEED)
    eye.begin(board)
    eye.evaluated(board, 10, played, is_best=True)
    eye.evaluated(board, 20, played, is_best=False)
    board.close()
    return EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()


def _steps(events: EventAccumulator, plugin: str) -> dict[str, list[int]]:
    tags = events.PluginTagToContent(plugin)
    return {tag: [event.step for event in events.Tensors(tag)] for tag in tags}


def _weight_charts(layers: list[str]) -> set[str]:
    return {
        f"{chart.tag}/{number}_{layer}/{weight}"
        for chart in (WEIGHTS, GRADIENTS)
        for number, layer in enumerate(layers, 1)
        for weight in (("gamma", "beta") if "norm" in layer else ("kernel", "bias"))
    }


@pytest.fixture(scope="module")
def breakout(tmp_path_factory: pytest.TempPathFactory) -> EventAccumulator:
    config = Config(num_envs=1, max_agent_steps_per_game=250, **_SMALL)
    return _looked_at(config, tmp_path_factory.mktemp("breakout"))


def test_every_chart_is_there_with_each_evaluation(breakout: EventAccumulator) -> None:
    head = ["layer_normalization", "dense", "layer_normalization", "dense"]
    layers = ["pixel_conv2d", "conv2d", "conv2d", *head]
    charts = {Q_VALUES.tag, TD_ERRORS.tag, *_weight_charts(layers)}
    assert _steps(breakout, "histograms") == {tag: [10, 20] for tag in charts}
    assert _steps(breakout, "scalars") == {tag: [10, 20] for tag in _DEAD_UNITS}
    assert _steps(breakout, "images") == {TRANSITIONS.tag: [10, 20], FILM.tag: [10]}
    assert _steps(breakout, "custom_scalars") == {"custom_scalars__config__": [0]}
    assert len(breakout.PluginTagToContent("hparams")) == 2
    nodes = breakout.Graph()
    assert {"observation", "QNetwork"} <= {node.split("/")[0] for node in _names(nodes)}


def test_dead_units_are_in_percent(breakout: EventAccumulator) -> None:
    percents = [
        tensor_util.make_ndarray(event.tensor_proto).item()
        for tag in _DEAD_UNITS
        for event in breakout.Tensors(tag)
    ]
    assert all(0 <= percent <= 100 for percent in percents)
    assert max(percents) > 1  # of a fresh dense layer, for pictures that are much alike


def _names(graph: Any) -> list[str]:
    return [node.name for node in graph.node]


def _images(events: EventAccumulator, tag: str) -> list[Image.Image]:
    return [
        Image.open(io.BytesIO(event.tensor_proto.string_val[2])) for event in events.Tensors(tag)
    ]


def test_a_game_that_comes_out_otherwise_is_a_warning_and_no_film(tmp_path: Path) -> None:
    config = Config(num_envs=1, max_agent_steps_per_game=30, **_SMALL)
    built = parts.build(config)
    built.collect_at_random(100)
    (played,) = play_games(config, None, games=1, epsilon=1.0, seed=_SEED)
    board, eye = TensorBoard(tmp_path), Looks(built, "default", "my-run", _SEED)
    told = eye.evaluated(board, 10, [played._replace(score=played.score + 7)], is_best=True)
    assert eye.evaluated(board, 20, [played], is_best=True) == []
    board.close()
    assert len(told) == 1
    assert re.match(r"game 1 had score \S+ after 30 agent steps .*, but played again", told[0])
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0}).Reload()
    assert _steps(events, "images") == {TRANSITIONS.tag: [10, 20], FILM.tag: [20]}


def test_each_batch_is_another_one(breakout: EventAccumulator) -> None:
    one, two = _images(breakout, TRANSITIONS.tag)
    assert one.format == "PNG"
    assert one.size == two.size
    assert one.size[0] > 5 * 84
    assert one.size[1] > 4 * 84  # the whole of a batch that is smaller than what would be shown
    assert not np.array_equal(np.asarray(one), np.asarray(two))


def test_the_film_is_the_beginning_of_a_game(breakout: EventAccumulator) -> None:
    (film,) = _images(breakout, FILM.tag)
    assert film.format == "GIF"
    assert film.size == (160, 210)
    shown_ms = 0
    for number in range(getattr(film, "n_frames", 1)):
        film.seek(number)
        shown_ms += film.info["duration"]
    assert shown_ms == pytest.approx(1_000 * looks.FILM_SECONDS, abs=20)
    (event,) = breakout.Tensors(FILM.tag)
    assert event.tensor_proto.string_val[:2] == [b"160", b"210"]


def test_a_film_that_is_too_big_is_cut() -> None:
    film, generator = Film(10, 10), np.random.default_rng(1)
    for _ in range(60):  # 2 seconds
        film.append(generator.integers(0, 256, (10, 10, 3), np.uint8))
    sizes = {}
    for seconds in (2.0, 1.0, 0.5, 1 / 30):
        file = io.BytesIO()
        gif.write_gif_to(film, file, seconds)
        sizes[seconds] = file.tell()
    assert len(looks.short_gif(film, 2.0, sizes[2.0])) == sizes[2.0]
    assert len(looks.short_gif(film, 2.0, sizes[2.0] - 1)) == sizes[1.0]
    assert len(looks.short_gif(film, 2.0, sizes[0.5])) == sizes[0.5]
    assert len(looks.short_gif(film, 2.0, 1)) == sizes[1 / 30]  # one picture stays


def test_small_games_have_charts_and_no_pictures(tmp_path: Path) -> None:
    config = PRESETS["grid"].replace(prioritized=True, **_SMALL)
    events = _looked_at(config, tmp_path)
    charts = {Q_VALUES.tag, TD_ERRORS.tag, *_weight_charts(["dense"] * 3)}
    assert _steps(events, "histograms") == {tag: [10, 20] for tag in charts}
    assert TRANSITIONS.tag not in events.Tags()["tensors"]
    assert FILM.tag not in events.Tags()["tensors"]
