"""The one table of what is logged: in metrics.csv, in TensorBoard, and in which unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from training.time_spent import ACTIVITIES


@dataclasses.dataclass(frozen=True)
class Metric:
    """One number that a run logs.

    Attributes:
      name: its column in metrics.csv or evaluations.csv.
      tag: its chart in TensorBoard.
      meaning: what it is and in which unit.
    """

    name: str
    tag: str
    meaning: str


@dataclasses.dataclass(frozen=True)
class Chart:
    """Something in TensorBoard that is no number: a histogram, a picture.

    Attributes:
      tag: its name there.
      meaning: what it is and in which unit.
    """

    tag: str
    meaning: str


PROGRESS_METRICS = (
    Metric("iteration", "", "training steps so far; the x axis of every chart"),
    Metric("minutes", "time/minutes", "minutes of work on this run, over all resumes"),
    Metric("agent_steps", "progress/agent_steps", "actions chosen in training, by chance too"),
    Metric(
        "frames", "progress/frames", "frames of these actions: 4 each in Atari games, 1 in others"
    ),
    Metric("games_finished", "progress/games_finished", "whole games finished in training"),
    Metric(
        "score_mean_30_games",
        "training/score_mean_30_games",
        "raw score, mean of the last 30 games",
    ),
    Metric(
        "score_greatest_30_games",
        "training/score_greatest_30_games",
        "raw score, greatest of the last 30 games",
    ),
    Metric(
        "length_mean_30_games_agent_steps",
        "training/length_mean_30_games_agent_steps",
        "length, mean of the last 30 games, in agent steps",
    ),
    Metric("epsilon", "training/epsilon", "share of random actions in training, 0 to 1"),
    Metric("learning_rate", "learning/learning_rate", "step size of the optimizer"),
    Metric(
        "loss",
        "learning/loss",
        "what is made less: Huber loss (dqn), of quantiles (qr_dqn), cross-entropy (c51); mean of "
        "the iterations since the last row",
    ),
    Metric("td_error_abs", "learning/td_error_abs", "absolute TD error, mean of the same"),
    Metric("q_value", "learning/q_value", "Q-value of the sampled actions, mean of the same"),
    Metric("replay_transitions", "memory/replay_transitions", "time steps in the replay"),
    Metric("resident_gb", "memory/resident_gb", "memory of the process, in 1e9 bytes"),
    Metric(
        "iterations_per_sec", "time/iterations_per_sec", "since the last row, all work included"
    ),
    Metric("frames_per_sec", "time/frames_per_sec", "frames a second since the last row"),
    *(
        Metric(f"{activity}_percent", f"time/{activity}_percent", f"of the time since then: {what}")
        for activity, what in ACTIVITIES.items()
    ),
)
"""One row of metrics.csv, every log_period iterations; empty where nothing is known yet."""

EVALUATION_METRICS = (
    Metric("iteration", "", "training steps so far"),
    Metric("games", "evaluation/games", "whole games played"),
    Metric("score_mean", "evaluation/score_mean", "raw score, mean over these games"),
    Metric("score_median", "evaluation/score_median", "raw score, median of the same"),
    Metric("score_std", "evaluation/score_std", "raw score, standard deviation of the same"),
    Metric("score_least", "evaluation/score_least", "raw score, least of the same"),
    Metric("score_greatest", "evaluation/score_greatest", "raw score, greatest of the same"),
    Metric(
        "length_mean_agent_steps",
        "evaluation/length_mean_agent_steps",
        "length, mean of the same, in agent steps",
    ),
    Metric(
        "q_value_mean",
        "evaluation/q_value_mean",
        "Q-value of the actions played, mean over the steps of the same",
    ),
    Metric(
        "return_mean",
        "evaluation/return_mean",
        "discounted return that followed, rewards and lives as in learning, mean of the same steps",
    ),
)
"""One row of evaluations.csv, every eval_period iterations."""

WARNING_COLUMNS = ("iteration", "warning")
"""One row of warnings.csv for each sentence of training.warnings, as it was said."""

CHARTED_METRICS = (
    Metric(
        "score_mean_best",
        "evaluation/score_mean_best",
        "raw score, the greatest mean of an evaluation so far",
    ),
)
"""A point with each evaluation, in TensorBoard only: evaluations.csv has what it comes from."""

Q_VALUES = Chart("sample/q_values", "Q-values of all actions for the batch, without noise")
TD_ERRORS = Chart("sample/td_errors", "TD errors of the batch: target less Q-value")
WEIGHTS = Chart("weights", "weights of a layer of the network that learns")
GRADIENTS = Chart(
    "gradients", "gradients of the loss of the batch with respect to a layer's weights"
)
DEAD_UNITS = Metric(
    "dead_units_percent",
    "dead_units",
    "of the units of a layer that ends in a ReLU: 0 for each of 64 pictures of the replay",
)
TRANSITIONS = Chart(
    "sample/transitions",
    "the first 6 transitions of the batch: the four frames that the network is shown, the newest "
    "frame behind the window, the action, the rewards up to there, Q-value and TD error",
)
FILM = Chart(
    "evaluation/film",
    "the first 12 seconds of the best game of an evaluation with the best mean score so far",
)
CHARTS: tuple[Metric | Chart, ...] = (
    *(DEAD_UNITS, Q_VALUES, TD_ERRORS),
    *(WEIGHTS, GRADIENTS, TRANSITIONS, FILM),
)
"""With each evaluation; most are of a batch that is drawn for them alone. WEIGHTS and GRADIENTS are
one histogram for each weight, `weights/1_pixel_conv2d/kernel` and so on, DEAD_UNITS is one line for
each layer: `dead_units/ReLU_layer_1_of_4`."""

GAME_COLUMNS = ("game", "iteration", "slot", "score", "agent_steps", "frames")
"""One row of games.csv for every finished game: its number from 1 on, the iterations done when it
was reported (0: random play), which of the games side by side it was, its raw score, its length in
agent steps and in ALE frames."""


@dataclasses.dataclass(frozen=True)
class Tables:
    """What a run logs, by the kind of its agent.

    Attributes:
      progress: a row of metrics.csv.
      evaluation: a row of evaluations.csv.
      has_warnings: whether there is a warnings.csv.
    """

    progress: tuple[Metric, ...]
    evaluation: tuple[Metric, ...]
    has_warnings: bool

    def columns(self) -> dict[str, Sequence[str]]:
        """Return the header of each CSV file, by the file's name."""
        columns: dict[str, Sequence[str]] = {
            "metrics.csv": [metric.name for metric in self.progress],
            "evaluations.csv": [metric.name for metric in self.evaluation],
            "games.csv": GAME_COLUMNS,
        }
        return columns | ({"warnings.csv": WARNING_COLUMNS} if self.has_warnings else {})


DQN_TABLES = Tables(PROGRESS_METRICS, EVALUATION_METRICS, has_warnings=True)
