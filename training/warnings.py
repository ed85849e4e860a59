"""What can be wrong with a run, each cause a rule: what is seen, and what to do about it.

`warnings` is a pure function from the rows of a run to sentences; training/health.py asks it.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence

from configs import Config
from configs.game_list import games
from configs.games import is_atari
from configs.reference_scores import random_and_human_score

Row = Mapping[str, float]
"""A row of metrics.csv or evaluations.csv: numbers by the names of training.metrics."""

HIGH_EPSILON = 0.2
LATE = 0.9  # of the iterations
NO_SCORE_AFTER = 1 / 3  # of the iterations
NEAR_VALUE_MAX = 0.9  # of value_max, which the mean of a distribution cannot pass
OVERESTIMATED = 3  # times what evaluation games return
LOSS_SPIKE = 10  # times the median of the rows before
SMALL_REPLAY = 10_000  # transitions
DEAD_SHARE = 0.9  # of a layer; fresh dense layers have 0.4 of similar pictures
PLAYING_BESIDE_LEARNING = 0.9  # of the time of the iterations
ROWS_OF_A_TREND = 10


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a run beside its rows.

    Attributes:
      gpu_unused: why TensorFlow does not use the GPU that the machine has; None: no such GPU.
      dead_shares: by layer, the share of its units that were 0 for a whole batch, when last looked.
    """

    gpu_unused: str | None = None
    dead_shares: Mapping[str, float] = dataclasses.field(default_factory=dict)


def warnings(
    config: Config, rows: Sequence[Row], evaluations: Sequence[Row], facts: Facts
) -> dict[str, str]:
    """Return a sentence for each cause of trouble, by the cause's name.

    Args:
      config: of the run.
      rows: the newest of metrics.csv, oldest first; at least one.
      evaluations: of evaluations.csv, oldest first.
      facts: of the run beside them.
    """
    found = {
        "epsilon": _epsilon(config, rows[-1]),
        "q_value_bound": _q_value_bound(config, rows[-1]),
        "value_max": _value_max(config, rows[-1]),
        "overestimated": _overestimated(config, evaluations),
        "loss": _loss(rows),
        "no_score": _no_score(config, rows[-1]),
        "replay": _replay(config, rows[-1]),
        "dead_units": _dead_units(config, facts),
        "gpu": _gpu(facts),
        "emulator": _emulator(config, rows),
    }
    return {cause: sentence for cause, sentence in found.items() if sentence is not None}


def _epsilon(config: Config, row: Row) -> str | None:
    epsilon = row["epsilon"]
    is_late = row["iteration"] >= LATE * config.iterations
    if not is_late or epsilon <= max(HIGH_EPSILON, config.epsilon_final):
        return None
    return (
        f"at iteration {row['iteration']:,} of {config.iterations:,} epsilon is still "
        f"{epsilon:.2f}, so the run ends while much of its play is random; give it more "
        f"--iterations, or an --epsilon_decay_iterations of a quarter of them"
    )


def _q_value_bound(config: Config, row: Row) -> str | None:
    """No return of rewards within plus or minus c is beyond plus or minus c / (1 - discount).

    Munchausen DQN adds to the rewards what is below 0.
    """
    if not config.reward_clip or config.discount >= 1 or "q_value" not in row:
        return None
    bound = config.reward_clip / (1 - config.discount)
    if row["q_value"] <= bound and (row["q_value"] >= -bound or config.munchausen):
        return None
    return (
        f"the mean Q-value is {row['q_value']:.4g}, and no return of rewards clipped to "
        f"{config.reward_clip:g} can be beyond {bound:.4g} at discount {config.discount:g}: "
        f"learning runs away; {_CALMER}"
    )


def _value_max(config: Config, row: Row) -> str | None:
    """Bellemare et al., "A Distributional Perspective on Reinforcement Learning", 2017, section 4.

    What is beyond the outermost atom is counted as that atom.
    """
    if config.agent != "c51" or abs(row.get("q_value", 0.0)) < NEAR_VALUE_MAX * config.value_max:
        return None
    return (
        f"the mean Q-value is {row['q_value']:.4g}, and c51 tells returns apart only within plus "
        f"or minus {config.value_max:g}: what is beyond is learned as that; start again with a "
        f"--value_max above the greatest return"
    )


def _overestimated(config: Config, evaluations: Sequence[Row]) -> str | None:
    """Q-values of steps of the last evaluation games, against the returns that followed them.

    Early in a run both are near 0, and their ratio means little: less than a reward is no matter.
    """
    if not evaluations or "q_value_mean" not in evaluations[-1]:
        return None
    last = evaluations[-1]
    expected, returned = last["q_value_mean"], last["return_mean"]
    least = config.reward_clip or max(1.0, abs(last["score_greatest"]))
    if expected - returned <= max((OVERESTIMATED - 1) * abs(returned), least):
        return None
    return (
        f"in the last evaluation games the mean Q-value was {expected:.4g}, but {returned:.4g} "
        f"was returned on average: the values are overestimated; {_CALMER}"
        + ("" if config.double or config.munchausen else ", or --double")
    )


_CALMER = "try a smaller --learning_rate or a longer --target_update_period"


def _loss(rows: Sequence[Row]) -> str | None:
    *before, last = [row["loss"] for row in rows if "loss" in row] or [0.0]
    if len(before) < ROWS_OF_A_TREND:
        return None
    usual = statistics.median(before)
    if last <= LOSS_SPIKE * usual or not usual:
        return None
    return (
        f"the loss rose to {last:.3g}, {last / usual:.0f} times the {usual:.3g} of the rows "
        f"before; if it does not come down by itself, {_CALMER}"
    )


def _no_score(config: Config, row: Row) -> str | None:
    reference = random_and_human_score(config.game)
    if row["iteration"] < NO_SCORE_AFTER * config.iterations:
        return None
    what = f"after {row['iteration']:,} of {config.iterations:,} iterations"
    advice = "look at a film of it (evaluate.py --gif), at epsilon, and at --life_start"
    if "score_mean_30_games" not in row:
        return f"{what} not one game is finished; {advice}, or lower --max_agent_steps_per_game"
    if reference is None or row["score_mean_30_games"] > reference[0]:
        return None
    if row["epsilon"] > max(HIGH_EPSILON, config.epsilon_final):
        return None  # the play is random still, and its score what it must be
    return (
        f"{what} the last games have a mean score of {row['score_mean_30_games']:.4g}, no more "
        f"than random play's {reference[0]:g}; {advice}"
    )


def _replay(config: Config, row: Row) -> str | None:
    kept = row["replay_transitions"]
    if kept >= SMALL_REPLAY or row["agent_steps"] < 2 * config.replay_capacity:
        return None
    newer = kept / config.update_period
    return (
        f"the replay is full with {kept:,} transitions, all of them from the last {newer:,.0f} "
        f"iterations, so that the agent forgets what it does not see; give a larger "
        f"--replay_capacity (100,000 take 0.7 GB)"
    )


def _dead_units(config: Config, facts: Facts) -> str | None:
    dead = {name: share for name, share in facts.dead_shares.items() if share > DEAD_SHARE}
    if not dead:
        return None
    told = ", ".join(f"{share:.0%} of {name}" for name, share in dead.items())
    return (
        f"units are dead, 0 for every picture of a batch: {told}; what is dead learns nothing "
        "more, so start again with a smaller --learning_rate"
        + ("" if config.layer_norm else ", or with --layer_norm")
        + (", or with --subtract_background" if _sees_background(config) else "")
    )


def _sees_background(config: Config) -> bool:
    is_bright = is_atari(config.game) and games()[config.game].background > 0
    return is_bright and not config.subtract_background


def _gpu(facts: Facts) -> str | None:
    if facts.gpu_unused is None:
        return None
    return f"this machine has a GPU that the run does not use: {facts.gpu_unused}"


def _emulator(config: Config, rows: Sequence[Row]) -> str | None:
    """With overlap `training` is the whole of the iterations, and playing goes on within it."""
    settled = [row for row in rows[1:] if "training_percent" in row]  # the first row has tracing
    if len(settled) < 2:
        return None
    playing, training = (
        statistics.fmean(sum(row[name] for name in names) for row in settled)
        for names in (("acting_percent", "emulating_percent"), ("training_percent",))
    )
    if playing <= training * (PLAYING_BESIDE_LEARNING if config.overlap else 1):
        return None
    ways = ["--env_pipeline=vector"] if config.env_pipeline != "vector" else []
    ways += ["--overlap"] if not config.overlap else []
    ways += [f"more games side by side (--num_envs={2 * config.num_envs})"]
    return (
        f"playing takes {playing:.0f} % of the time and learning {training:.0f} %, so the games "
        f"are what the run waits for; faster would be {' or '.join(ways)}"
    )
