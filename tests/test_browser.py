"""What a reader of TensorBoard sees of a run, in a real browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from browser import PROGRAM, WHY_SKIPPED, Page, opened
from PIL import Image
from tensorboard_server import served

from configs import Config
from evaluation.film import Film
from evaluation.gif import write_gif_to
from training import dashboard
from training.metrics import (
    CHARTED_METRICS,
    EVALUATION_METRICS,
    FILM,
    PROGRESS_METRICS,
    TD_ERRORS,
    TRANSITIONS,
)
from training.tensorboard import TensorBoard

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=WHY_SKIPPED)

_WIDTH, _HEIGHT = 40, 30  # of the film


def _film() -> bytes:
    film, file = Film(_HEIGHT, _WIDTH), io.BytesIO()
    for shade in (0, 90, 180):
        film.append(np.full((_HEIGHT, _WIDTH, 3), shade, np.uint8))
    write_gif_to(film, file, 0)
    return file.getvalue()


def _write(folder: Path) -> None:
    """Write what a run writes, of each kind a little."""
    board, config = TensorBoard(folder), Config()
    for summary in (dashboard.layout(), *dashboard.settings(config, "default", "my-run")):
        board.summary(summary)
    picture, file = Image.new("L", (60, 20), 128), io.BytesIO()
    picture.save(file, "png")
    metrics = (*PROGRESS_METRICS, *EVALUATION_METRICS, *CHARTED_METRICS)
    for iteration in (10, 20):
        row = {metric.name: 12.5 + iteration for metric in metrics}
        board.scalars(metrics, row, iteration)
        board.histogram(TD_ERRORS, np.arange(9) + iteration, iteration)
        board.picture(TRANSITIONS, file.getvalue(), picture.size, iteration)
        board.picture(FILM, _film(), (_WIDTH, _HEIGHT), iteration)

    @tf.function
    def q_values(observation: tf.Tensor) -> tf.Tensor:
        return tf.square(observation, name="QNet")

    spec = tf.TensorSpec([2], tf.float32, name="observation")
    board.graph(q_values.get_concrete_function(spec).graph.as_graph_def())
    board.close()


class _Board(NamedTuple):
    """TensorBoard in a browser."""

    page: Page
    address: str

    def show(self, tab: str, *expected: str) -> None:
        """Open a tab and wait until all `expected` is to be read there, spaces aside."""
        # A query that is new makes the browser load the page anew.
        self.page.show(f"{self.address}/?tab={tab}#{tab}", (1_400, 1_000))
        for text in expected:
            self.page.wait_for(f"texts(document.body).replaceAll(' ', '').includes('{text}')")


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Board]:
    folder = tmp_path_factory.mktemp("runs") / "my-run" / "tensorboard"
    _write(folder)
    with served(folder.parent.parent) as address, opened(address, (1_400, 1_000)) as page:
        yield _Board(page, address)


def test_the_first_page_shows_charts_and_pictures(board: _Board) -> None:
    # Only the first six cards of a group are drawn before one turns the page.
    board.show("timeseries", FILM.tag, "evaluation/return_mean", "evaluation/score_greatest")
    board.show("scalars", "evaluation/score_mean", "learning/loss")
    assert board.page.errors == []


def test_the_custom_layout_has_the_charts_that_matter(board: _Board) -> None:
    board.show("custom_scalars", "Therunataglance")
    text = board.page.text()
    for title in dashboard.FIRST_PAGE:
        assert title in text
    # Each line of each chart has found its points.
    board.page.wait_for(
        f"texts(document.body).split('Matches (').length > {len(dashboard.FIRST_PAGE)}"
    )


def test_a_picture_and_a_film_are_shown(board: _Board) -> None:
    board.show("images", TRANSITIONS.tag, FILM.tag)
    for width, height in ((60, 20), (_WIDTH, _HEIGHT)):
        size = f"i.naturalWidth == {width} && i.naturalHeight == {height}"
        board.page.wait_for(f"all('img').some(i => i.complete && {size})")
    film = f"all('img').find(i => i.naturalWidth == {_WIDTH}).src"
    start = board.page.evaluate(f"fetch({film}).then(a => a.text()).then(t => t.slice(0, 6))")
    assert start == "GIF89a"  # it moves


def test_histograms_are_shown(board: _Board) -> None:
    board.show("histograms", TD_ERRORS.tag)
    board.page.wait_for("all('vz-histogram-timeseries').length && all('path').length > 2")


def test_the_table_of_runs_has_settings_and_scores(board: _Board) -> None:
    board.show("hparams", "my-run", "qr_dqn", "bestevaluationscore", "32.5")


def test_the_network_is_drawn(board: _Board) -> None:
    board.show("graphs", "QNet", "observ")  # it cuts names short
