"""Measures what a checkpoint and a resume cost: `python -m benchmarks.checkpoint`.

The replay is full of one random picture, and no emulator runs: the bytes that are written and read
are timed. Between two checkpoints transitions are added at a set pace, as by training, and what the
loop has written meanwhile is written meanwhile. The networks are those of the preset `nature`.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from benchmarks import machine, race
from configs import PRESETS, Config
from console import errors

if TYPE_CHECKING:
    from replay.arrays import Rows
    from replay.frame_ring import FrameRing
    from training.checkpoint import Checkpoints

STOP_BAR_SEC = 1.0
RESUME_BAR_SEC = 10.0
_GAMES = 8
_ROWS_OF_A_STRETCH = 250  # what is added between two calls of `write_ahead`
_BYTES_PER_TRANSITION = 7_100
_LIBRARIES_BYTES = 1.5e9


@dataclasses.dataclass(frozen=True)
class Stop:
    """What one checkpoint cost.

    Attributes:
      checkpoint_sec: until it was on the disk; training stood still.
      export_sec: until the last policy was; training stood still.
      processor_sec: of all threads of the process, while training stood still.
      ahead_sec: that the loop gave to rows between this checkpoint and the one before.
      written_bytes: new in the run's folder since then, policies left out.
      rows_bytes: of the rows that were added since then, in memory.
    """

    checkpoint_sec: float
    export_sec: float
    processor_sec: float
    ahead_sec: float
    written_bytes: int
    rows_bytes: int

    @property
    def sec(self) -> float:
        """For which training stood still."""
        return self.checkpoint_sec + self.export_sec


@dataclasses.dataclass(frozen=True)
class Resume:
    """What one resume cost.

    Attributes:
      sec: until everything was read and compared with its checksums.
      processor_sec: of all threads of the process.
    """

    sec: float
    processor_sec: float


class _NoGames:
    """What games that have played 5,000 actions each would keep."""

    def state(self) -> dict[str, np.ndarray]:
        """Return the actions."""
        return {f"actions_{game}": np.zeros(5_000, np.uint8) for game in range(_GAMES)}

    def restore(self, _: dict[str, np.ndarray]) -> None:
        """Play nothing."""


def measure_stops(
    folder: Path, config: Config, *, added: int, rounds: int, per_sec: float
) -> list[Stop]:
    """Fill a replay, write a checkpoint, and `rounds` more, which are measured.

    Args:
      folder: of the run, which is made.
      config: of the run; its `replay_capacity` is filled.
      added: transitions between two checkpoints.
      rounds: how many checkpoints are measured.
      per_sec: transitions added in a second.
    """
    from training.export import exporter_of

    parts, checkpoints = _run(folder, config)
    ring, exporter = parts.replay.ring, exporter_of(folder / "policies", parts)
    _add(ring, checkpoints, ring.nbytes // ring.row_nbytes, None)
    checkpoints.save(1, {})
    exporter.export("last", 1, None)
    stops = []
    for iteration in range(2, rounds + 2):
        before = _files(folder)
        ahead_sec = _add(ring, checkpoints, added // _GAMES, per_sec)
        began, processor = time.perf_counter(), time.process_time()
        checkpoints.save(iteration, {})
        saved = time.perf_counter()
        exporter.export("last", iteration, None)
        ended, processor = time.perf_counter(), time.process_time() - processor
        new = [size for path, size in _files(folder).items() if path not in before]
        rows_bytes = added // _GAMES * ring.row_nbytes
        stop = Stop(saved - began, ended - saved, processor, ahead_sec, sum(new), rows_bytes)
        stops.append(stop)
    return stops


def measure_resumes(folder: Path, config: Config, rounds: int, *, cold: bool) -> list[Resume]:
    """Restore the last checkpoint of `measure_stops`, each time into new memory.

    Args:
      folder: of the run.
      config: of the run.
      rounds: how often.
      cold: the system is told to forget the files before.
    """
    return [_resume(folder, config, cold=cold) for _ in range(rounds)]


def _resume(folder: Path, config: Config, *, cold: bool) -> Resume:
    gc.collect()  # the ring before
    _, checkpoints = _run(folder, config)
    for path in _files(folder) if cold else ():
        handle = os.open(path, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)
    began, processor = time.perf_counter(), time.process_time()
    checkpoints.restore(print)
    return Resume(time.perf_counter() - began, time.process_time() - processor)


def _run(folder: Path, config: Config) -> tuple[Any, Checkpoints]:
    """Return what `training.parts.build` builds, without the games, and its checkpoints."""
    import tensorflow as tf
    from tf_agents.specs import BoundedTensorSpec
    from tf_agents.trajectories import time_step as ts

    import agents
    from replay.frame_ring import FrameRing
    from training.checkpoint import Checkpoints
    from training.run_folder import RunFolder

    observation = BoundedTensorSpec([84, 84, 4], tf.uint8, 0, 255, "observation")
    action = BoundedTensorSpec([], tf.int64, 0, 3, "action")
    agent = agents.build(ts.time_step_spec(observation), action, config)
    ring = FrameRing(config.replay_capacity, config.num_envs, seed=config.seed)
    parts: Any = SimpleNamespace(
        config=config,
        env=_NoGames(),
        agent=agent,
        replay=SimpleNamespace(ring=ring),
        variables={"agent": agent},
    )
    return parts, Checkpoints(RunFolder(folder), parts)


def _add(ring: FrameRing, checkpoints: Checkpoints, rows: int, per_sec: float | None) -> float:
    """Add rows, as the loop does; return the seconds that writing ahead took of it."""
    began, ahead_sec, stretch = time.perf_counter(), 0.0, _stretch()
    for done in range(0, rows, _ROWS_OF_A_STRETCH):
        count = min(_ROWS_OF_A_STRETCH, rows - done)
        ring.put_rows(ring.rows_added, stretch._replace(**_cut(stretch, count)))
        before = time.perf_counter()
        checkpoints.write_ahead()
        ahead_sec += time.perf_counter() - before
        if per_sec is not None:
            due = began + (done + count) * _GAMES / per_sec
            time.sleep(max(0.0, due - time.perf_counter()))
    return ahead_sec


def _stretch() -> Rows:
    from replay.arrays import Rows

    shape = (_ROWS_OF_A_STRETCH, _GAMES)
    frame = np.random.default_rng(0).integers(0, 256, (*shape, 84, 84), np.uint8)
    small = [np.ones(shape, np.uint8) for _ in range(4)]  # step types: MID
    return Rows(frame, *small, *(np.ones(shape, np.float32) for _ in range(2)))


def _cut(rows: Rows, count: int) -> dict[str, np.ndarray]:
    return {name: array[:count] for name, array in rows._asdict().items()}


def _files(folder: Path) -> dict[Path, int]:
    found = {path: path.stat() for path in folder.rglob("*") if "policies" not in path.parts}
    return {path: stat.st_size for path, stat in found.items() if path.is_file()}


def stop_lines(stops: Sequence[Stop], transitions: int, added: int) -> list[str]:
    """Return the table of the checkpoints."""
    seconds = [
        (f"training stands still (bar {STOP_BAR_SEC:g} s)", [one.sec for one in stops]),
        ("  for the checkpoint", [one.checkpoint_sec for one in stops]),
        ("  for the policy", [one.export_sec for one in stops]),
        ("  processor time of it", [one.processor_sec for one in stops]),
        ("given to rows while they were added", [one.ahead_sec for one in stops]),
    ]
    sizes = [
        ("written since the last", [one.written_bytes / 1e6 for one in stops]),
        ("  rows that are new, in memory", [one.rows_bytes / 1e6 for one in stops]),
    ]
    return [
        f"checkpoints of {transitions:,} transitions, {added:,} of them new since the one before",
        *race.aligned(
            [
                ("", ["median", "of the rounds"]),
                *(_row(label, values, "s") for label, values in seconds),
                *(_row(label, values, "MB") for label, values in sizes),
            ]
        ),
    ]


def resume_lines(name: str, resumes: Sequence[Resume]) -> list[str]:
    """Return the table of one kind of resumes."""
    return race.aligned(
        [
            _row(f"resume, {name} (bar {RESUME_BAR_SEC:g} s)", [one.sec for one in resumes], "s"),
            _row("  processor time of it", [one.processor_sec for one in resumes], "s"),
        ]
    )


def _row(label: str, values: Sequence[float], unit: str) -> tuple[str, list[str]]:
    median = statistics.median(values)
    return label, [f"{median:.2f} {unit}", f"{min(values):.2f} to {max(values):.2f}"]


def main() -> None:
    """Measure as the flags say and print the tables."""
    values = flags.FLAGS
    json_file = Path(values.json) if values.json else None
    machine.check_output("json", json_file)
    needed_bytes = values.transitions * _BYTES_PER_TRANSITION
    what = f"a replay of {values.transitions:,} transitions"
    machine.check_memory(int(needed_bytes + _LIBRARIES_BYTES), what)
    place = Path(values.folder or tempfile.gettempdir())
    machine.check_disk(needed_bytes + 2 * values.added * _BYTES_PER_TRANSITION, place, what)
    facts = machine.facts()

    def report(lines: Sequence[str]) -> None:
        print("\n".join(lines), flush=True)

    report([*machine.lines(facts), ""])
    config = PRESETS["nature"].replace(
        num_envs=_GAMES, replay_capacity=values.transitions, precision="float32"
    )
    with tempfile.TemporaryDirectory(prefix="benchmark-checkpoint-", dir=place) as temporary:
        folder = Path(temporary) / "run"
        stops = measure_stops(
            folder,
            config,
            added=values.added,
            rounds=values.rounds,
            per_sec=values.agent_steps_per_sec,
        )
        report(stop_lines(stops, values.transitions, values.added))
        resumes = {"files in memory": measure_resumes(folder, config, values.rounds, cold=False)}
        if values.cold and hasattr(os, "posix_fadvise"):
            cold = measure_resumes(folder, config, values.rounds, cold=True)
            resumes["files on the disk"] = cold
    for name, measured in resumes.items():
        report(resume_lines(name, measured))
    if json_file:
        numbers = {
            "machine": facts,
            "transitions": values.transitions,
            "added": values.added,
            "agent_steps_per_sec": values.agent_steps_per_sec,
            "stops": [dataclasses.asdict(one) for one in stops],
            "resumes": {
                name: [dataclasses.asdict(one) for one in all_] for name, all_ in resumes.items()
            },
        }
        json_file.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    flags.DEFINE_integer("transitions", 1_000_000, "in the replay", 1_000, 10**8)
    flags.DEFINE_integer("added", 100_000, "transitions between two checkpoints", 8, 10**8)
    flags.DEFINE_integer("agent_steps_per_sec", 1_550, "at which they are added", 1, 10**9)
    flags.DEFINE_integer("rounds", 3, "checkpoints, and resumes of each kind", 1, 1_000)
    flags.DEFINE_bool("cold", True, "resume from files that the system has forgotten, too")
    flags.DEFINE_string("folder", None, "where the files are for a while; default: the system's")
    flags.DEFINE_string("json", None, "a file for the numbers")
    errors.run_main(main)
