"""An export's config.json."""

from __future__ import annotations

import json
import random
import zlib
from pathlib import Path

from configs import Config

from .inputs import damaged, forged
from .reader import FindingError, Reader, right


class PolicyConfig(Reader):
    """config.json of an export, and the checksums of its files."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from evaluation.policies import FORMAT

        (folder / "variables").mkdir()
        files = {"saved_model.pb": b"model" * 50, "variables/variables.index": b"index" * 50}
        for name, content in files.items():
            (folder / name).write_bytes(content)
        card = {
            "format": FORMAT,
            "config": Config().to_dict(),
            "iteration": 5,
            "score": 2.5,
            "versions": {"tensorflow": "2.15.1"},
            "files": {name: zlib.crc32(content) for name, content in files.items()},
        }
        self.good, self.files = json.dumps(card).encode(), files

    def feed(self, generator: random.Random) -> None:
        """See the class."""
        from evaluation.files import check_checksums
        from evaluation.policies import PolicyError, read_card

        content = self.good
        model = self.files["saved_model.pb"]
        match generator.randrange(3):
            case 0:
                content = damaged(content, [model], generator)
            case 1:
                content = json.dumps(forged(json.loads(content), generator)).encode()
            case _:
                model = damaged(model, [content], generator)
        (self.folder / "config.json").write_bytes(content)
        (self.folder / "saved_model.pb").write_bytes(model)
        card = read_card(self.folder)
        right(card.config)
        try:
            check_checksums(card.folder, card.files or {})
        except (OSError, ValueError) as error:  # as load_policy does
            raise PolicyError(str(error)) from error
        if card.files and model != self.files["saved_model.pb"]:
            raise FindingError("a damaged SavedModel has the right checksum")
