"""The page of a run, which tells of what is damaged instead of refusing it."""

from __future__ import annotations

import random
import re
from pathlib import Path

from console.errors import UserError

from .inputs import damaged
from .reader import FindingError
from .records import Records


class ReportPage(Records):
    """config.json, metrics.csv, evaluations.csv and warnings.csv; a remark counts as a refusal."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.good["warnings.csv"] = b'iteration,warning\n100,"the loss rose, 10 times"\n'

    def feed(self, generator: random.Random) -> None:
        """See the class."""
        from evaluation.page.document import page
        from evaluation.page.elements import to_html
        from evaluation.page.record import read_run

        hit = generator.choice(list(self.good))
        for name, good in self.good.items():
            content = damaged(good, list(self.good.values()), generator) if name == hit else good
            (self.run / name).write_bytes(content)
        record = read_run(self.run)
        html = to_html(page(record))
        html.decode()
        if re.search(rb'<[a-z]+ [^>]*[ ",]-?(nan|inf)[ ",]', html):
            raise FindingError("a curve goes through a place that is no number")
        if record.remarks:
            raise UserError(record.remarks[0])
