"""A game that follows a script, leaves a tape, and can be put under either pipeline.

The picture of frame n is n everywhere, so that an observation tells which frame it shows:

    frame     0 | 1  2  3  4 | 5  6  7  8 | 9 ...
    tape      | | F  F  F  F | R  R  R  R | R ...      a bar is a new game, a letter is one frame
    newest    0 |          4 |          8 |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest import mock

import gym
import numpy as np
from tf_agents.environments import atari_wrappers, gym_wrapper

from envs import vector_game
from envs.plays import Plays
from envs.preprocessing import AutoStartPreprocessing, GameClock
from envs.starts import Starts
from envs.suite import SideBySide
from envs.vector import VectorAtari

PIPELINES = ("vector", "suite")
NOOP, FIRE, RIGHT, LEFT = range(4)
_LETTERS = ".FRL"
_LIVES = 3


class Event(NamedTuple):
    """What happens in one frame."""

    reward: float = 0.0
    life_lost: bool = False
    game_over: bool = False


LIFE_LOST = Event(life_lost=True)
GAME_OVER = Event(game_over=True)

Script = Mapping[int, Event]
"""The events of one game by frame number; the first frame that is played is 1."""


class ScriptedGame:
    """The emulator: plays one script after another, and the last one for ever."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._scripts = scripts
        self.tape = ""
        self.frame = 0
        self.lives = _LIVES
        self._game_over = True

    def reset(self) -> None:
        """Begin the next game."""
        self._script = self._scripts[min(self.tape.count("|"), len(self._scripts) - 1)]
        self.tape += "|"
        self.frame = 0
        self.lives = _LIVES
        self._game_over = False

    def play(self, action: int) -> Event:
        """Play one frame; to play on after game over is a mistake."""
        assert not self._game_over, f"played on after game over: {self.tape}"
        self.tape += _LETTERS[action]
        self.frame += 1
        event = self._script.get(self.frame, Event())
        self.lives -= event.life_lost
        self._game_over = event.game_over
        return event

    def write_screen(self, out: np.ndarray) -> None:
        """Fill `out` with the number of the frame."""
        out.fill(self.frame % 256)


class GymGame(gym.Env):
    """The script as the gym environment that the suite pipeline stands on."""

    action_space = gym.spaces.Discrete(len(_LETTERS))
    observation_space = gym.spaces.Box(0, 255, (210, 160, 3), np.uint8)

    def __init__(self, game: ScriptedGame) -> None:
        self._game = game
        self.ale = SimpleNamespace(
            lives=lambda: game.lives,
            getScreenGrayscale=game.write_screen,
            getEpisodeFrameNumber=lambda: game.frame,
        )

    def reset(self) -> np.ndarray:
        self._game.reset()
        return np.zeros((210, 160, 3), np.uint8)

    def wait(self) -> None:
        self._game.play(NOOP)

    def render(self, mode: str = "rgb_array") -> np.ndarray:
        return np.full((210, 160, 3), self._game.frame, np.uint8)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, dict[str, int]]:
        event = self._game.play(action)
        return self.render(), event.reward, event.game_over, {"lives": self._game.lives}


class _VectorInterface:
    """The script as the C++ interface of one game that the vector pipeline stands on."""

    def __init__(self, game: ScriptedGame, frame_skip: int, options: Mapping[str, Any]) -> None:
        assert options["num_envs"] == options["stack_num"] == 1
        assert options["noop_max"] == 0
        for name in ("use_fire_reset", "episodic_life", "life_loss_info", "reward_clipping"):
            assert options[name] is False
        self._game = game
        self._frame_skip = frame_skip
        self._sent: list[int] = []
        self._is_over = False
        self._screen = np.zeros((1, 1, 84, 84), np.uint8)

    def get_action_set(self) -> list[int]:
        return list(range(len(_LETTERS)))

    def reset(
        self, indices: list[int], seeds: list[int]
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        assert indices == [0]
        assert not self._sent, "reset while an action is on its way"
        self._game.reset()
        self._is_over = False
        return self._observe(), self._info()

    def send(self, actions: list[int], paddle_strengths: list[float]) -> None:
        assert paddle_strengths == [1.0]
        assert not self._sent, "sent twice"
        self._sent = actions

    def recv(
        self,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        action = self._sent.pop()
        reward, over = 0.0, False
        if self._is_over:  # the step after a game over begins the next game, without an action
            observation, info = self.reset([0], [-1])
            nothing = np.array([False])
            return observation, np.array([0.0]), nothing, nothing, info
        for _ in range(self._frame_skip):
            event = self._game.play(action)
            reward += event.reward
            over = event.game_over
            if over:
                break
        self._is_over = over
        never = np.array([False])
        return self._observe(), np.array([reward]), np.array([over]), never, self._info()

    def _observe(self) -> np.ndarray:
        self._game.write_screen(self._screen)
        return self._screen.copy()

    def _info(self) -> dict[str, np.ndarray]:
        return {
            "lives": np.array([self._game.lives]),
            "episode_frame_number": np.array([self._game.frame]),
        }


def load(
    pipeline: str,
    games: Sequence[ScriptedGame],
    starts: Starts,
    *,
    life_loss_terminal: bool,
    max_agent_steps: int = 1_000,
) -> SideBySide | VectorAtari:
    """Return `games` side by side under `pipeline`; they play no NOOPs at their start."""
    assert starts.noop_max_frames == 0
    if pipeline == "vector":
        waiting = list(games)

        def interface(rom: object, *, frame_skip: int, **options: object) -> _VectorInterface:
            return _VectorInterface(waiting.pop(0), frame_skip, options)

        with mock.patch.object(vector_game, "ALEVectorInterface", interface):
            return VectorAtari(
                "breakout",
                range(len(games)),
                1,
                starts,
                life_loss_terminal=life_loss_terminal,
                max_agent_steps=max_agent_steps,
                sticky_action_probability=0.0,
            )

    def load_one(slot: int, game: ScriptedGame) -> GameClock:
        env = AutoStartPreprocessing(GymGame(game), starts, life_loss_terminal, slot)
        stacked = atari_wrappers.FrameStack4(env)
        clocked = gym_wrapper.GymWrapper(stacked, auto_reset=False)
        return GameClock(clocked, max_agent_steps, Plays(1, slot))

    return SideBySide([load_one(*pair) for pair in enumerate(games)], multithreading=False)
