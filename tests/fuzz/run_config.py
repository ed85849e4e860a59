"""A run's config.json."""

from __future__ import annotations

import json
import random
from pathlib import Path

from configs import Config

from .inputs import damaged, forged
from .reader import FindingError, Reader, right


class RunConfig(Reader):
    """config.json of a run, as --resume reads it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from training.run_folder import RunFolder

        self.run = RunFolder(folder)
        self.run.write_config(Config(), "default", {"device": "CPU"})
        self.good = self.run.config_file.read_bytes()

    def feed(self, generator: random.Random) -> None:
        """See the class."""
        if generator.random() < 0.5:
            content = damaged(self.good, [self.good], generator)
        else:
            content = json.dumps(forged(json.loads(self.good), generator)).encode()
        self.run.config_file.write_bytes(content)
        config, preset = self.run.read_config()
        right(config)
        if not isinstance(preset, str):
            raise FindingError(f"the preset is {preset!r}")
