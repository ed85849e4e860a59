"""TensorBoard's event files: charts, histograms, pictures and films, each at its iteration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.compat.proto import summary_pb2
from tensorboard.plugins.histogram import metadata as histogram_metadata
from tensorboard.plugins.image import metadata as image_metadata

from training.event_files import EventFiles
from training.metrics import Chart, Metric

BUCKETS = 30  # of a histogram, as TensorBoard's own have


class TensorBoard:
    """Writes what TensorBoard shows of a run.

    TensorFlow's own `tf.summary.histogram` would take 240 bytes of memory for each number, and its
    `tf.summary.image` would turn a film into its first picture; so these summaries are put together
    here.

    Args:
      folder: `tensorboard/` in the run's folder.
      kept_bytes: lengths of the files at the checkpoint that is resumed, from `sync`.
    """

    def __init__(self, folder: Path, kept_bytes: Mapping[str, int] | None = None) -> None:
        self._files = EventFiles(folder)
        if kept_bytes is not None:
            self._files.cut_back(kept_bytes)
        self._writer = tf.summary.create_file_writer(str(folder))

    def scalars(self, metrics: Iterable[Metric], row: Mapping[str, float], iteration: int) -> None:
        """Write the points of those metrics that have a chart and stand in `row`."""
        with self._writer.as_default(step=iteration):
            for metric in metrics:
                if metric.tag and metric.name in row:
                    tf.summary.scalar(metric.tag, row[metric.name], description=metric.meaning)
        self.flush()

    def histogram(self, chart: Chart, values: np.ndarray, iteration: int) -> None:
        """Write how often values, float [...], lie where; those that are not finite are left out.

        A bucket is a left edge, a right edge and a count, float64 [buckets, 3].
        """
        counts, edges = np.histogram(values[np.isfinite(values)], BUCKETS)
        buckets = np.stack([edges[:-1], edges[1:], counts], axis=-1)
        metadata = histogram_metadata.create_summary_metadata(None, chart.meaning)
        self._write(chart.tag, metadata, tf.make_tensor_proto(buckets, tf.float64), iteration)

    def picture(self, chart: Chart, encoded: bytes, size: tuple[int, int], iteration: int) -> None:
        """Write a picture, or a film.

        Args:
          chart: its tag and meaning.
          encoded: the bytes of a PNG or GIF file.
          size: (width, height) in pixels.
          iteration: that it shows.
        """
        metadata = image_metadata.create_summary_metadata(None, chart.meaning)
        content = [b"%d" % side for side in size] + [encoded]
        self._write(chart.tag, metadata, tf.make_tensor_proto(content, tf.string), iteration)

    def summary(self, summary: Any, iteration: int = 0) -> None:
        """Write a Summary message as it is."""
        with self._writer.as_default(step=iteration):
            tf.summary.experimental.write_raw_pb(summary.SerializeToString())

    def graph(self, graph: tf.compat.v1.GraphDef) -> None:
        """Write a graph."""
        with self._writer.as_default(step=0):
            tf.summary.graph(graph)

    def flush(self) -> None:
        """Give all to the operating system."""
        self._writer.flush()

    def sync(self) -> dict[str, int]:
        """Wait until the disk has all; return the files' lengths by `tensorboard/NAME`."""
        self.flush()
        return self._files.sync()

    def close(self) -> None:
        """Close the file of this session."""
        self._writer.close()

    def _write(self, tag: str, metadata: Any, tensor: Any, iteration: int) -> None:
        summary = summary_pb2.Summary()
        value = summary.value.add(tag=tag, metadata=metadata)
        value.tensor.ParseFromString(tensor.SerializeToString())
        self.summary(summary, iteration)
