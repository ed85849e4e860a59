"""Fills a replay memory without playing: where bytes lie is timed, not what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from replay.frame_ring import FrameRing

FIRST, MID = 0, 1  # tf_agents.trajectories.StepType


def fill(ring: FrameRing) -> None:
    """Add rows of random frames, rewards of 0 and no ends of episodes until the ring is full."""
    first, mid = np.full(ring.num_envs, FIRST, np.int32), np.full(ring.num_envs, MID, np.int32)
    observation = np.random.default_rng(0).integers(
        0, 256, (ring.num_envs, 84, 84, ring.stack_size), np.uint8
    )
    action = np.zeros(ring.num_envs, np.int64)
    reward, discount = np.zeros(ring.num_envs, np.float32), np.ones(ring.num_envs, np.float32)
    for row in range(ring.rows_kept + ring.stack_size - 1):  # as many rows as it has room for
        ring.add(first if row == 0 else mid, observation, action, mid, reward, discount)
