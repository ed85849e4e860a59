"""Games of gym with a flat observation, such as CartPole-v1; imports no TensorFlow."""

from __future__ import annotations

import difflib
import functools
import importlib.util
import os

import gym
import numpy as np

_PYGAME = {
    "SDL_VIDEODRIVER": "dummy",
    "SDL_AUDIODRIVER": "dummy",
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
}
"""pygame, which draws these games, asks for no screen and no sound, and says nothing. It is not set
before such a game is made: the window of `--watch`, which shows Atari games, is pygame's too."""

BOX2D = "box2d==2.3.10"
"""gym's own extra names box2d-py, which has to be compiled; this has wheels, not for ARM Linux."""

_MOST_ACTIONS = 255  # the replay keeps an action in a byte, and envs/plays.py a reset too


@functools.cache  # each is made once to be looked at
def observation_shape(game: str) -> tuple[int, ...]:
    """Return the shape of the observations of `game`, a gym id, and see that it can be played.

    Raises:
      ValueError: if there is no such game, a package of it is missing, or its observations are no
        flat floats or its actions no numbers.
    """
    for name, value in _PYGAME.items():
        os.environ.setdefault(name, value)
    try:
        env = gym.make(game)
    except gym.error.UnregisteredEnv:
        near = difflib.get_close_matches(game, [spec.id for spec in gym.envs.registry.all()], n=3)
        hint = f"the nearest names are {', '.join(near)}" if near else "one of gym's is CartPole-v1"
        raise ValueError(f"gym has no game called {game!r}; {hint}") from None
    except (AttributeError, ImportError, gym.error.Error) as error:  # as gym was left incomplete
        if _needs_box2d(game):
            raise ValueError(
                f"{game} needs the package box2d, which is not installed; pip install {BOX2D}"
            ) from None
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"gym cannot make {game} ({reason}); install what it needs, or choose another game"
        ) from None
    seen, acts = env.observation_space, env.action_space
    env.close()
    is_flat = isinstance(seen, gym.spaces.Box) and len(seen.shape) == 1
    if not is_flat or not np.issubdtype(seen.dtype, np.floating):
        raise ValueError(f"{game} shows {seen}; only flat observations of floats can be learned")
    if not isinstance(acts, gym.spaces.Discrete) or getattr(acts, "start", 0) != 0:
        raise ValueError(f"{game} takes actions {acts}; only numbers from 0 can be learned")
    if acts.n > _MOST_ACTIONS:
        raise ValueError(f"{game} has {acts.n} actions; at most {_MOST_ACTIONS} can be learned")
    return tuple(seen.shape)


def _needs_box2d(game: str) -> bool:
    """Whether `game` is one of those that fall and collide, and cannot be imported here."""
    is_one = str(gym.spec(game).entry_point).startswith("gym.envs.box2d")
    return is_one and importlib.util.find_spec("Box2D") is None


def max_agent_steps(game: str) -> int | None:
    """Return the time limit that gym has for `game`, None where it has none."""
    limit: int | None = gym.spec(game).max_episode_steps
    return limit


def steps_per_sec(game: str) -> int:
    """Return the real speed of `game`, in agent steps, as far as gym knows it."""
    env = gym.make(game)
    env.close()
    return int(env.metadata.get("render_fps", 30))


class Seeded(gym.Wrapper):
    """Makes the game anew where it is given a seed, and lets its generator go on from there.

    A seed alone would not do: the physics of LunarLander keep one world through all resets, and one
    that was played in finds contacts in another order than a new one.

    Args:
      env: the game, with gym's wrappers. gym's own time limit is taken away: it would make running
        out of time a death.
    """

    env: gym.Env

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env.unwrapped)
        self._seed: int | None = None

    def seed(self, seed: int | None = None) -> None:
        """Let the next `reset` begin in a new game with `seed`, from 0."""
        self._seed = seed

    def reset(self, **kwargs: object) -> np.ndarray:
        """Begin a game and return its first observation."""
        if self._seed is None:
            return self.env.reset(**kwargs)
        seed, self._seed = self._seed, None
        spec = self.env.spec
        self.env.close()  # first: a game that was drawn ends pygame for all
        self.env = spec.make().unwrapped
        return self.env.reset(seed=seed, **kwargs)
