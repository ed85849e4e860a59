"""Trains runs without and with a stop in their middle; what each came to is printed as JSON.

Those without a stop are looked at in their middle as TensorBoard has it, which changes nothing.

`python tests/exact_runs.py CASES`, where CASES is a JSON list of settings. It is a process of its
own because TensorFlow's determinism, once on, is never off again.
"""

from __future__ import annotations

import json
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from configs import Config
from envs import plays
from evaluation.watch import play_games
from training import parts
from training.checkpoint import Checkpoints
from training.looks import Looks
from training.parts import Parts
from training.run_folder import RunFolder
from training.tensorboard import TensorBoard


def _checksum(arrays: Any) -> int:
    return zlib.crc32(b"".join(np.asarray(array).tobytes() for array in arrays))


def _half(built: Parts) -> dict[str, Any]:
    """Train half a run; return what it learned, scored and stored."""
    losses = built.iterate(5)
    env, ring = built.env, built.replay.ring
    agent: Any = built.agent
    optimizer = agent._optimizer
    slots = optimizer._optimizer.variables
    return {
        "losses": losses,
        "games": [game._asdict() for game in env.pop_finished_games()],
        "weights": _checksum(agent.policy.variables()),
        "target": _checksum(agent._target_q_network.variables),
        "optimizer": _checksum(slots() if callable(slots) else slots),
        "exploration": _checksum([agent._generator.state]),
        "counters": [int(agent.train_step_counter), int(built.variables["agent_steps"])],
        "due": int(built.variables["agent_steps_due"]),
        "replay": _checksum(ring.rows(0, ring.rows_added)),
        "replay_rows": ring.rows_added,
        "replay_generator": ring.generator_state,
        "games_in_play": _checksum(array for _, array in sorted(env.state().items())),
    }


def _say(sentence: str) -> None:
    """Let pass that it took long, which is the machine's affair."""
    assert "seconds" in sentence, sentence


def _both(config: Config) -> list[dict[str, Any]]:
    whole = parts.build(config)
    whole.collect_at_random(150)
    _half(whole)
    looked = play_games(config, None, games=1, epsilon=1.0, seed=3)
    with tempfile.TemporaryDirectory() as name:
        folder = RunFolder(Path(name))
        Checkpoints(folder, whole).save(5, {})
        # This half is looked at, the other not: it must make no difference.
        looks, board = Looks(whole, "default", "whole", 3), TensorBoard(folder.tensorboard)
        looks.begin(board)
        looks.evaluated(board, 5, looked, is_best=True)
        board.close()
        resumed = parts.build(config, games_seed=99)
        Checkpoints(folder, resumed).restore(_say)
    return [_half(whole), _half(resumed)]


if __name__ == "__main__":
    tf.config.experimental.enable_op_determinism()
    plays.RELOAD_PERIOD_AGENT_STEPS = 40
    small = Config(
        deterministic=True,
        precision="float32",
        sticky_action_probability=0.25,
        max_agent_steps_per_game=50,
        replay_capacity=1_000,
        batch_size=8,
        network_width=0.25,
        target_update_period=3,
        update_period=20,
        epsilon_decay_iterations=10,
        epsilon_final=0.5,
    )
    print(json.dumps([_both(small.replace(**case)) for case in json.loads(sys.argv[1])]))
