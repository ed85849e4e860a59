"""Measures collection alone, without training: `python -m benchmarks.collection_rates`.

The bare emulator and this project's collection take turns in one process, so that a machine that
grows slower slows all of them.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable

from absl import flags

from benchmarks import measurement
from benchmarks.bare_emulator import BareEmulator
from configs import PRESETS, Config
from console import errors

GAMES = 8
_REPLAY_TRANSITIONS = 20_000
_WARMUP_AGENT_STEPS = 1_600


@dataclasses.dataclass(frozen=True)
class CollectionRates:
    """Agent steps a second of GAMES games, one number per chunk; an agent step is four frames.

    Attributes:
      device: what the network acts on.
      bare: the emulator with random actions.
      at_random: this project at epsilon 1, kept in its replay memory.
      acting: this project with its network acting, at `epsilon`, kept in its replay memory.
      epsilon: the share of random actions at the end of a run.
    """

    device: str
    bare: list[float]
    at_random: list[float]
    acting: list[float]
    epsilon: float


def measure(chunks: int, chunk_agent_steps: int) -> CollectionRates:
    """Time all three in turn, `chunks` times, each `chunk_agent_steps` of all games together."""
    from training import parts, precision

    config = PRESETS["default"].replace(
        game="Breakout", num_envs=GAMES, replay_capacity=_REPLAY_TRANSITIONS
    )
    config = config.replace(
        epsilon_initial=config.epsilon_final, precision=precision.decide(config)
    )
    chunk_agent_steps = max(1, chunk_agent_steps // GAMES) * GAMES  # all games play alike
    emulator = BareEmulator("breakout", GAMES)
    random_parts = parts.build(config)

    def play_bare(agent_steps: int) -> None:
        for _ in range(agent_steps // GAMES):
            emulator.step()

    def play_at_random(agent_steps: int) -> None:
        random_parts.collect_at_random(random_parts.agent_steps() + agent_steps)
        random_parts.env.pop_finished_games()

    players = {"bare": play_bare, "at_random": play_at_random, "acting": _acting(config)}
    rates: dict[str, list[float]] = {name: [] for name in players}
    for play in players.values():
        play(_WARMUP_AGENT_STEPS)
    for _ in range(chunks):
        for name, play in players.items():
            start = time.perf_counter()
            play(chunk_agent_steps)
            rates[name].append(chunk_agent_steps / (time.perf_counter() - start))
    return CollectionRates(device=measurement.device(), epsilon=config.epsilon_final, **rates)


def _acting(config: Config) -> Callable[[int], None]:
    """Return a function that collects so many agent steps with the network acting.

    The driver is that of `training.parts`, which does not collect without training except at
    random.
    """
    import tensorflow as tf
    from tf_agents.drivers import dynamic_step_driver
    from tf_agents.environments import tf_py_environment

    from training import parts

    built = parts.build(config)
    tf_env = tf_py_environment.TFPyEnvironment(built.env)
    agent_steps = tf.Variable(0, dtype=tf.int32)
    driver = dynamic_step_driver.DynamicStepDriver(
        tf_env,
        built.agent.collect_policy,
        observers=[built.replay.add_batch],
        num_steps=agent_steps,
    )

    @tf.function
    def collect(count: tf.Tensor) -> None:
        agent_steps.assign(count)
        driver.run(tf_env.current_time_step())

    def play(count: int) -> None:
        collect(tf.constant(count))
        built.env.pop_finished_games()

    return play


def main() -> None:
    """Measure as the flags say and print a line of JSON."""
    values = flags.FLAGS
    print(json.dumps(dataclasses.asdict(measure(values.chunks, values.chunk_agent_steps))))


def define_flags() -> None:
    """Define the flags of this program, which `benchmarks.collection` has too."""
    flags.DEFINE_integer("chunks", 10, "how often each is timed", 1, 10_000)
    flags.DEFINE_integer(
        "chunk_agent_steps", 2_000, "played each time, all games together", GAMES, 10**7
    )


if __name__ == "__main__":
    define_flags()
    errors.run_main(main)
