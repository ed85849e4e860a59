"""The fast pipeline: ale-py's C++ emulator as one batched environment, any number of games.

Each game has an `ALEVectorInterface` of its own, with one C++ thread. One interface of many games
would be 13 to 21 per cent faster, but it sends an action to each of them at every call: a game that
presses FIRE or skips its blinking start would drive all others along.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from tf_agents.environments import py_environment
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts

from envs.plays import RESET
from envs.side_by_side import GamesSideBySide
from envs.starts import Starts
from envs.vector_game import STACK_SIZE, VectorGame


class VectorAtari(GamesSideBySide, py_environment.PyEnvironment):
    """Games of the C++ pipeline side by side, stepped at the same time.

    Observations are uint8 [84, 84, 4], newest frame last; rewards are raw; see docs/environments.md
    for the whole contract.

    Args:
      rom: the ROM's name, as `space_invaders`.
      slots: the numbers of the games side by side.
      seed: the same seed gives the same games.
      starts: what is played when a game and a life begin.
      life_loss_terminal: whether a lost life is LAST with discount 0.
      max_agent_steps: a game is cut off here: LAST with discount 1.
      sticky_action_probability: chance that a frame repeats the previous action.
    """

    def __init__(
        self,
        rom: str,
        slots: range,
        seed: int,
        starts: Starts,
        *,
        life_loss_terminal: bool,
        max_agent_steps: int,
        sticky_action_probability: float,
    ) -> None:
        super().__init__(handle_auto_reset=False)
        self._games = [
            VectorGame(
                rom,
                slot,
                seed,
                starts,
                life_loss_terminal,
                max_agent_steps,
                sticky_action_probability,
            )
            for slot in slots
        ]
        self._goes_on = False

    @property
    def batched(self) -> bool:
        """True: one array holds all games."""
        return True

    @property
    def batch_size(self) -> int:
        """The number of games."""
        return len(self._games)

    def observation_spec(self) -> array_spec.BoundedArraySpec:
        """uint8 [84, 84, 4] from 0 to 255."""
        return array_spec.BoundedArraySpec((84, 84, STACK_SIZE), np.uint8, 0, 255, "observation")

    def action_spec(self) -> array_spec.BoundedArraySpec:
        """int64 [], a number of the game's own (minimal) action set."""
        return array_spec.BoundedArraySpec(
            (), np.int64, 0, self._games[0].num_actions - 1, "action"
        )

    @property
    def _played(self) -> Sequence[VectorGame]:
        return self._games

    def _play_again(self, recorded: Sequence[tuple[int, list[int]]]) -> None:
        seeds, actions = zip(*recorded, strict=True)
        for game, seed in zip(self._games, seeds, strict=True):
            game.plays.play_again_from(seed)
        for numbers in itertools.zip_longest(*([RESET, *each] for each in actions)):
            self._play(numbers)
        self._goes_on = True

    def begin_anew(self) -> None:
        """Make the next `reset` begin each game as if nothing had been played."""
        for game in self._games:
            game.plays.begin_anew()
        self._goes_on = False

    def _reset(self) -> ts.TimeStep:
        if not self._goes_on:
            return self._step(np.full(len(self._games), RESET))
        self._goes_on = False
        return self._time_step()

    def _step(self, action: np.ndarray) -> ts.TimeStep:
        self._play(action.tolist())
        return self._time_step()

    def _play(self, actions: Sequence[int | None]) -> None:
        """Play one action of each game, or none where there is None."""
        playing = [
            (game, action)
            for game, action in zip(self._games, actions, strict=True)
            if action is not None
        ]
        for game, action in playing:
            game.send(action)
        for game, _ in playing:
            game.receive()

    def _time_step(self) -> ts.TimeStep:
        # A fresh array: TensorFlow may still look at the one before.
        observation = np.empty((len(self._games), 84, 84, STACK_SIZE), np.uint8)
        for game, out in zip(self._games, observation, strict=True):
            game.write_observation(out)
        return ts.TimeStep(
            step_type=np.array([game.step_type for game in self._games], np.int32),
            reward=np.array([game.reward for game in self._games], np.float32),
            discount=np.array([game.discount for game in self._games], np.float32),
            observation=observation,
        )
