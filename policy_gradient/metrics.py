"""What a run of policy gradients logs: in metrics.csv, in TensorBoard, and in which unit."""

from __future__ import annotations

from training.metrics import EVALUATION_METRICS as ALL_EVALUATION_METRICS
from training.metrics import PROGRESS_METRICS as DQN_METRICS
from training.metrics import Metric, Tables

_OF_Q_VALUES = {"q_value_mean", "return_mean"}
_OF_DQN = {"epsilon", "loss", "td_error_abs", "q_value", "replay_transitions", "sampling_percent"}
_SINCE = "mean of the iterations since the last row"

LOSSES = (
    Metric("loss", "learning/loss", f"the whole loss, {_SINCE}"),
    Metric(
        "policy_loss",
        "learning/policy_loss",
        "- log probability of the action times advantage (a2c: mean of the agent steps; "
        "reinforce: sum of a game's, mean of the games), mean of the same",
    ),
    Metric(
        "value_loss",
        "learning/value_loss",
        "squared error of the values (mean or sum as above), without its weight, mean of the same",
    ),
    Metric(
        "entropy",
        "learning/entropy",
        "of the policy, in nats, mean of the same; reinforce: where it has a weight",
    ),
)

_SHARED = [metric for metric in DQN_METRICS if metric.name not in _OF_DQN]
_BEFORE_LOSSES = [metric.name for metric in _SHARED].index("learning_rate") + 1

PROGRESS_METRICS = (*_SHARED[:_BEFORE_LOSSES], *LOSSES, *_SHARED[_BEFORE_LOSSES:])
"""One row of metrics.csv, every log_period iterations; empty where nothing is known yet."""

EVALUATION_METRICS = tuple(
    metric for metric in ALL_EVALUATION_METRICS if metric.name not in _OF_Q_VALUES
)
"""One row of evaluations.csv, every eval_period iterations."""

TABLES = Tables(PROGRESS_METRICS, EVALUATION_METRICS, has_warnings=False)
