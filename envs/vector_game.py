"""One game of the fast pipeline, on ale-py's C++ emulator."""

from __future__ import annotations

import collections

import cv2
import numpy as np
from ale_py import roms
from ale_py._ale_py import ALEVectorInterface
from tf_agents.trajectories import time_step as ts

from envs.finished_game import FinishedGame
from envs.plays import RESET, Plays
from envs.starts import Starts

STACK_SIZE = 4
_FULL_STRENGTH = [1.0]  # of the paddle; the emulator wants one for each action
_NO_SEED = -1  # the emulator's generators go on
_NO_FRAME_LIMIT = 2**31 - 1  # the limit is kept here, in agent steps


class VectorGame:
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
        self.plays = Plays(seed, slot)
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
        self.lives = 0
        self._stack: collections.deque[np.ndarray] = collections.deque(maxlen=STACK_SIZE)
        self._game_continues = False
        self._emulator_is_over = False  # its next step begins a new game, whatever the action
        self._is_begun = False  # the next life's or game's first step was sent
        # The time step, as the environment returns it.
        self.step_type = ts.StepType.LAST
        self.reward = 0.0
        self.discount = 1.0

    def send(self, action: int) -> None:
        """Let the emulator work on `action`, or on the start of a life or game after a LAST.

        RESET leaves the game, and begins a new one.

        Raises:
          ValueError: if the game has no such action: the emulator's thread would end, and the next
            `receive` wait for ever.
        """
        if not 0 <= action < self.num_actions and action != RESET:
            raise ValueError(f"the game has no action {action}; it has {self.num_actions}")
        self.plays.add(action)
        if action == RESET:
            self.step_type = ts.StepType.LAST
            self._game_continues = False
        if self.step_type == ts.StepType.LAST:
            if self._game_continues:
                self._is_begun = bool(self._starts.life)
                action = self._starts.life[0] if self._is_begun else 0
            else:
                self._is_begun = self._emulator_is_over and not self.plays.load_is_due
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
                # A reset with a seed loads the ROM.
                seed = self.plays.load() if self.plays.load_is_due else _NO_SEED
                observations, info = self._emulator.reset([0], [seed])
            is_begun, self._emulator_is_over = False, False
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
        lives = self.lives
        self._look(observations, info)
        reward = float(rewards[0])
        self._score += reward
        self._emulator_is_over = bool(terminations[0])
        return reward, self._emulator_is_over, self.lives < lives

    def _look(self, observations: np.ndarray, info: dict[str, np.ndarray]) -> None:
        self._frame = observations[0, 0]
        self.lives = int(info["lives"][0])
        self._frames = int(info["episode_frame_number"][0])

    def _report(self) -> None:
        self.finished_games.append(
            FinishedGame(self._slot, self._score, self._agent_steps, self._frames)
        )
