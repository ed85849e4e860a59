"""The algorithms, in one registry; they know neither environments nor replay."""

from __future__ import annotations

import importlib
from typing import Any

AGENTS: dict[str, str] = {
    "dqn": "agents.dqn",
    "c51": "agents.c51",
    "qr_dqn": "agents.qr_dqn",
}
"""Each algorithm, by the name that `--agent` takes, with its module; docs/extending.md adds one.

A module has `build(time_step_spec, action_spec, config) -> agent` and `value_form(config)`, the
`agents.values.ValueForm` of what its networks say. What is built is an `agents.dqn.DqnAgent`, or a
subclass of it: the loop, the exports and the pictures use what it has beyond a TF-Agents agent. The
`extra` of its LossInfo has `td_error`, `q_value` and `priority`, float32 [B].

TensorFlow is imported with the module, not with the registry.
"""


def build(time_step_spec: Any, action_spec: Any, config: Any) -> Any:
    """Return the agent that `config.agent` names, with its networks and optimizer."""
    return _module(config).build(time_step_spec, action_spec, config)


def value_form(config: Any) -> Any:
    """Return what the networks of the algorithm that `config.agent` names say of each action."""
    return _module(config).value_form(config)


def _module(config: Any) -> Any:
    return importlib.import_module(AGENTS[config.agent])
