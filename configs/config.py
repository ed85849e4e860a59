"""The settings of one run: a frozen dataclass whose numbers have a unit, a range and a help."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from configs.settings import ConfigError, Settings, choice, number, plain


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Everything that decides what a run learns; its defaults are the preset `default`.

    An iteration is one training step and the `update_period` agent steps collected before it. One
    agent step is four ALE frames. A period means "every N".

    A heading stands above the settings of its group; see `groups`.
    """

    PLAYED: ClassVar[str] = "What is played"
    game: str = plain(
        "Breakout", "an Atari game, as in BreakoutNoFrameskip-v4; or grid, or a gym id: CartPole-v1"
    )
    env_pipeline: str = choice(
        "vector",
        "vector: ale-py's C++ emulator, all games at once; suite: TF-Agents' suite_atari",
        "vector",
        "suite",
    )
    num_envs: int = number(8, "games played side by side", low=1, high=256, unit="games")
    life_start: str = choice(
        "auto",
        "what the wrapper does when a life begins: press FIRE, skip the blinking start with NOOPs, "
        "or nothing; auto: skip in SpaceInvaders, else FIRE where the game has it",
        "auto",
        "fire",
        "skip",
        "none",
    )
    skip_start_agent_steps: int = number(
        40, "NOOPs that life_start=skip plays", low=1, high=1_000, unit="agent steps"
    )
    noop_start_max_frames: int = number(
        30,
        "a game begins with 0 to this many frames of NOOP, drawn at random",
        low=0,
        high=1_000,
        unit="frames",
    )
    sticky_action_probability: float = number(
        0.0, "chance that the emulator repeats the last action, each frame", low=0.0, high=0.99
    )
    max_agent_steps_per_game: int = number(
        27_000,
        "a game is cut off here (108,000 frames), which is no death",
        low=1,
        high=10_000_000,
        unit="agent steps",
    )
    life_loss_terminal: bool = plain(True, "in training, a lost life ends the episode")

    LEARNS: ClassVar[str] = "What learns"
    agent: str = plain(
        "qr_dqn", "dqn: learns expected returns; c51 and qr_dqn: distributions of returns"
    )
    double: bool = plain(True, "Double DQN: the online network chooses the next action")
    dueling: bool = plain(False, "dueling network: value and advantages in two streams")
    noisy: bool = plain(False, "noisy dense layers, whose noise explores; give epsilon 0 with it")
    munchausen: bool = plain(
        False, "Munchausen DQN: the policy's own log-probability is added to the reward"
    )
    munchausen_weight: float = number(0.9, "share of it that is added", low=0.0, high=1.0)
    munchausen_temperature: float = number(
        0.03, "of the policy, a softmax of the Q-values", low=1e-4, high=100.0
    )
    munchausen_log_policy_min: float = number(
        -1.0, "what is added is cut off below, before its weight", low=-1e3, high=0.0
    )
    atoms: int = number(
        51, "numbers that describe a distribution: atoms of c51, quantiles of qr_dqn",
        low=2, high=1_000,
    )  # fmt: skip
    value_max: float = number(
        10.0, "c51: returns are told apart from minus this to this", low=1e-3, high=1e6
    )
    network_width: float = number(
        0.5, "filters and units of each layer, as multiples of Nature DQN's", low=0.05, high=8.0
    )
    layer_norm: bool = plain(True, "layer normalization before and behind the dense layer")
    subtract_background: bool = plain(
        True,
        "the network sees pictures less the gray of the game's background, so that it is 0",
        before=False,
    )

    LEARNING: ClassVar[str] = "How it learns"
    n_step: int = number(10, "length of the return", low=1, high=50, unit="agent steps")
    discount: float = number(0.99, "discount per agent step", low=0.0, high=1.0)
    reward_clip: float = number(
        1.0, "rewards are clipped to plus or minus this in learning; 0: raw", low=0.0, high=1e6
    )
    batch_size: int = number(32, "transitions per training step", low=1, high=65_536)
    optimizer: str = choice(
        "adam",
        "adam; rmsprop: centered, epsilon beside the root; rmsprop_nature: epsilon under the root",
        "adam",
        "rmsprop",
        "rmsprop_nature",
    )
    learning_rate: float = number(8e-4, "step size of the optimizer", low=1e-9, high=1.0)
    learning_rate_final_share: float = number(
        0.025, "share of the learning rate that is left after its decay; 1: no decay",
        low=1e-6, high=1.0,
    )  # fmt: skip
    learning_rate_decay_iterations: int = number(
        250_000, "the learning rate falls exponentially over so many, then stays",
        low=1, high=10**9, unit="iterations",
    )  # fmt: skip
    optimizer_epsilon: float = number(
        1.5e-4, "keeps the optimizer's division finite", low=1e-12, high=1.0
    )
    target_update_period: int = number(
        1, "the target network is copied every so often", low=1, high=10**8, unit="train steps"
    )
    target_update_tau: float = number(
        0.005,
        "share of the online network in each update of the target network; 1: a copy, below: a "
        "running average of the weights",
        low=1e-6,
        high=1.0,
    )
    act_with_target: bool = plain(
        True, "the target network plays, in training, in evaluations and in exports"
    )

    COMPUTING: ClassVar[str] = "How it computes"
    precision: str = choice(
        "auto",
        "arithmetic of the network's body; auto takes bfloat16 where a short measurement finds it "
        "faster; float16, with a fixed loss scale, is for GPUs without bfloat16; the Q-values and "
        "the optimizer's weights stay float32",
        "auto",
        "float32",
        "bfloat16",
        "float16",
    )
    overlap: bool = plain(
        True,
        "while a batch is learned, play on and draw the next one, which thus misses the newest "
        "agent steps of its iteration",
    )
    policy_lag_iterations: int = number(
        1, "with --overlap, the policy that plays gets what was learned every so often",
        low=1, high=1_000, unit="iterations",
    )  # fmt: skip
    stack_on_device: str = choice(
        "auto",
        "a batch's stacks of frames are put together where the network runs, not by the replay; "
        "the same bytes; auto: where there is a GPU",
        "auto",
        "yes",
        "no",
    )
    xla: bool = plain(
        False, "the training step is compiled by XLA: for GPUs, slower on a processor"
    )
    deterministic: bool = plain(
        False, "the same seed gives the same bits on the same machine, at some cost of speed"
    )

    EXPERIENCE: ClassVar[str] = "How experience is gathered and kept"
    update_period: int = number(
        8, "agent steps collected before each training step", low=1, high=10_000, unit="agent steps"
    )
    initial_collect_steps: int = number(
        5_000, "random play before training begins", low=1, high=10**8, unit="agent steps"
    )
    replay_capacity: int = number(
        200_000,
        "transitions kept, 7,068 bytes each in Atari games",
        low=100,
        high=10**8,
        unit="transitions",
    )
    prioritized: bool = plain(
        False, "prioritized replay: transitions are drawn by what there was to learn from them"
    )
    priority_exponent: float = number(
        0.5,
        "of the priorities by which they are drawn; 0: uniform. 0.5 is Rainbow's, 0.6 that of "
        "prioritized replay's own paper",
        low=0.0,
        high=1.0,
    )
    priority_weight_initial: float = number(
        0.4,
        "exponent of the importance weights at first; at 1 they make up for all that is drawn more "
        "often",
        low=0.0,
        high=1.0,
    )
    priority_weight_iterations: int = number(
        50_000, "it rises linearly to 1 over so many; give as many as the run has", low=1,
        high=10**9, unit="iterations",
    )  # fmt: skip
    random_shift_pixels: int = number(
        4, "the pictures of a batch are shifted by up to this, at random", low=0, high=42,
        unit="pixels",
    )  # fmt: skip
    epsilon_initial: float = number(1.0, "share of random actions at the start", low=0.0, high=1.0)
    epsilon_final: float = number(
        0.02, "share of random actions after the decay", low=0.0, high=1.0
    )
    epsilon_decay_iterations: int = number(
        10_000, "epsilon falls linearly over so many", low=1, high=10**9, unit="iterations"
    )

    WATCHING: ClassVar[str] = "How long, and what is watched meanwhile"
    iterations: int = number(
        50_000,
        "training steps in all; may grow with --resume",
        low=1,
        high=10**9,
        unit="iterations",
    )
    seed: int = number(1, "the one seed that all generators come from", low=0, high=2**31 - 1)
    eval_period: int = number(
        5_000, "evaluation games are played every so often; 0: never", low=0, high=10**9,
        unit="iterations",
    )  # fmt: skip
    eval_games: int = number(10, "whole games per evaluation", low=1, high=10_000, unit="games")
    eval_epsilon: float = number(
        0.001, "share of random actions in evaluation games", low=0.0, high=1.0
    )
    checkpoint_period: int = number(
        5_000, "a checkpoint is written every so often", low=1, high=10**9, unit="iterations"
    )
    log_period: int = number(
        1_000, "a row of metrics is written every so often", low=1, high=10**9, unit="iterations"
    )

    def validate(self) -> None:
        """Raise ConfigError, one sentence, if a value is out of range or of a wrong type."""
        super().validate()
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
