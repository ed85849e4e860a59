"""The CSV files of a run."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np

from configs import Config
from console.errors import UserError

from .inputs import damaged
from .reader import FindingError, Reader


class Records(Reader):
    """config.json, metrics.csv and evaluations.csv of a run, as a report reads them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.run = folder / "base" / "run"
        self.run.mkdir(parents=True)
        self.good = {
            "config.json": json.dumps({"config": Config().to_dict()}).encode(),
            "metrics.csv": b"iteration,minutes,frames,score_mean_30_games\n"
            b"100,1,900,\n200,2,1800,3.5\n",
            "evaluations.csv": b"iteration,score_mean,score_std\n100,8,0\n200,16,1.5\n",
        }

    def feed(self, generator: random.Random) -> None:
        """See the class."""
        from experiments.records import read_records

        hit = generator.choice(list(self.good))
        for name, good in self.good.items():
            content = damaged(good, list(self.good.values()), generator) if name == hit else good
            (self.run / name).write_bytes(content)
        records, left_out = read_records(self.folder)
        if left_out:
            raise UserError(left_out[0])
        for curve in (records[0].training, records[0].evaluation):
            if not np.isfinite(curve.scores).all():
                raise FindingError(f"a score is {curve.scores}")
            for axis, x in curve.axes.items():
                if not np.isfinite(x).all() or np.any(np.diff(x) < 0):
                    raise FindingError(f"{axis} is {x}")
                curve.at(axis, 150.0)
