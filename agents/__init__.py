"""The algorithms, in one registry; they know neither environments nor replay."""

from __future__ import annotations

import importlib
from typing import Any

AGENTS: dict[str, str] = {
    "dqn": "agents.dqn",
    "c51": "agents.c51",
    "qr_dqn": "agents.qr_dqn",
}
"""Each algorithm with its module, which has `build(time_step_spec, action_spec, config) -> agent`.

What is built is a TF-Agents agent that trains on transitions, with four attributes more: `epsilon`,
the share of random actions now, `random_policy`, `online_network` and `target_network`. The `extra`
of its LossInfo has `td_error`, `q_value` and `priority`, float32 [B].

TensorFlow is imported with the module, not with the registry.
"""


def build(time_step_spec: Any, action_spec: Any, config: Any) -> Any:
    """Return the agent that `config.agent` names, with its networks and optimizer."""
    return importlib.import_module(AGENTS[config.agent]).build(time_step_spec, action_spec, config)
