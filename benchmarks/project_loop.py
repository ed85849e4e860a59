"""Measures this project's training loop: `python -m benchmarks.project_loop`."""

from __future__ import annotations

import time
from typing import Any

from absl import flags

from benchmarks import measurement, synthetic
from configs import PRESETS, Config

_SHARED: dict[str, Any] = {
    "game": "Breakout",
    "num_envs": measurement.UPDATE_PERIOD_AGENT_STEPS,
    "update_period": measurement.UPDATE_PERIOD_AGENT_STEPS,
    "replay_capacity": measurement.REPLAY_TRANSITIONS,
    # Epsilon is at its end, as in most of a run: at its start hardly an action needs the network.
    "epsilon_initial": 0.01,
    "epsilon_final": 0.01,
    "precision": "auto",
    "overlap": True,
}
"""What all algorithms have alike; the rest is the preset `notebook`'s."""

ALGORITHMS: dict[str, dict[str, Any]] = {
    # The stock loop's: DQN with one-step returns and its optimizer.
    "stock": {},
    # Stable-Baselines3's: DQN with one-step returns and Adam.
    "sb3": {
        "reward_clip": 1.0,
        "optimizer": "adam",
        "learning_rate": 1e-4,
        "optimizer_epsilon": 1e-8,
        "target_update_period": 250,  # 1,000 agent steps
    },
    "double": {
        "double": True,
        "n_step": 3,
        "reward_clip": 1.0,
        "optimizer": "adam",
        "learning_rate": 1e-4,
        "optimizer_epsilon": 1.5e-4,
        "target_update_period": 500,
    },
}
NAMES = {"stock": "same algorithm", "sb3": "same algorithm", "double": "Double DQN"}


def config_of(like: str, batch_size: int) -> Config:
    """Return the settings of one of ALGORITHMS, in the fast pipeline with four games."""
    changes = {**_SHARED, **ALGORITHMS[like]}
    fast = {"env_pipeline": "vector", "life_loss_terminal": True, "noop_start_max_frames": 30}
    return PRESETS["notebook"].replace(**fast, **changes, batch_size=batch_size)


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
        name=f"this project, {NAMES[like]}",
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
    flags.DEFINE_enum("like", "double", list(ALGORITHMS), "the algorithm that learns")
    measurement.print_measurement(measure, onednn=True)
