"""What TensorBoard is told of a run's charts and settings, as its own plugins read it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import metadata

from configs import PRESETS
from training import dashboard
from training.metrics import (
    CHARTED_METRICS,
    DEAD_UNITS,
    EVALUATION_METRICS,
    FILM,
    PROGRESS_METRICS,
    TD_ERRORS,
)
from training.tensorboard import BUCKETS, TensorBoard

_TAGS = {metric.tag for metric in (*PROGRESS_METRICS, *EVALUATION_METRICS, *CHARTED_METRICS)}
_DEAD_UNITS = {f"{DEAD_UNITS.tag}/ReLU_layer_{number}_of_4" for number in range(1, 5)}


def _written(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()


def test_the_first_page_has_charts_that_are_there() -> None:
    layout = layout_pb2.Layout.FromString(dashboard.layout().value[0].tensor.string_val[0])
    (page,) = layout.category
    titles = [chart.title for chart in page.chart]
    assert titles[:3] == [
        "evaluation score",
        "evaluation score, from least to greatest",
        "training score",
    ]
    for chart in page.chart:
        for pattern in chart.multiline.tag:
            lines = {tag for tag in _TAGS | _DEAD_UNITS if re.search(pattern, tag)}
            assert lines == (_DEAD_UNITS if ".+" in pattern else {pattern.strip("^$")})
        for series in chart.margin.series:
            assert {series.value, series.lower, series.upper} <= _TAGS
    assert sum(bool(chart.margin.series) for chart in page.chart) == 1


def test_the_table_of_runs_has_what_differs_from_the_preset() -> None:
    config = PRESETS["rainbow"].replace(batch_size=48, discount=0.97, eval_games=3, noisy=False)
    experiment, start = dashboard.settings(config, "rainbow", "my-run")
    columns = metadata.parse_experiment_plugin_data(
        experiment.value[0].metadata.plugin_data.content
    )
    names = {info.name for info in columns.hparam_infos}
    assert names == {*dashboard.SETTINGS_SHOWN, "discount", "noisy"}
    assert {info.name.tag for info in columns.metric_infos} == set(dashboard.SCORES_SHOWN) <= _TAGS
    (meaning,) = (info.description for info in columns.hparam_infos if info.name == "discount")
    assert meaning
    values = metadata.parse_session_start_info_plugin_data(
        start.value[0].metadata.plugin_data.content
    )
    assert values.group_name == "my-run"
    assert set(values.hparams) == {"preset", *config.to_dict()}
    assert values.hparams["preset"].string_value == "rainbow"
    assert values.hparams["batch_size"].number_value == 48
    assert values.hparams["discount"].number_value == 0.97
    assert values.hparams["noisy"].bool_value is False


def test_a_histogram_counts_finite_values(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    values = np.array([[0.0, 0.1, 0.1], [3.0, np.nan, np.inf]], np.float32)
    board.histogram(TD_ERRORS, values, 7)
    board.close()
    events = _written(tmp_path)
    assert events.PluginTagToContent("histograms").keys() == {TD_ERRORS.tag}
    assert events.SummaryMetadata(TD_ERRORS.tag).summary_description == TD_ERRORS.meaning
    (event,) = events.Tensors(TD_ERRORS.tag)
    assert event.step == 7
    buckets = np.array(event.tensor_proto.double_val or np.frombuffer(
        event.tensor_proto.tensor_content, np.float64
    )).reshape(BUCKETS, 3)  # fmt: skip
    assert {row: count for row, count in enumerate(buckets[:, 2].tolist()) if count} == {
        0: 1,
        1: 2,  # 0.1 to 0.2
        29: 1,
    }
    assert buckets[1, :2] == pytest.approx([0.1, 0.2])


def test_a_film_stays_the_file_that_it_is(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path)
    board.picture(FILM, b"GIF89a and so on", (160, 210), 5)
    board.close()
    events = _written(tmp_path)
    assert events.PluginTagToContent("images").keys() == {FILM.tag}
    (event,) = events.Tensors(FILM.tag)
    assert list(event.tensor_proto.string_val) == [b"160", b"210", b"GIF89a and so on"]
