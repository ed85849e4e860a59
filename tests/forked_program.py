"""Runs programs many times over, each time in a fork of one process.

What a program imports before its work begins takes it seconds, most of which this process has
behind it when it forks. `python tests/forked_program.py MODULES` imports these, then reads a line
of JSON, [folder, command, until], and answers with one, [exit status, stdout, stderr].

| until | |
|---|---|
| "" | the program runs to its end |
| "parsed" | it parses its flags, and ends with status 0 where they are right |
| "begun" | train.py comes to where training begins, prints what would be trained, and ends |

At "begun" there is memory for everything, and `--doctor` is given a speed and does not measure.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from console import kernels, quiet

ROOT = Path(__file__).parents[1]


class ForkedProgram:
    """The process that forks.

    Args:
      modules: are imported once, before any program runs.
      first_on_path: a folder whose modules stand before all others.
      root: of the programs: this project, or a copy of it.
    """

    def __init__(
        self, modules: Sequence[str], first_on_path: Path | None = None, root: Path = ROOT
    ) -> None:
        self._root = root
        path = [str(folder) for folder in (first_on_path, root) if folder]
        self._process = subprocess.Popen(
            [sys.executable, __file__, *modules],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # gym's banner, which a program of its own holds back
            text=True,
        )

    def run(self, folder: Path, *command: str, until: str = "") -> tuple[int, str, str]:
        """Run a command in `folder`; return its exit status, stdout and stderr.

        A command is what stands behind `python`: `train.py`, `-m MODULE` or `-c CODE`, and more.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        program = str(self._root / command[0]) if command[0].endswith(".py") else command[0]
        line = json.dumps([str(folder), [program, *command[1:]], until])
        print(line, file=self._process.stdin, flush=True)
        status, stdout, stderr = json.loads(self._process.stdout.readline())
        return status, stdout, stderr

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _run(program: str, arguments: list[str]) -> None:
    if program == "-c":
        exec(compile(arguments[0], "<command>", "exec"), {"__name__": "__main__"})
    elif program == "-m":
        sys.argv = arguments
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [program, *arguments]
        runpy.run_path(program, run_name="__main__")


def _stop_when_parsed() -> None:
    errors: Any = importlib.import_module("console.errors")
    run_main = errors.run_main
    errors.run_main = lambda main, **named: run_main(lambda: None, **named)
    parser_class: Any = argparse.ArgumentParser
    parse = parser_class.parse_args

    def parse_and_end(parser: argparse.ArgumentParser) -> None:
        parse(parser)
        sys.exit(0)

    parser_class.parse_args = parse_and_end


def _stop_when_begun() -> None:
    session: Any = importlib.import_module("training.session")
    rehearsal: Any = importlib.import_module("training.rehearsal")
    preflight: Any = importlib.import_module("training.preflight")
    preflight.free_memory_bytes = lambda: 10**12

    def train(config: Any, preset: str, folder: Any, *, resume: bool, profile: Any) -> int:
        print(json.dumps([config.to_dict(), preset, str(folder.path), resume]))
        return 0

    session.train = train
    speed = rehearsal.Speed("CPU", "float32", 9, 50.0, 800.0, 1_000.0, 27_000_000)
    rehearsal.measure = lambda *_: speed


_STOPS: dict[str, Callable[[], None]] = {
    "": lambda: None,
    "parsed": _stop_when_parsed,
    "begun": _stop_when_begun,
}


def _exit_status(command: list[str], until: str) -> Any:
    try:
        _STOPS[until]()
        _run(command[0], command[1:])
    except SystemExit as leaving:
        if isinstance(leaving.code, str):
            print(leaving.code, file=sys.stderr)
            return 1
        return leaving.code
    return 0


def _serve(modules: list[str]) -> None:
    with contextlib.redirect_stdout(None):
        kernels.use_onednn()
        quiet.silence()
        for module in modules:
            importlib.import_module(module)
    for line in sys.stdin:
        folder, command, until = json.loads(line)
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            child = os.fork()
            if not child:
                os.dup2(stdout.fileno(), 1)
                os.dup2(stderr.fileno(), 2)
                os.chdir(folder)
                status = 1
                try:
                    status = _exit_status(command, until)
                finally:
                    sys.stdout.flush()
                    sys.stderr.flush()
                    os._exit(status or 0)
            _, wait_status = os.waitpid(child, 0)
            said = []
            for file in (stdout, stderr):
                file.seek(0)
                said.append(file.read().decode())
        print(json.dumps([os.waitstatus_to_exitcode(wait_status), *said]), flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1:])
