"""What runs in a process of games: it plays what it is sent over a pipe, and sends what came of it.

trainer -> process    (name, arguments)             "step", actions int64 [n]
process -> trainer    (True, value)                 the time step, and the games that ended
                      (False, what went wrong)      a sentence; the process ends then
trainer closes the pipe, or is killed               the process ends
"""

from __future__ import annotations

import contextlib
import signal
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from tf_agents.trajectories import time_step as ts

from configs import Config
from envs import suite
from envs.finished_game import FinishedGame
from envs.plays import OtherGamesError

Stepped = tuple[ts.TimeStep, list[FinishedGame]]
"""A time step with a row for each game of the process, and the games that it ended."""


def play(connection: Connection, config: Config, slots: range, seed: int) -> None:
    """Play the games of `slots` until the pipe is closed.

    Args:
      connection: this end of the pipe.
      config: what is played.
      slots: the numbers of the games, as `envs.suite.load` counts them.
      seed: of all games.
    """
    ignore_signals()
    with contextlib.suppress(EOFError, ConnectionError):  # the pipe is closed: all is done
        try:
            env = suite.load(config, len(slots), seed, first_slot=slots.start)
            answers = _answers(env)
            connection.send((True, (env.action_spec(), env.observation_spec())))
            with contextlib.closing(env):
                while True:
                    name, arguments = connection.recv()
                    connection.send((True, answers[name](*arguments)))
        except (EOFError, ConnectionError):
            raise
        except Exception as error:  # whatever the games throw is told, and ends them
            connection.send((False, _in_one_line(error)))


def ignore_signals() -> None:
    """Leave the end to the trainer, who asks for the state of the games before.

    A Ctrl-C in the terminal reaches every process.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _answers(env: suite.Games) -> dict[str, Callable[..., Any]]:
    """Return what can be asked of the games, by name."""

    def step(actions: np.ndarray) -> Stepped:
        return env.step(actions), env.pop_finished_games()

    def reset() -> Stepped:
        return env.reset(), env.pop_finished_games()

    def restore(state: dict[str, np.ndarray]) -> bool:
        try:
            env.restore(state)
        except OtherGamesError:
            return False
        return True

    return {
        "step": step,
        "reset": reset,
        "lives": env.lives,
        "state": env.state,
        "restore": restore,
        "begin_anew": env.begin_anew,
    }


def _in_one_line(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    said = " ".join(str(error).split()) or "no more is known"
    return f"{type(error).__name__}: {said}, {Path(place.filename).name}, line {place.lineno}"
