"""What is checked before any long work; imports no TensorFlow."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import NamedTuple

from agents import AGENTS
from configs import Config
from configs.games import ATARI_SETTINGS, is_atari
from console.errors import UserError
from envs import games
from replay.frame_ring import FrameRing
from training.machine import free_memory_bytes

_MOST_ACTIONS = 18  # of any game
_COPIES_OF_WEIGHTS = 7  # online, target, collecting; masters, two slots and gradients
_COPIES_OF_ACTIVATIONS = 3  # forward and backward of the online network, forward of the target
_PRIORITY_BYTES = 32  # of a transition, at the most: replay/sum_tree.py has up to 4 float64
_GO_ON_ELSEWHERE = "end other programs, or go on with it on a larger machine"
_LIBRARIES_BYTES = 1_000_000_000  # TensorFlow, the networks and the emulators; measured: 0.7 to 0.9


def check(config: Config, asked: Collection[str] = (), *, is_resume: bool = False) -> None:
    """Check what a config asks for against this program and this machine.

    Args:
      config: of the run.
      asked: the settings that the user named.
      is_resume: whether the run was begun before.

    Raises:
      UserError: if the game or the algorithm is unknown, if the user named a setting that means
        nothing to the game, if the numbers of games and steps do not go together, or if replay,
        networks and batch do not fit into memory.
    """
    check_settings(config, asked)
    check_memory(config, is_resume=is_resume)


def check_settings(config: Config, asked: Collection[str] = ()) -> None:
    """Check what a config asks for against this program.

    Raises:
      UserError: if the game or the algorithm is unknown, or if the numbers of games and steps do
        not go together.
    """
    try:
        games.check(config.game)
    except ValueError as error:
        raise UserError(str(error)) from error
    if not is_atari(config.game):
        _check_small(config, asked)
    if config.agent not in AGENTS:
        near = difflib.get_close_matches(config.agent, AGENTS, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(AGENTS)}"
        raise UserError(f"there is no agent called {config.agent!r}; {hint}")
    shortest = config.num_envs * (config.n_step + 1)
    if config.initial_collect_steps < shortest:
        raise UserError(
            f"initial_collect_steps {config.initial_collect_steps} is too small for "
            f"{config.num_envs} games and n_step {config.n_step}: give at least {shortest}"
        )


def memory_needed_bytes(config: Config) -> int:
    """Return about how much memory a run takes when its replay is full."""
    return _replay_bytes(config, config.replay_capacity) + learning_bytes(config) + _LIBRARIES_BYTES


def check_memory(config: Config, *, is_resume: bool = False) -> None:
    """Raise UserError if networks and batch, or the replay, do not fit into memory.

    Args:
      config: of the run.
      is_resume: whether it was begun before, so that neither of them can be made smaller.
    """
    learning = learning_bytes(config)
    free = free_memory_bytes()
    if learning + _LIBRARIES_BYTES > free:
        advice = _GO_ON_ELSEWHERE if is_resume else "give a smaller --batch_size or --network_width"
        raise UserError(
            f"batches of {config.batch_size:,} transitions and networks of width "
            f"{config.network_width:g} need about {learning / 1e9:.1f} GB and {free / 1e9:.1f} GB "
            f"of memory are free; {advice}"
        )
    needed = _replay_bytes(config, config.replay_capacity)
    free -= learning
    if needed + _LIBRARIES_BYTES > free:
        fits = max(0, free - _LIBRARIES_BYTES) // _replay_bytes(config, 1) // 1_000 * 1_000
        least = config.num_envs * (config.n_step + 5)
        advice = f"--replay_capacity={fits} fits" if fits >= least else "none fits: make room"
        raise UserError(
            f"a replay of {config.replay_capacity:,} transitions needs {needed / 1e9:.1f} GB and "
            f"{free / 1e9:.1f} GB of memory are free; {_GO_ON_ELSEWHERE if is_resume else advice}"
        )


def _replay_bytes(config: Config, capacity: int) -> int:
    frames = FrameRing.bytes_needed(capacity, games.frame_bytes(config.game))
    return frames + (_PRIORITY_BYTES * capacity if config.prioritized else 0)


def _check_small(config: Config, asked: Collection[str]) -> None:
    """Refuse what means nothing to a game that is not Atari's; what a preset says is not read."""
    for name in asked:
        if name in ATARI_SETTINGS:
            raise UserError(f"--{name} is for Atari games only; leave it out with {config.game}")
    if config.precision not in ("auto", "float32"):
        raise UserError(
            f"the small network that plays {config.game} is always float32, not "
            f"{config.precision}; leave --precision out"
        )


class _Body(NamedTuple):
    """The layers of a network before its head, all numbers float32.

    Attributes:
      observation_bytes: of one, as the replay gives it.
      inputs: numbers of an observation.
      weights: of the layers, biases among them.
      activations: of all layers, for one observation.
      features: of the last layer.
      units: of each dense layer of the head.
    """

    observation_bytes: int
    inputs: int
    weights: int
    activations: int
    features: int
    units: int


def learning_bytes(config: Config) -> int:
    """Return about how much memory a training step takes: networks, optimizer and batch.

    A bound for the largest of the machine's needs and no measurement: see docs/reliability.md.
    """
    body = _nature_body(config) if is_atari(config.game) else _dense_body(config)
    atoms = 1 if config.agent == "dqn" else config.atoms
    streams = [_MOST_ACTIONS * atoms] + [atoms] * config.dueling  # their outputs
    head = sum((body.features + 1) * body.units + (body.units + 1) * size for size in streams)
    normalized = (body.features + body.units * len(streams)) * config.layer_norm
    weights = body.weights + head * (2 if config.noisy else 1) + 2 * normalized
    activations = body.activations + sum(body.units + size for size in streams) + normalized
    observations = 2 * body.observation_bytes  # before and behind the n steps
    of_a_transition = (2 if config.overlap else 1) * observations
    # as float32, for the first layer
    of_a_transition += 4 * (body.inputs + _COPIES_OF_ACTIVATIONS * activations)
    return 4 * _COPIES_OF_WEIGHTS * weights + config.batch_size * of_a_transition


def _nature_body(config: Config) -> _Body:
    """Return that of agents/nature_network.py."""
    width, inputs = config.network_width, 84 * 84 * 4
    filters = [max(1, round(count * width)) for count in (32, 64, 64)]
    features = 7 * 7 * filters[2]
    return _Body(
        observation_bytes=inputs,
        inputs=inputs,
        weights=(8 * 8 * 4 + 1) * filters[0]
        + (4 * 4 * filters[0] + 1) * filters[1]
        + (3 * 3 * filters[1] + 1) * filters[2],
        activations=20 * 20 * filters[0] + 9 * 9 * filters[1] + features,
        features=features,
        units=max(1, round(512 * width)),
    )


def _dense_body(config: Config) -> _Body:
    """Return that of agents/dense_network.py, whose observations are float32."""
    observation_bytes = games.frame_bytes(config.game)
    inputs, units = observation_bytes // 4, max(1, round(128 * config.network_width))
    return _Body(observation_bytes, inputs, (inputs + 1) * units, units, units, units)
