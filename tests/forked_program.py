"""Runs train.py many times over, each time in a fork of one process.

What a program imports before its work begins takes it a second, most of which this process has
behind it when it forks. `python tests/forked_program.py PROGRAM` reads a line of JSON, [folder,
arguments], and answers with one, [exit status, stdout, stderr].
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


class ForkedProgram:
    """The process that forks.

    Args:
      program: to be run.
      first_on_path: a folder whose modules stand before all others.
    """

    def __init__(self, program: Path, first_on_path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(program)],
            env={**os.environ, "PYTHONPATH": f"{first_on_path}{os.pathsep}{program.parent}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # gym's banner, which a program of its own holds back
            text=True,
        )

    def run(self, folder: Path, *arguments: str) -> tuple[int, str, str]:
        """Run the program in `folder`; return its exit status, stdout and stderr."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([str(folder), arguments]), file=self._process.stdin, flush=True)
        status, stdout, stderr = json.loads(self._process.stdout.readline())
        return status, stdout, stderr

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _exit_status(program: str) -> Any:
    try:
        runpy.run_path(program, run_name="__main__")
    except SystemExit as leaving:
        if isinstance(leaving.code, str):
            print(leaving.code, file=sys.stderr)
            return 1
        return leaving.code
    return 0


def _serve(program: str) -> None:
    with contextlib.redirect_stdout(None):
        __import__("console.flags")
        __import__("training.preflight")
        __import__("training.run_folder")
    for line in sys.stdin:
        folder, arguments = json.loads(line)
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            child = os.fork()
            if not child:
                os.dup2(stdout.fileno(), 1)
                os.dup2(stderr.fileno(), 2)
                os.chdir(folder)
                sys.argv = [program, *arguments]
                status = _exit_status(program)
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
    _serve(sys.argv[1])
