"""The settings of one run: a frozen dataclass whose numbers have a unit, a range and a help."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Mapping
from typing import Any, ClassVar


class ConfigError(ValueError):
    """A setting is wrong; the message says which, why, and what to do."""


def _number(
    default: float,
    text: str,
    *,
    low: float,
    high: float,
    unit: str = "",
) -> Any:
    return dataclasses.field(
        default=default, metadata={"help": text, "low": low, "high": high, "unit": unit}
    )


def _choice(default: str, text: str, *choices: str) -> Any:
    return dataclasses.field(default=default, metadata={"help": text, "choices": choices})


def _plain(default: str | bool, text: str) -> Any:
    return dataclasses.field(default=default, metadata={"help": text})


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything that decides what a run learns; its defaults are the preset `default`.

    An iteration is one training step and the `update_period` agent steps collected before it. One
    agent step is four ALE frames. A period means "every N".

    A heading stands above the settings of its group; see `groups`.
    """

    PLAYED: ClassVar[str] = "What is played"
    game: str = _plain(
        "Breakout", "an Atari game, as in BreakoutNoFrameskip-v4; or grid, or a gym id: CartPole-v1"
    )
    env_pipeline: str = _choice(
        "vector",
        "vector: ale-py's C++ emulator, all games at once; suite: TF-Agents' suite_atari",
        "vector",
        "suite",
    )
    num_envs: int = _number(8, "games played side by side", low=1, high=256, unit="games")
    life_start: str = _choice(
        "auto",
        "what the wrapper does when a life begins: press FIRE, skip the blinking start with NOOPs, "
        "or nothing; auto: skip in SpaceInvaders, else FIRE where the game has it",
        "auto",
        "fire",
        "skip",
        "none",
    )
    skip_start_agent_steps: int = _number(
        40, "NOOPs that life_start=skip plays", low=1, high=1_000, unit="agent steps"
    )
    noop_start_max_frames: int = _number(
        30,
        "a game begins with 0 to this many frames of NOOP, drawn at random",
        low=0,
        high=1_000,
        unit="frames",
    )
    sticky_action_probability: float = _number(
        0.0, "chance that the emulator repeats the last action, each frame", low=0.0, high=0.99
    )
    max_agent_steps_per_game: int = _number(
        27_000,
        "a game is cut off here (108,000 frames), which is no death",
        low=1,
        high=10_000_000,
        unit="agent steps",
    )
    life_loss_terminal: bool = _plain(True, "in training, a lost life ends the episode")

    LEARNS: ClassVar[str] = "What learns"
    agent: str = _plain(
        "qr_dqn", "dqn: learns expected returns; c51 and qr_dqn: distributions of returns"
    )
    double: bool = _plain(True, "Double DQN: the online network chooses the next action")
    dueling: bool = _plain(False, "dueling network: value and advantages in two streams")
    noisy: bool = _plain(False, "noisy dense layers, whose noise explores; give epsilon 0 with it")
    munchausen: bool = _plain(
        False, "Munchausen DQN: the policy's own log-probability is added to the reward"
    )
    munchausen_weight: float = _number(0.9, "share of it that is added", low=0.0, high=1.0)
    munchausen_temperature: float = _number(
        0.03, "of the policy, a softmax of the Q-values", low=1e-4, high=100.0
    )
    munchausen_log_policy_min: float = _number(
        -1.0, "what is added is cut off below, before its weight", low=-1e3, high=0.0
    )
    atoms: int = _number(
        51, "numbers that describe a distribution: atoms of c51, quantiles of qr_dqn",
        low=2, high=1_000,
    )  # fmt: skip
    value_max: float = _number(
        10.0, "c51: returns are told apart from minus this to this", low=1e-3, high=1e6
    )
    network_width: float = _number(
        0.5, "filters and units of each layer, as multiples of Nature DQN's", low=0.05, high=8.0
    )
    layer_norm: bool = _plain(False, "layer normalization before and behind the dense layer")

    LEARNING: ClassVar[str] = "How it learns"
    n_step: int = _number(10, "length of the return", low=1, high=50, unit="agent steps")
    discount: float = _number(0.99, "discount per agent step", low=0.0, high=1.0)
    reward_clip: float = _number(
        1.0, "rewards are clipped to plus or minus this in learning; 0: raw", low=0.0, high=1e6
    )
    batch_size: int = _number(32, "transitions per training step", low=1, high=65_536)
    optimizer: str = _choice(
        "adam",
        "adam; rmsprop: centered, epsilon beside the root; rmsprop_nature: epsilon under the root",
        "adam",
        "rmsprop",
        "rmsprop_nature",
    )
    learning_rate: float = _number(8e-4, "step size of the optimizer", low=1e-9, high=1.0)
    learning_rate_final_share: float = _number(
        0.025, "share of the learning rate that is left after its decay; 1: no decay",
        low=1e-6, high=1.0,
    )  # fmt: skip
    learning_rate_decay_iterations: int = _number(
        250_000, "the learning rate falls exponentially over so many, then stays",
        low=1, high=10**9, unit="iterations",
    )  # fmt: skip
    optimizer_epsilon: float = _number(
        1.5e-4, "keeps the optimizer's division finite", low=1e-12, high=1.0
    )
    target_update_period: int = _number(
        1, "the target network is copied every so often", low=1, high=10**8, unit="train steps"
    )
    target_update_tau: float = _number(
        0.005,
        "share of the online network in each update of the target network; 1: a copy, below: a "
        "running average of the weights",
        low=1e-6,
        high=1.0,
    )
    act_with_target: bool = _plain(
        True, "the target network plays, in training, in evaluations and in exports"
    )

    COMPUTING: ClassVar[str] = "How it computes"
    precision: str = _choice(
        "auto",
        "arithmetic of the network's body; auto takes bfloat16 where a short measurement finds it "
        "faster; float16, with a fixed loss scale, is for GPUs without bfloat16; the Q-values and "
        "the optimizer's weights stay float32",
        "auto",
        "float32",
        "bfloat16",
        "float16",
    )
    overlap: bool = _plain(
        True,
        "while a batch is learned, play on and draw the next one, which thus misses the newest "
        "agent steps of its iteration",
    )
    policy_lag_iterations: int = _number(
        1, "with --overlap, the policy that plays gets what was learned every so often",
        low=1, high=1_000, unit="iterations",
    )  # fmt: skip
    stack_on_device: str = _choice(
        "auto",
        "a batch's stacks of frames are put together where the network runs, not by the replay; "
        "the same bytes; auto: where there is a GPU",
        "auto",
        "yes",
        "no",
    )
    xla: bool = _plain(
        False, "the training step is compiled by XLA: for GPUs, slower on a processor"
    )
    deterministic: bool = _plain(
        False, "the same seed gives the same bits on the same machine, at some cost of speed"
    )

    EXPERIENCE: ClassVar[str] = "How experience is gathered and kept"
    update_period: int = _number(
        8, "agent steps collected before each training step", low=1, high=10_000, unit="agent steps"
    )
    initial_collect_steps: int = _number(
        5_000, "random play before training begins", low=1, high=10**8, unit="agent steps"
    )
    replay_capacity: int = _number(
        200_000,
        "transitions kept, 7,068 bytes each in Atari games",
        low=100,
        high=10**8,
        unit="transitions",
    )
    prioritized: bool = _plain(
        False, "prioritized replay: transitions are drawn by what there was to learn from them"
    )
    priority_exponent: float = _number(
        0.5,
        "of the priorities by which they are drawn; 0: uniform. 0.5 is Rainbow's, 0.6 that of "
        "prioritized replay's own paper",
        low=0.0,
        high=1.0,
    )
    priority_weight_initial: float = _number(
        0.4,
        "exponent of the importance weights at first; at 1 they make up for all that is drawn more "
        "often",
        low=0.0,
        high=1.0,
    )
    priority_weight_iterations: int = _number(
        50_000, "it rises linearly to 1 over so many; give as many as the run has", low=1,
        high=10**9, unit="iterations",
    )  # fmt: skip
    random_shift_pixels: int = _number(
        4, "the pictures of a batch are shifted by up to this, at random", low=0, high=42,
        unit="pixels",
    )  # fmt: skip
    epsilon_initial: float = _number(1.0, "share of random actions at the start", low=0.0, high=1.0)
    epsilon_final: float = _number(
        0.02, "share of random actions after the decay", low=0.0, high=1.0
    )
    epsilon_decay_iterations: int = _number(
        10_000, "epsilon falls linearly over so many", low=1, high=10**9, unit="iterations"
    )

    WATCHING: ClassVar[str] = "How long, and what is watched meanwhile"
    iterations: int = _number(
        50_000,
        "training steps in all; may grow with --resume",
        low=1,
        high=10**9,
        unit="iterations",
    )
    seed: int = _number(1, "the one seed that all generators come from", low=0, high=2**31 - 1)
    eval_period: int = _number(
        5_000, "evaluation games are played every so often; 0: never", low=0, high=10**9,
        unit="iterations",
    )  # fmt: skip
    eval_games: int = _number(10, "whole games per evaluation", low=1, high=10_000, unit="games")
    eval_epsilon: float = _number(
        0.001, "share of random actions in evaluation games", low=0.0, high=1.0
    )
    checkpoint_period: int = _number(
        5_000, "a checkpoint is written every so often", low=1, high=10**9, unit="iterations"
    )
    log_period: int = _number(
        1_000, "a row of metrics is written every so often", low=1, high=10**9, unit="iterations"
    )

    def validate(self) -> None:
        """Raise ConfigError, one sentence, if a value is out of range or of a wrong type."""
        for field in dataclasses.fields(self):
            _check_value(field, getattr(self, field.name))
        if self.epsilon_final > self.epsilon_initial:
            raise ConfigError(
                f"epsilon_final {self.epsilon_final} is above epsilon_initial "
                f"{self.epsilon_initial}: epsilon falls, so give a smaller epsilon_final"
            )
        if self.epsilon_initial == 0 and not self.noisy:
            raise ConfigError(
                "epsilon_initial 0 without noisy layers never tries anything: give --noisy with "
                "it, or an epsilon_initial above 0"
            )
        self._check_munchausen()
        if self.policy_lag_iterations > 1 and not self.overlap:
            raise ConfigError(
                f"policy_lag_iterations {self.policy_lag_iterations} needs a policy apart from "
                "the one that learns: give --overlap with it, or policy_lag_iterations 1"
            )
        if self.replay_capacity < self.num_envs * (self.n_step + 5):
            raise ConfigError(
                f"replay_capacity {self.replay_capacity} is too small for {self.num_envs} games "
                f"and n_step {self.n_step}: give at least {self.num_envs * (self.n_step + 5)}"
            )

    def _check_munchausen(self) -> None:
        """Vieillard et al., "Munchausen Reinforcement Learning", 2020, combines with few others."""
        if not self.munchausen:
            return
        for wrong, why, flag in (
            (self.agent != "dqn", "is defined here for expected returns", "--agent=dqn"),
            (self.double, "has a soft policy in place of the greedy action", "--nodouble"),
            (self.n_step > 1, "adds its bonus to the reward of one step", "--n_step=1"),
        ):
            if wrong:
                raise ConfigError(f"munchausen {why}: give {flag} with it")

    @classmethod
    def groups(cls) -> dict[str, list[dataclasses.Field[Any]]]:
        """Return the settings under the headings that stand above them in this class."""
        fields = {field.name: field for field in dataclasses.fields(cls)}
        groups: dict[str, list[dataclasses.Field[Any]]] = {}
        heading = ""
        for name in cls.__annotations__:
            if name in fields:
                groups.setdefault(heading, []).append(fields[name])
            else:
                heading = getattr(cls, name)
        return groups

    def replace(self, **changes: Any) -> Config:
        """Return a copy with `changes`."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Config:
        """Build a validated config from JSON values.

        Raises:
          ConfigError: if a name is unknown (the nearest is named), or a value is out of range.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise ConfigError(f"there is no setting called {name!r}{hint}")
        config = cls(**values)
        config.validate()
        return config.replace(  # JSON and TOML write 1 for 1.0
            **{
                field.name: float(getattr(config, field.name))
                for field in dataclasses.fields(cls)
                if type(field.default) is float
            }
        )


def _check_value(field: dataclasses.Field[Any], value: object) -> None:
    name, expected = field.name, type(field.default)
    if expected is float and type(value) is int and abs(value) < 2**53:
        value = float(value)
    if type(value) is not expected:
        raise ConfigError(
            f"{name} must be of type {expected.__name__}, but is {json.dumps(value, default=str)}"
        )
    choices = field.metadata.get("choices")
    if choices and value not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)}, but is {value!r}")
    if "low" in field.metadata:
        low, high, unit = (field.metadata[key] for key in ("low", "high", "unit"))
        assert isinstance(value, int | float)
        if not low <= value <= high:  # which no NaN is
            raise ConfigError(
                f"{name} must be from {low:,} to {high:,} {unit}".rstrip() + f", but is {value:,}"
            )
