"""The virtual environment in which Stable-Baselines3 is measured, made once and kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from absl import flags

from benchmarks import machine
from console.errors import UserError

flags.disclaim_key_flags()  # they are those of the program, and shown by its --help

VERSION = "2.9.2"
REQUIREMENTS = (f"stable-baselines3[extra]=={VERSION}", "absl-py", "psutil")
_NEEDED_MEMORY_BYTES = 7 * 10**9  # it holds 6.5 GB
_NEEDED_BYTES = 7 * 10**9  # on disk; 5.9 GB are left after the installation on Linux


def define_flags() -> None:
    """Define `--venv_dir`."""
    flags.DEFINE_string(
        "venv_dir", None, f"the peers' virtual environment (default: {_shown(default_folder())})"
    )


def asked_folder() -> Path:
    """Return the folder that `--venv_dir` names, or the default."""
    asked = flags.FLAGS.venv_dir
    return Path(asked).expanduser().absolute() if asked else default_folder()


def python_with_room(report: Callable[[str], None]) -> str:
    """Return a Python that has it, where there is memory enough to run it; see `ready`."""
    machine.check_memory(_NEEDED_MEMORY_BYTES, "Stable-Baselines3")
    return ready(asked_folder(), report)


def default_folder() -> Path:
    """Return a folder of the user's cache; its name has the version."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "atari-dqn" / "peers" / f"stable-baselines3-{VERSION}"


def installed_version(python: Path) -> str | None:
    """Return the version of Stable-Baselines3 that `python` would import, None without one."""
    if not python.exists():
        return None
    code = "import importlib.metadata as m; print(m.version('stable-baselines3'))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def install(folder: Path) -> None:
    """Make a virtual environment in `folder` and install REQUIREMENTS from PyPI.

    Raises:
      UserError: if that fails, with the last words of what failed.
    """
    commands = (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python_of(folder)), "-m", "pip", "install", "--quiet", *REQUIREMENTS],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
            errors = [line for line in said if line.startswith("ERROR")]
            raise UserError(
                f"Stable-Baselines3 {VERSION} could not be installed into {folder}: "
                f"{(errors or said)[-1]}; mend that, or give a --venv_dir that has it already"
            )


def python_of(folder: Path) -> Path:
    """Return where the virtual environment in `folder` has its Python."""
    return folder / "bin" / "python"


def ready(
    folder: Path,
    report: Callable[[str], None],
    version_of: Callable[[Path], str | None] = installed_version,
    installer: Callable[[Path], None] = install,
) -> str:
    """Return a Python that has the pinned version; install it where it is not there yet.

    Args:
      folder: of the virtual environment.
      report: is told what is about to be downloaded.
      version_of: returns what a Python has.
      installer: fills the folder.

    Raises:
      UserError: if the folder holds something else, the disk is full, or the installation fails.
    """
    python = python_of(folder)
    found = version_of(python)
    if found == VERSION:
        return str(python)
    if folder.exists() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").exists():
        raise UserError(f"{folder} is no virtual environment; give an empty --venv_dir")
    _check_disk(folder)
    report(
        f"installing {', '.join(REQUIREMENTS)} from PyPI into {_shown(folder)}: with PyTorch about "
        "6 GB on disk, once; delete the folder when you are done"
    )
    installer(folder)
    found = version_of(python)
    if found != VERSION:
        raise UserError(
            f"{folder} has Stable-Baselines3 {found} and not {VERSION} after its installation; "
            "delete the folder and try again"
        )
    return str(python)


def _check_disk(folder: Path) -> None:
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if free < _NEEDED_BYTES:
        raise UserError(
            f"the peers need {_NEEDED_BYTES / 1e9:.0f} GB of disk and {free / 1e9:.1f} GB are free "
            f"in {there}; give another --venv_dir"
        )


def _shown(folder: Path) -> str:
    """Return the folder with `~` for the user's home."""
    home = Path.home()
    return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)
