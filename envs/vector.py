"""The fast pipeline: ale-py's C++ emulator as one batched environment, any number of games.

Each game has an `ALEVectorInterface` of its own, with one C++ thread. One interface of many games
would be 13 to 21 per cent faster, but it sends an action to each of them at every call: a game that
presses FIRE or skips its blinking start would drive all others along.
"""

from __future__ import annotations

import collections

import cv2
import numpy as np
from ale_py import roms
from ale_py._ale_py import ALEVectorInterface
from tf_agents.environments import py_environment
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts

from envs.finished_game import FinishedGame
from envs.starts import Starts, emulator_seed

STACK_SIZE = 4
_FULL_STRENGTH = [1.0]  # of the paddle; the emulator wants one for each action
_NO_SEED = -1  # the emulator's generators go on
_NO_FRAME_LIMIT = 2**31 - 1  # the limit is kept here, in agent steps


class _Game:
    """One game: its emulator, and what tells its lives, its clock and its report.

    `send` and `receive` are two calls, so that the emulators of all games work at the same time.
    """

    def __init__(
        self,
        rom: str,
        slot: int,
        seed: int,
        starts: Starts,
        life_loss_terminal: bool,
        max_agent_steps: int,
        sticky_action_probability: float,
    ) -> None:
        self._slot = slot
        self._starts = starts
        self._life_loss_terminal = life_loss_terminal
        self._max_agent_steps = max_agent_steps
        self._seed = emulator_seed(seed, slot)
        self._emulator = ALEVectorInterface(
            roms.get_rom_path(rom),
            num_envs=1,
            num_threads=1,
            frame_skip=4,
            stack_num=1,
            noop_max=starts.noop_max_frames and starts.noop_max_frames + 1,
            use_fire_reset=False,
            episodic_life=False,
            life_loss_info=False,
            reward_clipping=False,
            max_episode_steps=_NO_FRAME_LIMIT,
            repeat_action_probability=sticky_action_probability,
        )
        self.num_actions = len(self._emulator.get_action_set())
        self.finished_games: list[FinishedGame] = []
        self._stack: collections.deque[np.ndarray] = collections.deque(maxlen=STACK_SIZE)
        self._game_continues = False
        self._emulator_is_over = False  # its next step begins a new game, whatever the action
        self._is_begun = False  # the next life's or game's first step was sent
        # The time step, as the environment returns it.
        self.step_type = ts.StepType.LAST
        self.reward = 0.0
        self.discount = 1.0

    def leave_game(self) -> None:
        """Make the next `receive` begin a new game."""
        self.step_type = ts.StepType.LAST
        self._game_continues = False

    def send(self, action: int) -> None:
        """Let the emulator work on `action`, or on the start of a life or game after a LAST."""
        if self.step_type == ts.StepType.LAST:
            if self._game_continues:
                self._is_begun = bool(self._starts.life)
                action = self._starts.life[0] if self._is_begun else 0
            else:
                self._is_begun = self._emulator_is_over
            if not self._is_begun:
                return
        self._emulator.send([action], _FULL_STRENGTH)

    def receive(self) -> None:
        """Take the step that was sent, or begin the next life or game."""
        if self.step_type == ts.StepType.LAST:
            self._begin()
            self._stack.extend([self._frame] * STACK_SIZE)
            self.step_type, self.reward, self.discount = ts.StepType.FIRST, 0.0, 1.0
            return
        self._agent_steps += 1
        reward, over, life_lost = self._receive()
        terminal = over
        if life_lost and not over:
            if self._life_loss_terminal:
                terminal = True
            else:
                start_reward, over = self._play(self._starts.life)
                reward += start_reward
                terminal = over
        out_of_time = self._agent_steps >= self._max_agent_steps
        if over or out_of_time:
            self._report()
        self._game_continues = not (over or out_of_time)
        self._stack.append(self._frame)
        self.step_type = ts.StepType.LAST if terminal or out_of_time else ts.StepType.MID
        self.reward, self.discount = reward, 0.0 if terminal else 1.0

    def write_observation(self, out: np.ndarray) -> None:
        """Write the stack into `out`, uint8 [84, 84, 4], newest frame last."""
        cv2.merge(tuple(self._stack), out)

    def _begin(self) -> None:
        """Begin the next life of the game where one was just lost, else a new game."""
        is_begun, self._is_begun = self._is_begun, False
        if self._game_continues:
            _, over = self._play(self._starts.life, is_begun=is_begun)
            if not over:
                return
            self._report()
            is_begun = False
        over = True
        while over:
            if is_begun:
                observations, _, _, _, info = self._emulator.recv()
            else:
                observations, info = self._emulator.reset([0], [self._seed])
            is_begun, self._seed, self._emulator_is_over = False, _NO_SEED, False
            self._score, self._agent_steps = 0.0, 0
            self._look(observations, info)
            _, over = self._play(self._starts.life)

    def _play(self, actions: tuple[int, ...], *, is_begun: bool = False) -> tuple[float, bool]:
        """Play the actions that begin a life, and those of a life once more if it is lost.

        Args:
          actions: in their order.
          is_begun: the first was sent already.
        """
        total, pending = 0.0, list(actions)
        while pending:
            action = pending.pop(0)
            if not is_begun:
                self._emulator.send([action], _FULL_STRENGTH)
            is_begun = False
            reward, over, life_lost = self._receive()
            total += reward
            if over:
                return total, True
            if life_lost:
                pending = list(self._starts.life)
        return total, False

    def _receive(self) -> tuple[float, bool, bool]:
        """Return the reward of the step that was sent, whether the game is over, a life lost."""
        observations, rewards, terminations, _, info = self._emulator.recv()
        lives = self._lives
        self._look(observations, info)
        reward = float(rewards[0])
        self._score += reward
        self._emulator_is_over = bool(terminations[0])
        return reward, self._emulator_is_over, self._lives < lives

    def _look(self, observations: np.ndarray, info: dict[str, np.ndarray]) -> None:
        self._frame = observations[0, 0]
        self._lives = int(info["lives"][0])
        self._frames = int(info["episode_frame_number"][0])

    def _report(self) -> None:
        self.finished_games.append(
            FinishedGame(self._slot, self._score, self._agent_steps, self._frames)
        )


class VectorAtari(py_environment.PyEnvironment):
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
            _Game(
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

    def pop_finished_games(self) -> list[FinishedGame]:
        """Return the games finished since the last call."""
        finished: list[FinishedGame] = []
        for game in self._games:
            finished += game.finished_games
            game.finished_games.clear()
        return finished

    def _reset(self) -> ts.TimeStep:
        for game in self._games:
            game.leave_game()
        return self._step(np.zeros(len(self._games), np.int64))

    def _step(self, action: np.ndarray) -> ts.TimeStep:
        for game, number in zip(self._games, action.tolist(), strict=True):
            game.send(number)
        # A fresh array: TensorFlow may still look at the one before.
        observation = np.empty((len(self._games), 84, 84, STACK_SIZE), np.uint8)
        for game, out in zip(self._games, observation, strict=True):
            game.receive()
            game.write_observation(out)
        return ts.TimeStep(
            step_type=np.array([game.step_type for game in self._games], np.int32),
            reward=np.array([game.reward for game in self._games], np.float32),
            discount=np.array([game.discount for game in self._games], np.float32),
            observation=observation,
        )
