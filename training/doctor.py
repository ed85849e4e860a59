"""`train.py --doctor`: is this machine ready for the run that the flags describe?"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from configs import Config
from configs.games import is_atari
from console.errors import UserError
from training import machine
from training.run_folder import RunFolder

if TYPE_CHECKING:
    from training.rehearsal import Speed

READY, NOT_READY = 0, 1  # exit statuses
SECONDS_MEASURED = 5.0

_PROJECT_FILE = Path(__file__).parents[1] / "pyproject.toml"
_TOML = "tomllib" if sys.version_info >= (3, 11) else "tomli"  # the same under two names
_TOLD_VERSIONS = ("tensorflow", "tf-agents", "ale-py", "numpy")
_TOO_SLOW_DAYS = 30

# What a run writes beside its checkpoints; measured, rounded up.
_ROW_BYTES = 5_000  # of metrics.csv and its charts
_GAME_BYTES, _GAME_AGENT_STEPS = 40, 100  # of games.csv, and of the shortest usual games


class Finding(NamedTuple):
    """What a check found.

    Attributes:
      name: of what was checked.
      text: what was found, and what to do where it is wrong.
      verdict: "ok"; "note": not what it could be; "wrong": the run would fail.
    """

    name: str
    text: str
    verdict: str = "ok"


def examine(
    config: Config,
    folder: RunFolder,
    say: Callable[[str], None],
    asked: Collection[str] = (),
) -> int:
    """Check everything, say each finding when it is there, and end in a sentence.

    Args:
      config: of the run.
      folder: of the run; nothing is written there.
      say: prints a line.
      asked: the settings that the user named.

    Returns:
      the exit status, READY or NOT_READY.
    """
    wrong: list[str] = []

    def tell(*findings: Finding) -> None:
        for finding in findings:
            say(f"{finding.verdict:<6} {finding.name:<9} {finding.text}")
            wrong.extend([finding.name] if finding.verdict == "wrong" else [])

    tell(packages(_requirements(), _installed_version))
    if not wrong:  # else an import below may fail
        tell(_game(config, asked), _gpu(), _memory(config, folder))
    if not wrong:
        try:
            from training import rehearsal

            speed = rehearsal.measure(config, SECONDS_MEASURED)
        except Exception as error:  # whatever fails here would fail the run
            tell(Finding("speed", f"a trial failed: {type(error).__name__}: {error}", "wrong"))
        else:
            done = folder.iterations_done() if folder.exists else 0
            tell(_speed(speed), _disk(config, folder, speed), duration(config, done, speed))
    if wrong:
        say(f"not ready: mend what is wrong above ({', '.join(wrong)}), then ask again")
        return NOT_READY
    say(f"ready: the run can begin, in {folder.path}")
    return READY


def packages(requirements: Iterable[str], installed: Callable[[str], str | None]) -> Finding:
    """Compare the installed packages with requirements, as `numpy>=1.24,<2`.

    Args:
      requirements: in the words of PEP 508; markers that do not hold here are left out.
      installed: returns a package's version, None where it is not there.
    """
    from packaging.requirements import Requirement

    needed = [Requirement(line) for line in requirements]
    needed = [one for one in needed if one.marker is None or one.marker.evaluate()]
    faults = []
    for one in needed:
        version = installed(one.name)
        if version is None:
            faults.append(f"{one.name} is missing")
        elif not one.specifier.contains(version, prereleases=True):
            faults.append(f"{one.name} is {version}, not {one.specifier}")
    if faults:
        return Finding("packages", f"{'; '.join(faults)}; pip install -r requirements.txt", "wrong")
    told = ", ".join(f"{one.name} {installed(one.name)}" for one in needed if _is_told(one.name))
    return Finding("packages", f"all {len(needed)} are there, {told}")


def disk_needed_bytes(config: Config, checkpoint_bytes: int) -> int:
    """Return what a run's folder grows to, at the most.

    The replay's files are removed whole, when no checkpoint needs any of their rows: besides the
    capacity there may be the first file, and those of three checkpoint periods, or of three
    capacities where these are less.
    """
    from envs import games
    from replay.frame_ring import FrameRing

    period_steps = min(config.checkpoint_period, config.iterations) * config.update_period
    ahead = 3 * min(period_steps, config.replay_capacity)
    kept = config.replay_capacity + config.initial_collect_steps + ahead
    played = config.initial_collect_steps + config.iterations * config.update_period
    rows = min(kept, played + config.num_envs)
    replay = FrameRing.bytes_needed(rows, games.frame_bytes(config.game))
    # Two checkpoints and one that is being written; 8 bytes for each place of the ring.
    replay += 3 * 8 * config.replay_capacity if config.prioritized else 0
    models = 6 * checkpoint_bytes  # two checkpoints, two policies, one of each being written
    logged = config.iterations // config.log_period + 1
    return replay + models + logged * _ROW_BYTES + played // _GAME_AGENT_STEPS * _GAME_BYTES


def duration(config: Config, iterations_done: int, speed: Speed) -> Finding:
    """Return how long the iterations that are left will take."""
    left = max(0, config.iterations - iterations_done)
    seconds = left / speed.iterations_per_sec
    if not iterations_done:
        seconds += config.initial_collect_steps / speed.random_steps_per_sec
    text = (
        f"{left:,} iterations will take about {_shown_time(seconds)}; evaluation games and "
        "checkpoints are not counted"
    )
    return Finding("time", text, "note" if seconds > _TOO_SLOW_DAYS * 86_400 else "ok")


def _shown_time(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def _requirements() -> list[str]:
    """Return the ranges of versions of pyproject.toml, each with its reason there."""
    if not _PROJECT_FILE.exists():  # installed as a package
        return importlib.metadata.requires("atari-dqn") or []
    with _PROJECT_FILE.open("rb") as file:
        project = importlib.import_module(_TOML).load(file)["project"]
    return list(project["dependencies"])


def _installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _is_told(name: str) -> bool:
    return name in _TOLD_VERSIONS


def _game(config: Config, asked: Collection[str]) -> Finding:
    from envs import ale
    from training import preflight

    try:
        preflight.check_settings(config, asked)
        if not is_atari(config.game):
            return Finding("game", f"{config.game}, which needs no ROM")
        actions = ale.action_meanings(config.game)  # loads the ROM
    except (UserError, RuntimeError) as error:
        return Finding("game", str(error), "wrong")
    return Finding("game", f"{config.game}, its ROM is there, {len(actions)} actions")


def _gpu() -> Finding:
    import tensorflow as tf

    if gpus := tf.config.list_physical_devices("GPU"):
        details = tf.config.experimental.get_device_details(gpus[0])
        return Finding("GPU", f"{details.get('device_name', 'a GPU')} will train")
    reason = machine.why_tensorflow_sees_no_gpu()
    threads = machine.usable_cores()
    return Finding("GPU", f"none, {threads} processor threads will train: {reason}", "note")


def _memory(config: Config, folder: RunFolder) -> Finding:
    from training import preflight

    try:
        preflight.check_memory(config, is_resume=folder.exists)
    except UserError as error:
        return Finding("memory", str(error), "wrong")
    except ValueError:  # of the game, and told with it
        return Finding("memory", "what is needed hangs on the game", "note")
    needed, free = preflight.memory_needed_bytes(config), machine.free_memory_bytes()
    return Finding("memory", f"{needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free")


def _disk(config: Config, folder: RunFolder, speed: Speed) -> Finding:
    there = sum(path.stat().st_size for path in folder.path.glob("**/*") if path.is_file())
    needed = disk_needed_bytes(config, speed.checkpoint_bytes) - there
    free = machine.free_disk_bytes(folder.path)
    text = (
        f"{max(0, needed) / 1e9:.1f} GB are needed in {folder.path}, {free / 1e9:.1f} GB are free"
    )
    if not machine.is_writable(folder.path):
        text = f"the folder {folder.path} cannot be written; {folder.way_to_write()}"
        return Finding("disk", text, "wrong")
    if needed > free:
        advice = "give a --logdir on another disk, or a smaller --replay_capacity"
        if folder.exists:  # neither may change at a resume
            advice = "make room there"
        return Finding("disk", f"{text}; {advice}", "wrong")
    return Finding("disk", text)


def _speed(speed: Speed) -> Finding:
    return Finding(
        "speed",
        f"{speed.iterations_per_sec:.1f} iterations and {speed.frames_per_sec:,.0f} frames a "
        f"second ({speed.device}, {speed.precision}, {speed.iterations} iterations measured)",
    )
