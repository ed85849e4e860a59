"""Games in processes of their own, stepped side by side over pipes."""

from __future__ import annotations

import itertools
import multiprocessing
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from tf_agents.environments import py_environment
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts

from configs import Config
from console.errors import UserError
from envs.finished_game import FinishedGame
from envs.plays import OtherGamesError
from policy_gradient import game_process

_CLOSING_SEC = 5.0
_ACTIONS = "actions_"  # as envs.plays.to_arrays calls those of each game


class GameProcessError(UserError):
    """A process of games failed or ended; the message is a clause that says which and how."""


class ParallelGames(py_environment.PyEnvironment):
    """The games of `envs.suite.load`, byte for byte, in several processes.

    Each process has as many games as the next, or one less. All are sent their actions before the
    first is waited for. Behind a Ctrl-C they go on: the trainer ends them.

    The processes are forked by a server that has imported what they need and nothing else: a fork
    of the trainer would copy TensorFlow's threads, and the pipes to the other processes, by which
    these would outlive a trainer that is killed.

    Args:
      config: what is played; see `envs.suite.load`.
      num_envs: games.
      seed: the same seed gives the same games, in any number of processes.
      processes: 1 to `num_envs`.

    Raises:
      GameProcessError: here and at each call, if a process failed or ended.
    """

    def __init__(self, config: Config, num_envs: int, seed: int, processes: int) -> None:
        super().__init__(handle_auto_reset=False)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["policy_gradient.preload"])
        borders = [num_envs * number // processes for number in range(processes + 1)]
        self._slots = [range(*pair) for pair in itertools.pairwise(borders)]
        self._finished: list[FinishedGame] = []
        self._connections: list[Connection] = []
        self._processes: list[Any] = []
        try:
            for slots in self._slots:
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=game_process.play, args=(theirs, config, slots, seed), daemon=True
                )
                process.start()
                theirs.close()  # so that its end is heard of
                self._connections.append(ours)
                self._processes.append(process)
            specs = [self._receive(number) for number in range(processes)]
        except BaseException:
            self.close()
            raise
        self._action_spec, self._observation_spec = specs[0]

    @property
    def batched(self) -> bool:
        """True: one array holds all games."""
        return True

    @property
    def batch_size(self) -> int:
        """The number of games."""
        return self._slots[-1].stop

    @property
    def process_ids(self) -> list[int]:
        """The processes' numbers in the system."""
        return [process.pid for process in self._processes]

    def observation_spec(self) -> array_spec.BoundedArraySpec:
        """Return the spec of a game's observation, without batch."""
        return self._observation_spec

    def action_spec(self) -> array_spec.BoundedArraySpec:
        """int64 [], a number of the game's own actions."""
        return self._action_spec

    def pop_finished_games(self) -> list[FinishedGame]:
        """Return the games finished since the last call."""
        finished, self._finished = self._finished, []
        return finished

    def lives(self) -> list[int]:
        """Return the lives that each game has left."""
        return [lives for part in self._ask("lives") for lives in part]

    def state(self) -> dict[str, np.ndarray]:
        """Return what `restore` needs, as the games of one process would."""
        parts = self._ask("state")
        if not parts[0]:
            return {}
        joined = {
            key: np.concatenate([part[key] for part in parts]) for key in parts[0] if _is_joint(key)
        }
        for slots, part in zip(self._slots, parts, strict=True):
            for place, slot in enumerate(slots):
                joined[f"{_ACTIONS}{slot}"] = part[f"{_ACTIONS}{place}"]
        return joined

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Play the games up to where `state` was taken; the next `reset` goes on from there.

        Raises:
          OtherGamesError: if they come out otherwise; `reset` begins them anew then.
        """
        if not state:
            return
        parts = []
        for slots in self._slots:
            part = {key: state[key][slots.start : slots.stop] for key in state if _is_joint(key)}
            for place, slot in enumerate(slots):
                part[f"{_ACTIONS}{place}"] = state[f"{_ACTIONS}{slot}"]
            parts.append((part,))
        if not all(self._ask("restore", parts)):
            self._ask("begin_anew")  # those that came out right must not go on from there
            raise OtherGamesError("the games, played again, do not reach the picture they had")

    def close(self) -> None:
        """End the processes."""
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.join(_CLOSING_SEC)
            if process.is_alive():
                process.kill()
                process.join()
        self._connections, self._processes = [], []

    def _reset(self) -> ts.TimeStep:
        return self._stepped(self._ask("reset"))

    def _step(self, action: np.ndarray) -> ts.TimeStep:
        parts = [(action[slots.start : slots.stop],) for slots in self._slots]
        return self._stepped(self._ask("step", parts))

    def _stepped(self, parts: Sequence[game_process.Stepped]) -> ts.TimeStep:
        for _, finished in parts:
            self._finished += finished
        fields = zip(*(time_step for time_step, _ in parts), strict=True)
        return ts.TimeStep(*(np.concatenate(field) for field in fields))

    def _ask(self, name: str, arguments: Sequence[tuple[Any, ...]] | None = None) -> list[Any]:
        """Send every process a name and its own arguments; return their answers."""
        for number, connection in enumerate(self._connections):
            try:
                connection.send((name, arguments[number] if arguments else ()))
            except ConnectionError as error:
                raise self._ended(number) from error
        return [self._receive(number) for number in range(len(self._connections))]

    def _receive(self, number: int) -> Any:
        try:
            is_right, answer = self._connections[number].recv()
        except (EOFError, ConnectionError) as error:
            raise self._ended(number) from error
        if not is_right:
            raise GameProcessError(f"{self._name(number)} failed ({answer})")
        return answer

    def _ended(self, number: int) -> GameProcessError:
        process = self._processes[number]
        process.join(_CLOSING_SEC)
        status = process.exitcode
        how = f"with status {status}"
        if status is not None and status < 0:
            how = f"by {signal.Signals(-status).name}"
            if -status == signal.SIGKILL:
                how += ", as where memory is short"
        return GameProcessError(f"{self._name(number)} was ended {how}")

    def _name(self, number: int) -> str:
        slots = self._slots[number]
        games = f"game {slots.start}" if len(slots) == 1 else f"games {slots[0]} to {slots[-1]}"
        return f"the process of {games}"


def _is_joint(key: str) -> bool:
    """Whether an array of the state has a row for each game."""
    return not key.startswith(_ACTIONS)
