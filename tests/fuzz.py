"""Feeds damaged and forged files to everything that reads one, and odd values to the flags.

python -m tests.fuzz --inputs 10000

Each input is a good file with some of its bytes flipped, cut out, doubled or put elsewhere, or with
some of its values replaced by odd ones and its checksums made right again. A reader must either
refuse it, by the error that it promises and in one sentence, or return what is right: values within
their types and ranges, arrays as they were written. Any other exception, or a hang, is a finding.
What an input was is decided by its number and --seed alone.
"""

from __future__ import annotations

import abc
import argparse
import contextlib
import copy
import io
import json
import os
import random
import signal
import sys
import tempfile
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any
from unittest import mock

import numpy as np

import configs
from configs import Config
from console.errors import UserError

_HANG_SEC = 20.0
_ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 10**400, 0.5, -0.0, 1e308, float("nan"),
    float("inf"), "", "0", "nan", "Breakout", "../../etc/passwd", "/etc/passwd", "\0", "\ud800",
    "x" * 5_000, [], {}, [[]], [1, 2, 3], {"a": 1}, "é", "1e9", "--seed", "00000000000000000001",
]  # fmt: skip
_ODD_BYTES = [
    b"\0", b"[" * 50_000, b'"', b"\n", b",", b"1" * 5_000, b"NaN", b"\xff\xfe", b"",
]  # fmt: skip


class FindingError(AssertionError):
    """A reader did what it must not; the message says what, and with which input."""


class HangError(BaseException):
    """A reader took too long."""


# How inputs are made -----------------------------------------------------------------------------


def damaged(content: bytes, others: list[bytes], generator: random.Random) -> bytes:
    """Return bytes with one to four faults: flips, cuts, doublings, splices of another file."""
    data = bytearray(content)
    for _ in range(generator.randint(1, 4)):
        start = generator.randrange(len(data) + 1)
        stop = min(len(data), start + generator.choice([1, 2, 8, 100, 4_000]))
        match generator.randrange(7):
            case 0 if data:
                data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
            case 1:
                del data[start:]
            case 2:
                del data[start:stop]
            case 3:
                data[start:start] = data[start:stop]
            case 4:
                other = generator.choice(others)
                data[start:stop] = other[start : start + generator.randrange(200)]
            case 5:
                data[start:stop] = generator.randbytes(stop - start)
            case _:
                odd = [
                    b"\0",
                    b"[" * 50_000,
                    b'"',
                    b"\n",
                    b",",
                    b"1" * 5_000,
                    b"NaN",
                    b"\xff\xfe",
                    b"",
                ]
                data[start:stop] = generator.choice(odd)
    return bytes(data)


def forged(content: Any, generator: random.Random) -> Any:
    """Return JSON values of which one to three are odd, missing, or under another name."""
    content = copy.deepcopy(content)
    for _ in range(generator.randint(1, 3)):
        places = list(_places(content))
        if not places:
            return generator.choice(_ODD)
        holder, key = generator.choice(places)
        match generator.randrange(4):
            case 0 | 1:
                holder[key] = copy.deepcopy(generator.choice(_ODD))
            case 2:
                del holder[key]
            case _ if isinstance(holder, dict):
                holder[str(generator.choice(_ODD))[:50]] = holder.pop(key)
            case _:
                holder.append(copy.deepcopy(generator.choice(_ODD)))
    return content


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    keys = content.keys() if isinstance(content, dict) else range(len(content))
    for key in list(keys):
        yield content, key
        if isinstance(content[key], dict | list):
            yield from _places(content[key])


# What reads them ---------------------------------------------------------------------------------


def _right(config: Config) -> None:
    """See that every value of a config has its type and is in its range."""
    config.validate()
    for name, default in Config().to_dict().items():
        if type(getattr(config, name)) is not type(default):
            raise FindingError(f"{name} is {getattr(config, name)!r}")


class Reader(abc.ABC):
    """One kind of input, with what reads it.

    Args:
      folder: to work in.
    """

    refusals: tuple[type[Exception], ...] = (UserError, configs.ConfigError)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abc.abstractmethod
    def feed(self, generator: random.Random) -> None:
        """Make an input and read it; raise a refusal, or FindingError."""


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
        _right(config)
        if not isinstance(preset, str):
            raise FindingError(f"the preset is {preset!r}")


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
        _right(card.config)
        try:
            check_checksums(card.folder, card.files or {})
        except (OSError, ValueError) as error:  # as load_policy does
            raise PolicyError(str(error)) from error
        if card.files and model != self.files["saved_model.pb"]:
            raise FindingError("a damaged SavedModel has the right checksum")


class CheckpointState(Reader):
    """state.json of a checkpoint, its checksums made right again or not."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from training import checkpoint_state

        self.path = folder / "000000005"
        self.path.mkdir()
        variables = b"variables" * 20
        (self.path / "variables.index").write_bytes(variables)
        self.body = {
            "format": checkpoint_state.FORMAT,
            "iteration": 5,
            "config": Config().to_dict(),
            "versions": {"tensorflow": "2.15.1"},
            "replay_rows": [[0, 4, 77], [4, 8, 78]],
            "replay_generator": np.random.default_rng(1).bit_generator.state,
            "state": {"progress": _progress(), "csv_bytes": {"metrics.csv": 70}},
        }
        self.content = {"body": self.body, "files": {"variables.index": zlib.crc32(variables)}}

    def feed(self, generator: random.Random) -> None:
        """See the class."""
        from training import checkpoint, session
        from training.run_folder import RunFolder

        content = self.content
        if generator.random() < 0.7:
            content = forged(content, generator)
        if isinstance(content, dict):
            content = {**content, "checksum": _checksum(content)}
        text = json.dumps(content).encode()
        if content is self.content or generator.random() < 0.3:
            text = damaged(text, [b"{}"], generator)
        (self.path / "state.json").write_bytes(text)
        parts: Any = mock.Mock()
        parts.config, parts.variables = Config(), {}
        parts.replay.ring = _Ring()
        run = RunFolder(self.folder)
        checkpoints = checkpoint.Checkpoints(run, parts)
        variables = mock.MagicMock()
        variables.read.return_value = mock.MagicMock(unsafe=True)  # it has methods called assert
        with (
            mock.patch.object(checkpoints, "_variables", variables),
            mock.patch.object(checkpoints._segments, "load", _load_nothing),
        ):
            try:
                _, state = checkpoints._read(self.path, lambda _: None)
            except checkpoint.TornCheckpointError as error:
                raise UserError(str(error)) from error
        session._state_of_logs(run, state)


class _Ring:
    """The part of a ring that state.json holds."""

    def __init__(self) -> None:
        self._generator = np.random.default_rng(0)

    @property
    def generator_state(self) -> Any:
        return self._generator.bit_generator.state

    @generator_state.setter
    def generator_state(self, state: Any) -> None:
        self._generator.bit_generator.state = state
        self._generator.integers(0, 9, 3)


def _load_nothing(_: object, segments: Any) -> None:
    from replay.segments import checked_segment

    kept: list[tuple[int, ...]] = []
    for segment in segments:
        kept.append(checked_segment(segment, kept))


def _checksum(content: Any) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def _progress() -> dict[str, Any]:
    from training.progress import Progress

    return Progress(
        iteration=5, seconds=1.5, best_score=None, recent_games=[[1.0, 9]], losses={"loss": 1.0}
    ).to_dict()


class Segments(Reader):
    """The replay's rows."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from replay.frame_ring import FrameRing
        from replay.segments import SegmentError, SegmentStore

        self.refusals = (SegmentError,)
        self.ring = self._new_ring(FrameRing)
        for row in range(8):
            self.ring.add(
                step_type=np.full(2, 1 if row else 0),
                observation=np.full((2, 2, 3, 4), row, np.uint8),
                action=np.array([1, 2]),
                next_step_type=np.full(2, 1),
                reward=np.array([row, -row], np.float32),
                discount=np.ones(2, np.float32),
            )
        self.segments = SegmentStore(folder).save(self.ring)
        (self.path,) = folder.glob("rows-*.npz")
        self.good = self.path.read_bytes()

    @staticmethod
    def _new_ring(kind: Any) -> Any:
        return kind(20, 2, seed=1, frame_shape=(2, 3), stack_size=4)

    def feed(self, generator: random.Random) -> None:
        """See the class."""
        from replay.frame_ring import FrameRing
        from replay.segments import SegmentStore

        self.path.write_bytes(damaged(self.good, [self.good[::-1]], generator))
        with_identity = generator.random() < 0.5
        segments = self.segments if with_identity else [s[:2] for s in self.segments]
        ring = self._new_ring(FrameRing)
        SegmentStore(self.folder).load(ring, segments)
        for one, two in zip(self.ring.rows(0, 8), ring.rows(0, 8), strict=True):
            if not np.array_equal(one, two):
                raise FindingError("other rows came back than were written")


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
            _right(run.config)
            if "/" in run.variant or ".." in run.path.relative_to(run.path.parents[1]).parts:
                raise FindingError(f"the run of {run.variant!r} is in {run.path}")


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
        values = [value for value in map(str, _ODD) if "\0" not in value]  # C's ends there
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
            _right(config)

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


READERS: dict[str, Callable[[Path], Reader]] = {
    "run config.json": RunConfig,
    "policy config.json": PolicyConfig,
    "checkpoint state.json": CheckpointState,
    "replay rows": Segments,
    "CSV files": Records,
    "experiment TOML": ExperimentFile,
    "command line": CommandLine,
}
"""What is fed, by name."""


def fuzz(name: str, folder: Path, *, inputs: int, seed: int, first: int = 0) -> Counter[str]:
    """Feed inputs to a reader; return how many it refused and how many it read.

    Args:
      name: of READERS.
      folder: an empty one to work in.
      inputs: how many.
      seed: of all inputs.
      first: number of the first.

    Raises:
      FindingError: with the input's number.
    """
    reader, outcome = READERS[name](folder), Counter[str]()
    for number in range(first, first + inputs):
        outcome[_feed(reader, name, number, seed)] += 1
    return outcome


def _feed(reader: Reader, name: str, number: int, seed: int) -> str:
    signal.signal(signal.SIGALRM, _hang)
    signal.setitimer(signal.ITIMER_REAL, _HANG_SEC)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            reader.feed(random.Random(f"{seed} {name} {number}"))
    except reader.refusals:
        return "refused"
    except (Exception, HangError) as error:  # whatever it is, it is what is looked for
        raise FindingError(f"{name}, input {number} of seed {seed}: {error!r}") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "read"


def _hang(*_: int | FrameType | None) -> None:
    raise HangError(f"it took more than {_HANG_SEC} s")


def main() -> int:
    """Parse the flags, feed, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="of all readers together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reader", choices=READERS, help="only this one")
    flags = parser.parse_args()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    readers = [flags.reader] if flags.reader else list(READERS)
    found = 0
    for place, name in enumerate(readers):
        share = flags.inputs // len(readers) + (place < flags.inputs % len(readers))
        began, first, outcome = time.monotonic(), 0, Counter[str]()
        while first < share:
            with tempfile.TemporaryDirectory() as folder:
                reader = READERS[name](Path(folder))
                while first < share:
                    try:
                        outcome[_feed(reader, name, first, flags.seed)] += 1
                    except FindingError as finding:
                        print(finding, file=sys.stderr, flush=True)
                        outcome["findings"] += 1
                        found += 1
                    first += 1
        sec = time.monotonic() - began
        print(f"{name}: {share} inputs, {dict(outcome)}, {sec:.0f} s", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
