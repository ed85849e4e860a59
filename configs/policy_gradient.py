"""The settings of a run of policy gradients, and their presets."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from configs.config import Config
from configs.games import is_atari
from configs.settings import ConfigError, Settings, choice, number, plain

REINFORCE, A2C = "reinforce", "a2c"

ONLY_OF: dict[str, str] = {
    "baseline": REINFORCE,
    "normalize_returns": REINFORCE,
    "n_step": A2C,
    "game_processes": A2C,
}
"""Settings that the other agent does not look at."""


@dataclasses.dataclass(frozen=True)
class PolicyGradientConfig(Settings):
    """Everything that decides what a run learns; its defaults are the preset `a2c`.

    An iteration is one training step and the agent steps that it learns from: a whole game of each
    of `num_envs` for reinforce, `n_step` agent steps of each for a2c.
    """

    PLAYED: ClassVar[str] = "What is played"
    game: str = plain("Breakout", "an Atari game, for a2c; or grid, or a gym id: CartPole-v1")
    env_pipeline: str = choice(
        "vector",
        "vector: ale-py's C++ emulator; suite: TF-Agents' suite_atari; the same bytes",
        "vector",
        "suite",
    )
    num_envs: int = number(
        16, "games played side by side; reinforce learns from one whole game of each",
        low=1, high=256, unit="games",
    )  # fmt: skip
    game_processes: int = number(
        16, "a2c: processes that the games are played in, one a game at most; 0: the trainer's",
        low=0, high=256, unit="processes",
    )  # fmt: skip
    noop_start_max_frames: int = number(
        30, "a game begins with 0 to this many frames of NOOP, drawn at random",
        low=0, high=1_000, unit="frames",
    )  # fmt: skip
    max_agent_steps_per_game: int = number(
        27_000, "a game is cut off here (108,000 frames), which is no death",
        low=1, high=10_000_000, unit="agent steps",
    )  # fmt: skip
    life_loss_terminal: bool = plain(True, "in training, a lost life ends the episode")

    LEARNS: ClassVar[str] = "What learns"
    agent: str = choice(
        A2C,
        "reinforce: Williams 1992, from whole games; a2c: Mnih et al. 2016, from n agent steps",
        REINFORCE,
        A2C,
    )
    baseline: bool = plain(
        False, "reinforce: a network estimates the return, and the advantage over it is learned"
    )
    dense_layers: int = number(
        1, "dense layers of networks for flat observations", low=1, high=8, unit="layers"
    )
    dense_units: int = number(64, "units of each of these layers", low=1, high=4_096, unit="units")

    LEARNING: ClassVar[str] = "How it learns"
    n_step: int = number(
        5, "a2c: length of the return, before the value of the state is taken for the rest",
        low=1, high=50, unit="agent steps",
    )  # fmt: skip
    discount: float = number(0.99, "discount per agent step", low=0.0, high=1.0)
    reward_clip: float = number(
        1.0, "rewards are clipped to plus or minus this in learning; 0: raw", low=0.0, high=1e6
    )
    normalize_returns: bool = plain(
        True, "reinforce: the returns of an iteration are shifted and scaled to mean 0, deviation 1"
    )
    value_weight: float = number(0.5, "weight of the value loss", low=0.0, high=1e3)
    entropy_weight: float = number(
        0.01, "weight of the policy's entropy, which keeps it from deciding too soon",
        low=0.0, high=1e3,
    )  # fmt: skip
    gradient_norm_max: float = number(
        0.5, "the gradient of all weights is shortened to this length; 0: as it is",
        low=0.0, high=1e6,
    )  # fmt: skip
    optimizer: str = choice("rmsprop", "rmsprop, or adam", "rmsprop", "adam")
    learning_rate: float = number(7e-4, "step size of the optimizer", low=1e-9, high=1.0)
    optimizer_decay: float = number(
        0.99, "rmsprop: what its mean square keeps of itself in an update", low=0.0, high=0.999999
    )
    optimizer_epsilon: float = number(
        1e-5, "keeps the optimizer's division finite", low=1e-12, high=1.0
    )

    COMPUTING: ClassVar[str] = "How it computes"
    deterministic: bool = plain(
        False, "the same seed gives the same bits on the same machine, at some cost of speed"
    )

    WATCHING: ClassVar[str] = "How long, and what is watched meanwhile"
    iterations: int = number(
        125_000, "training steps in all; may grow with --resume",
        low=1, high=10**9, unit="iterations",
    )  # fmt: skip
    seed: int = number(1, "the one seed that all generators come from", low=0, high=2**31 - 1)
    eval_period: int = number(
        5_000, "evaluation games are played every so often; 0: never",
        low=0, high=10**9, unit="iterations",
    )  # fmt: skip
    eval_games: int = number(10, "whole games per evaluation", low=1, high=10_000, unit="games")
    eval_epsilon: float = number(
        0.001, "share of random actions in evaluation games", low=0.0, high=1.0
    )
    checkpoint_period: int = number(
        5_000, "a checkpoint is written every so often", low=1, high=10**9, unit="iterations"
    )
    log_period: int = number(
        200, "a row of metrics is written every so often", low=1, high=10**9, unit="iterations"
    )

    def validate(self) -> None:
        """Raise ConfigError, one sentence, if a value is out of range or of a wrong type."""
        super().validate()
        if self.agent == REINFORCE and is_atari(self.game):
            raise ConfigError(
                f"reinforce keeps whole games in memory and is for small ones, as CartPole-v1; "
                f"{self.game} is for --agent=a2c"
            )

    def processes(self) -> int:
        """Return how many processes the games are played in; 0: in the trainer's."""
        return min(self.game_processes, self.num_envs) if self.agent == A2C else 0

    def playing(self) -> Config:
        """Return what the rooms of the games, of evaluation and of films read: game and rules."""
        shared = {field.name for field in dataclasses.fields(Config)} & set(self.to_dict())
        values = {name: value for name, value in self.to_dict().items() if name in shared}
        del values["optimizer"]  # that of DQN has other names
        return Config(**values)


# Mnih et al., "Asynchronous Methods for Deep Reinforcement Learning", 2016, in its synchronous
# form: 16 games, 5-step returns, value loss 0.5, entropy 0.01, gradient norm 0.5, RMSprop 7e-4.
_A2C = PolicyGradientConfig()

_A2C_SMALL = _A2C.replace(
    game="CartPole-v1",
    num_envs=8,
    game_processes=0,  # a step takes 20 microseconds, a message more
    reward_clip=0.0,
    value_weight=0.1,  # values of 50 would drown the policy in the layer that they share
    gradient_norm_max=0.0,
    optimizer="adam",
    learning_rate=3e-3,
    iterations=10_000,
    eval_period=1_000,
    eval_epsilon=0.0,
    checkpoint_period=5_000,
)

# Found by trying. An iteration is 8 whole games.
_REINFORCE = _A2C_SMALL.replace(
    agent=REINFORCE,
    value_weight=0.5,
    entropy_weight=0.0,
    learning_rate=1e-2,
    iterations=100,
    eval_period=20,
    eval_games=20,
    checkpoint_period=50,
    log_period=5,
)

# Game and length are those of the exercise in Geron, "Hands-On Machine Learning", chapter 18.
_LANDER = _REINFORCE.replace(
    game="LunarLander-v2",
    num_envs=16,
    dense_layers=3,
    dense_units=32,
    learning_rate=5e-3,
    iterations=200,
    eval_games=20,
    checkpoint_period=50,
)

POLICY_GRADIENT_PRESETS: dict[str, PolicyGradientConfig] = {
    "a2c": _A2C,
    "a2c_small": _A2C_SMALL,
    "reinforce": _REINFORCE,
    "lander": _LANDER,
}


def usual_preset(agent: str | None, game: str | None) -> str:
    """Return the preset for an agent and a game, None where the user named none."""
    if agent == REINFORCE or (agent is None and game is not None and not is_atari(game)):
        return "lander" if game is not None and game.startswith("LunarLander") else "reinforce"
    return "a2c" if game is None or is_atari(game) else "a2c_small"


TrainedConfig = Config | PolicyGradientConfig
"""Settings of a run, of either program."""
