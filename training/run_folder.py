"""The folder of a run: its config.json, and where things are."""

from __future__ import annotations

import datetime
import fcntl
import importlib.metadata
import json
import os
import platform
import re
import shlex
import sys
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from configs import Config, ConfigError
from configs.programs import DQN
from configs.recipe import LEARNING_RATE, NO_PART_OF_A_RECIPE
from configs.settings import S, Settings
from console.errors import UserError
from evaluation.files import read_object, replaced_file
from replay.durable import make_folder, sync
from training.machine import is_there

RUNS = Path("runs")
CONFIG_FORMAT = 1
MAY_CHANGE = NO_PART_OF_A_RECIPE.union(LEARNING_RATE)
"""Settings that may be others at a resume."""

_VERSIONS_OF = ("tensorflow", "tf-agents", "ale-py", "gym", "numpy", "opencv-python-headless")


class RunFolder:
    """Where the files of one run are.

    Args:
      path: of the folder; it need not be there yet.
      program: that trains in it, as it is typed.

    Attributes:
      quoted: the path as a shell takes it.
      resume_command: what goes on with the run.
    """

    def __init__(self, path: Path, program: str = DQN.command) -> None:
        self.path = path
        self._program = program
        self.quoted = shlex.quote(str(path))
        self.resume_command = f"{program} --logdir {self.quoted} --resume"
        self.config_file = path / "config.json"
        self.checkpoints = path / "checkpoints"
        self.replay = path / "replay"
        self.policies = path / "policies"
        self.tensorboard = path / "tensorboard"

    @property
    def exists(self) -> bool:
        """Whether a run has been started here."""
        return is_there(self.config_file)

    def create(self) -> None:
        """Make the folder, see that it can be written, and keep other processes out of it.

        Raises:
          UserError: if it cannot be written or locked, or another process trains in it.
        """
        try:
            make_folder(self.path)
            self._lock = (self.path / ".lock").open("a")
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = error.strerror if isinstance(error, OSError) else error
            raise UserError(
                f"the folder {self.path} cannot be written ({reason}); {self.way_to_write()}"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until the process ends
        except BlockingIOError as error:
            elsewhere = "" if self.exists else ", or give another --logdir"
            raise UserError(
                f"another process is training in {self.path}; stop it first{elsewhere}"
            ) from error
        except OSError as error:  # not every network disk has locks
            way = "move it to" if self.exists else "give a --logdir on"
            raise UserError(
                f"the folder {self.path} cannot be locked ({error.strerror}); {way} another disk"
            ) from error

    def way_to_write(self) -> str:
        """Return what to do when the folder cannot be written: a run goes on only where it is."""
        return "make it writable" if self.exists else "give another with --logdir"

    def checkpoint_paths(self) -> list[Path]:
        """Return the folders of the checkpoints, whole or torn, oldest first.

        One that was put aside to be replaced, and was not because of a kill, is among them.
        """
        if not self.checkpoints.is_dir():
            return []
        folders = {path.name: path for path in self.checkpoints.iterdir()}
        for name in [name for name in folders if re.fullmatch(r"\.\d{9,}\.old", name)]:
            folders.setdefault(name[1:-4], folders[name])
        names = [name for name in folders if re.fullmatch(r"\d{9,}", name, re.ASCII)]
        return [folders[name] for name in sorted(names, key=int)]

    def checkpoint_aside(self, name: str) -> Path:
        """Return where a checkpoint is while another takes its name."""
        return self.checkpoints / f".{name}.old"

    @staticmethod
    def iteration_of(checkpoint: Path) -> int:
        """Return the iteration that names one of `checkpoint_paths`."""
        return int(checkpoint.name.removeprefix(".").removesuffix(".old"))

    def iterations_done(self) -> int:
        """Return the iterations of the newest checkpoint.

        Raises:
          UserError: if there is none.
        """
        paths = self.checkpoint_paths()
        if not paths:
            raise UserError(
                f"{self.path} has no checkpoint to resume from: it was ended before the first; "
                "start another run, in another --logdir"
            )
        return self.iteration_of(paths[-1])

    def write_config(self, config: Settings, preset: str, facts: Mapping[str, Any]) -> None:
        """Write config.json: all numbers and, for this session and those before it, how it ran.

        Args:
          config: of the run.
          preset: what its numbers began from.
          facts: JSON values about the machine and the device of this session.
        """
        sessions = json.loads(self.config_file.read_text())["sessions"] if self.exists else []
        session = {
            "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "command": [*self._program.split(), *sys.argv[1:]],
            "versions": versions(),
            **facts,
        }
        write_json(
            self.config_file,
            {
                "format": CONFIG_FORMAT,
                "program": self._program,
                "preset": preset,
                "config": config.to_dict(),
                "sessions": [*sessions, session],
            },
        )

    def read_config(self) -> tuple[Config, str]:
        """Return the config and the preset's name that a run of DQN was started with.

        Raises:
          UserError: as `read_settings`.
        """
        return self.read_settings(Config)

    def read_settings(self, settings: type[S]) -> tuple[S, str]:
        """Return the settings and the preset's name that the run was started with.

        Args:
          settings: of which kind they are.

        Raises:
          UserError: if there is no run here, or its config.json is broken.
        """
        if not self.exists:
            raise UserError(
                f"there is no run in {self.path} to resume: it has no config.json; "
                "leave --resume out to start one"
            )
        try:
            content = read_object(self.config_file)
            if content["format"] != CONFIG_FORMAT:
                raise ValueError(
                    f"its format is {content['format']!r}, and this program reads {CONFIG_FORMAT}"
                )
            program = content.get("program", DQN.command)  # runs of older programs do not say
            if program != self._program:
                raise UserError(
                    f"the run in {self.path} is one of {program}; go on with it by "
                    f"{program} --logdir {self.quoted} --resume"
                )
            for name, kind in (("sessions", list), ("config", dict), ("preset", str)):
                if not isinstance(content[name], kind):
                    raise TypeError(f"{name} is no {kind.__name__}")
            return settings.from_dict(content["config"]), content["preset"]
        except (OSError, ValueError, KeyError, TypeError, ConfigError) as error:
            raise UserError(
                f"{self.config_file} is broken ({error}); restore it, or start another run"
            ) from error


def new_run_path(game: str, agent: str) -> Path:
    """Return a new folder's path under runs/, named by game, agent and time."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    path = RUNS / f"{game}-{agent}-{stamp}"
    number = 2
    while is_there(path):
        path = RUNS / f"{game}-{agent}-{stamp}-{number}"
        number += 1
    return path


def resumed_config(
    saved: S,
    asked: Mapping[str, Any],
    done: int,
    may_change: Set[str] = MAY_CHANGE,
    advice: str = "leave these flags out, or start another run",
) -> S:
    """Return a run's config, with the settings that `may_change` names as they are asked for.

    Args:
      saved: what the run was started with.
      asked: settings of the command line.
      done: iterations of the newest checkpoint.
      may_change: names of settings.
      advice: what to do where other settings differ.

    Raises:
      UserError: if `asked` contradicts a number that decides what is learned; all are named. If it
        asks for fewer iterations than are done.
      ConfigError: if a number is out of range.
    """
    if asked.get("precision") == "auto":  # it was decided when the run was started
        asked = {**asked, "precision": saved.to_dict()["precision"]}
    config = saved.replace(**asked)
    config.validate()
    contradictions = [
        f"{name} is {getattr(saved, name)} there and {value} here"
        for name, value in asked.items()
        if name not in may_change and value != getattr(saved, name)
    ]
    if contradictions:
        raise UserError(
            f"the run was started with other numbers: {'; '.join(contradictions)}; {advice}"
        )
    if config.to_dict()["iterations"] < done:
        raise UserError(
            f"the run has done {done} iterations already; give at least as many with --iterations"
        )
    return config


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide what a run learns."""
    packages = {name: importlib.metadata.version(name) for name in _VERSIONS_OF}
    return {"python": platform.python_version(), **packages}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file that is there whole or not at all, even after a power cut.

    Raises:
      OSError: if it cannot be written; the one before it stays then.
    """
    text = json.dumps(content, indent=2) + "\n"
    with replaced_file(path) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)
