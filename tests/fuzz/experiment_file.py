"""An experiment's TOML file."""

from __future__ import annotations

import random

from .inputs import damaged
from .reader import FindingError, Reader, right


class ExperimentFile(Reader):
    """An experiment's TOML file."""

    _GOOD = (
        b'preset = "default"\ngames = ["Breakout", "Pong"]\nseeds = [1, 2]\nout_dir = "runs/x"\n'
        b"[settings]\niterations = 20_000\nlearning_rate = 1e-4\ndiscount = 1\n"
        b'[variants.base]\n[variants.one-step]\nn_step = 1\n[variants.book]\npreset = "notebook"\n'
    )
    _LINES = (
        b"seeds = [true]", b"n_step = 1e3", b"discount = nan", b"games = []", b"[settings.a]",
        b"[[variants]]", b"seed = 3", b'"" = 1', b"iterations = 1979-05-27",
        b"batch_size = " + b"9" * 400, b'["variants"."../x"]', b"preset = {}",
        b'agent = "\\u0000"', b"replay_capacity = 100000000",
    )  # fmt: skip

    def feed(self, generator: random.Random) -> None:
        """See the class."""
        from experiments.plan import read_plan

        content = self._GOOD
        if generator.random() < 0.5:
            lines = content.splitlines()
            lines.insert(generator.randrange(len(lines) + 1), generator.choice(self._LINES))
            content = b"\n".join(lines)
        if content == self._GOOD or generator.random() < 0.3:
            content = damaged(content, [self._GOOD], generator)
        file = self.folder / "experiment.toml"
        file.write_bytes(content)
        for run in read_plan(file):
            right(run.config)
            if "/" in run.variant or ".." in run.path.relative_to(run.path.parents[1]).parts:
                raise FindingError(f"the run of {run.variant!r} is in {run.path}")
