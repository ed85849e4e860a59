"""Games in processes of their own: the same bytes as in one, and faults in a sentence."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from tf_agents.trajectories import time_step as ts

from configs import Config
from envs import suite
from envs.plays import OtherGamesError
from policy_gradient.parallel_games import GameProcessError, ParallelGames

_ROOT = Path(__file__).parents[1]
# Games that are over soon, by game over, lost lives and the time limit.
_BREAKOUT = Config(game="Breakout", max_agent_steps_per_game=60)
_POLE = Config(game="CartPole-v1", max_agent_steps_per_game=15)
_GAMES, _PROCESSES = 3, 2


@contextlib.contextmanager
def _parallel(config: Config, seed: int = 1) -> Iterator[ParallelGames]:
    with contextlib.closing(ParallelGames(config, _GAMES, seed, _PROCESSES)) as games:
        yield games


def _bytes(step: ts.TimeStep) -> list[tuple[str, tuple[int, ...], bytes]]:
    arrays = (step.step_type, step.reward, step.discount, step.observation)
    return [(array.dtype.name, array.shape, array.tobytes()) for array in arrays]


def _actions(steps: int, most: int) -> np.ndarray:
    return np.random.default_rng(0).integers(most + 1, size=(steps, _GAMES))


@pytest.mark.parametrize("config", [_BREAKOUT, _POLE], ids=lambda config: config.game)
def test_games_in_processes_are_those_of_one_process(config: Config) -> None:
    alone = suite.load(config, _GAMES, seed=1)
    with _parallel(config) as games:
        assert games.time_step_spec() == alone.time_step_spec()
        assert games.action_spec() == alone.action_spec()
        assert (games.batched, games.batch_size) == (True, _GAMES)
        assert _bytes(games.reset()) == _bytes(alone.reset())
        for action in _actions(100, int(alone.action_spec().maximum)):
            assert _bytes(games.step(action)) == _bytes(alone.step(action))
            assert games.lives() == alone.lives()
        finished = games.pop_finished_games()
        assert finished
        assert sorted(finished) == sorted(alone.pop_finished_games())
        assert games.pop_finished_games() == []


def test_another_seed_gives_other_games() -> None:
    with _parallel(_POLE, seed=1) as one, _parallel(_POLE, seed=2) as other:
        assert _bytes(one.reset()) != _bytes(other.reset())


def test_a_checkpoint_fits_any_number_of_processes() -> None:
    actions = _actions(30, 1)
    with _parallel(_POLE) as games:
        assert games.state() == {}
        games.reset()
        for action in actions[:20]:
            before = games.step(action)
        state = games.state()
        after = [_bytes(games.step(action)) for action in actions[20:]]
    alone = suite.load(_POLE, _GAMES, seed=9)
    alone.restore(state)
    assert _bytes(alone.reset()) == _bytes(before)
    assert {key: value.tolist() for key, value in alone.state().items()} == {
        key: value.tolist() for key, value in state.items()
    }
    with _parallel(_POLE, seed=9) as again:
        again.restore(state)
        assert _bytes(again.reset()) == _bytes(before)
        assert [_bytes(again.step(action)) for action in actions[20:]] == after
        state["checksum"][-1] += 1
        with pytest.raises(OtherGamesError, match="do not reach the picture"):
            again.restore(state)
        anew, never_restored = again.reset(), suite.load(_POLE, _GAMES, seed=9)
        assert _bytes(anew) == _bytes(never_restored.reset())
        for action in actions:
            assert _bytes(again.step(action)) == _bytes(never_restored.step(action))


def test_a_fault_in_a_process_is_told() -> None:
    with _parallel(_BREAKOUT) as games:
        games.reset()
        with pytest.raises(GameProcessError) as told:
            games.step(np.array([0, 99, 0]))
    assert re.fullmatch(
        r"the process of games 1 to 2 failed \(ValueError: the game has no action 99; it has 4, "
        r"vector_game\.py, line \d+\)",
        str(told.value),
    )


def test_a_process_that_is_killed_is_told_and_a_ctrl_c_is_not_for_it() -> None:
    with _parallel(_POLE) as games:
        games.reset()
        first, second = games.process_ids
        os.kill(second, signal.SIGINT)
        games.step(np.zeros(_GAMES, np.int64))
        os.kill(first, signal.SIGKILL)
        with pytest.raises(GameProcessError) as told:
            games.step(np.zeros(_GAMES, np.int64))
    assert str(told.value) == (
        "the process of game 0 was ended by SIGKILL, as where memory is short"
    )
    assert not psutil.pid_exists(second)


_TRAINER = """
import time
from configs import Config
from policy_gradient.parallel_games import ParallelGames
games = ParallelGames(Config(game="CartPole-v1"), 2, 1, 2)
games.reset()
print(*games.process_ids, flush=True)
time.sleep(600)
"""


def test_a_trainer_that_is_killed_leaves_no_process_behind() -> None:
    trainer = subprocess.Popen(
        [sys.executable, "-c", _TRAINER],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with trainer:
        assert trainer.stdout is not None
        processes = [int(word) for word in trainer.stdout.readline().split()]
        assert len(processes) == 2
        trainer.kill()
    give_up = time.monotonic() + 60
    while any(map(_is_alive, processes)) and time.monotonic() < give_up:
        time.sleep(0.1)
    assert not any(map(_is_alive, processes))


def _is_alive(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
