"""Measures this project's training loop: `python -m benchmarks.project_loop`."""

from __future__ import annotations

import time

from absl import flags

from benchmarks import measurement, synthetic
from configs import PRESETS, Config

_ALGORITHM_FIELDS = (
    "double",
    "dueling",
    "n_step",
    "reward_clip",
    "optimizer",
    "learning_rate",
    "optimizer_epsilon",
    "target_update_period",
)

ALGORITHMS = {
    # The stock loop's: DQN with one-step returns and its optimizer.
    "stock": {name: getattr(PRESETS["notebook"], name) for name in _ALGORITHM_FIELDS},
    # Stable-Baselines3's: DQN with one-step returns and Adam.
    "sb3": {
        "double": False,
        "dueling": False,
        "n_step": 1,
        "reward_clip": 1.0,
        "optimizer": "adam",
        "learning_rate": 1e-4,
        "optimizer_epsilon": 1e-8,
        "target_update_period": 250,  # 1,000 agent steps
    },
}


def config_of(like: str | None, batch_size: int) -> Config:
    """Return the preset `default`, or with the algorithm of one of ALGORITHMS.

    Numbers that all contenders share are the same. Epsilon is at its end, as in most of a run: at
    its start hardly an action needs the network.
    """
    config = PRESETS["default"].replace(**ALGORITHMS[like] if like else {})
    return config.replace(
        game="Breakout",
        batch_size=batch_size,
        update_period=measurement.UPDATE_PERIOD_AGENT_STEPS,
        replay_capacity=measurement.REPLAY_TRANSITIONS,
        epsilon_initial=config.epsilon_final,
    )


def measure(batch_size: int, iterations: int, warmup_iterations: int) -> measurement.Measurement:
    """Run the parts that `train.py` builds, in stretches as its loop does."""
    like = flags.FLAGS.like
    config = config_of(like, batch_size)
    from training import parts, precision

    config = config.replace(precision=precision.decide(config))
    built = parts.build(config)
    before_bytes = measurement.resident_bytes()
    synthetic.fill(built.replay.ring)
    replay_bytes = measurement.resident_bytes() - before_bytes
    built.replay.ring.clear()  # it keeps the memory that it has taken
    built.collect_at_random(measurement.RANDOM_AGENT_STEPS)

    for length in measurement.chunk_lengths(warmup_iterations):
        built.iterate(length)
    total_ms = []
    for length in measurement.chunk_lengths(iterations):
        start = time.perf_counter()
        built.iterate(length)
        built.env.pop_finished_games()
        total_ms.append((time.perf_counter() - start) * 1000 / length)

    return measurement.Measurement(
        name=f"this project, {'same algorithm' if like else 'preset default'}",
        device=measurement.device(),
        precision=config.precision,
        setting=f"{config.num_envs} games, {measurement.kernels_name()}",
        batch_size=batch_size,
        iterations=iterations,
        times=measurement.Times(total_ms, collect_ms=None),
        replay_bytes=replay_bytes,
        resident_bytes=measurement.resident_bytes(),
        peak_bytes=measurement.peak_bytes(),
    )


if __name__ == "__main__":
    flags.DEFINE_enum("like", None, list(ALGORITHMS), "learn by the algorithm of this contender")
    measurement.print_measurement(measure, onednn=True)
