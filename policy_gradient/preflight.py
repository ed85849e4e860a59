"""What is checked before any long work; imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Collection

from configs.games import ATARI_SETTINGS, is_atari
from configs.policy_gradient import ONLY_OF, REINFORCE, PolicyGradientConfig
from console.errors import UserError
from envs import games

_MEANINGLESS: dict[str, tuple[Callable[[PolicyGradientConfig], bool], str]] = {
    "dense_layers": (lambda config: is_atari(config.game), "games without pictures"),
    "dense_units": (lambda config: is_atari(config.game), "games without pictures"),
    "optimizer_decay": (lambda config: config.optimizer != "rmsprop", "--optimizer=rmsprop"),
    "value_weight": (
        lambda config: config.agent == REINFORCE and not config.baseline,
        "--agent=a2c, and for reinforce with --baseline",
    ),
}
"""Settings with where nothing looks at them, and what they are for."""


def check(config: PolicyGradientConfig, asked: Collection[str] = ()) -> None:
    """Check what a config asks for against this program.

    Args:
      config: of the run.
      asked: the settings that the user named.

    Raises:
      ConfigError: if a value is out of range, or the agent cannot play the game.
      UserError: if there is no such game, or it cannot be played here; if the user named a setting
        that means nothing to the game or the agent.
    """
    config.validate()
    try:
        games.check(config.game)
    except ValueError as error:
        raise UserError(str(error)) from error
    for name in asked:
        if name in ATARI_SETTINGS and not is_atari(config.game):
            raise UserError(f"--{name} is for Atari games only; leave it out with {config.game}")
        if ONLY_OF.get(name, config.agent) != config.agent:
            raise UserError(
                f"--{name} is for --agent={ONLY_OF[name]} only; leave it out with {config.agent}"
            )
        if name in _MEANINGLESS and _MEANINGLESS[name][0](config):
            raise UserError(f"--{name} is for {_MEANINGLESS[name][1]} only; leave it out")
