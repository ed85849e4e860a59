"""The command line of train.py."""

from __future__ import annotations

import contextlib
import io
import random
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from configs import Config
from console.errors import UserError

from .inputs import ODD
from .reader import FindingError, Reader, right


class CommandLine(Reader):
    """The flags of train.py, up to where work would begin."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from absl import flags

        if "batch_size" not in flags.FLAGS:
            from console.flags import define_config_flags

            define_config_flags()
        import train

        self.flags, self.main = flags.FLAGS, train.main
        self.number = 0

    def feed(self, generator: random.Random) -> None:
        """See the class."""
        names = [*Config().to_dict(), "preset", "logdir", "resume", "xyzzy", ""]
        values = [value for value in map(str, ODD) if "\0" not in value]  # C's ends there
        argv = ["train.py"]
        for _ in range(generator.randint(1, 3)):
            flag = f"--{generator.choice(names)}"
            match generator.randrange(4):
                case 0:
                    argv.append(flag)
                case 1:
                    argv += [flag, generator.choice(values)]
                case _:
                    argv.append(f"{flag}={generator.choice(values)}")
        self.number += 1
        if not any("logdir" in argument for argument in argv):
            argv.append(f"--logdir={self.folder / str(self.number)}")
        reached: list[Config] = []
        session: Any = ModuleType("training.session")

        def train(config: Config, *_: object, **__: object) -> int:
            reached.append(config)
            return 0

        session.train = train
        self._run(argv, session)
        for config in reached:
            right(config)

    def _run(self, argv: list[str], session: ModuleType) -> None:
        from console.errors import run_main

        stderr = io.StringIO()
        import training

        with (
            mock.patch.dict(sys.modules, {"training.session": session}),
            mock.patch.object(training, "session", session, create=True),
            mock.patch.object(sys, "argv", argv),
            mock.patch("console.quiet.silence"),
            mock.patch("training.run_folder.RunFolder.create"),  # a folder for each of thousands
            contextlib.redirect_stderr(stderr),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            self.flags.unparse_flags()
            for name in self.flags:
                self.flags[name].unparse()
            try:
                run_main(self.main)
            except SystemExit as leaving:
                status = leaving.code
        said = stderr.getvalue()
        if status:
            if not (said.startswith("error: ") and said.count("\n") == 1):
                raise FindingError(f"it ended with {status} and said {said!r}")
            raise UserError(said)
