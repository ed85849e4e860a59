"""Trains a policy by its gradient: REINFORCE on small games, A2C on Atari games and small ones.

Examples:
  python -m policy_gradient --agent=reinforce --game=CartPole-v1 --logdir=runs/pole
  python -m policy_gradient --agent=reinforce --game=LunarLander-v2
  python -m policy_gradient --agent=a2c --game=Breakout --iterations=125000
  python -m policy_gradient --logdir=runs/pole --resume
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

import console.flags
from configs.policy_gradient import (
    POLICY_GRADIENT_PRESETS,
    PolicyGradientConfig,
    usual_preset,
)
from configs.programs import POLICY_GRADIENT
from console.errors import UserError, run_main
from console.flags import asked_settings, define_config_flags, preset_among

_PRESET = flags.DEFINE_string(
    "preset",
    None,
    f"the recipe that the other flags change: {', '.join(POLICY_GRADIENT_PRESETS)}; "
    "default: the one for --agent and --game",
)
_LOGDIR = flags.DEFINE_string("logdir", None, "folder of the run (a new one under runs/)")
_RESUME = flags.DEFINE_bool("resume", False, "go on from the last checkpoint in --logdir")


def main() -> int:
    """Turn flags into a config and train it; return the exit status."""
    from policy_gradient import preflight
    from training.run_folder import RunFolder, new_run_path, resumed_config

    asked = asked_settings(PolicyGradientConfig)
    if _RESUME.value:
        if not _LOGDIR.value:
            raise UserError("--resume needs the folder of the run; give it with --logdir")
        folder = RunFolder(Path(_LOGDIR.value), POLICY_GRADIENT.command)
        saved, preset = folder.read_settings(PolicyGradientConfig)
        config = resumed_config(saved, asked, folder.iterations_done())
        if _PRESET.value not in (None, preset):
            raise UserError(f"the run was started with --preset {preset}; leave --preset out")
    else:
        preset = _PRESET.value or usual_preset(asked.get("agent"), asked.get("game"))
        config = preset_among(POLICY_GRADIENT_PRESETS, preset).replace(**asked)
        path = _LOGDIR.value or new_run_path(config.game, config.agent)
        folder = RunFolder(Path(path), POLICY_GRADIENT.command)
        if folder.exists:
            raise UserError(
                f"there is a run in {folder.path} already; go on with it by --resume, "
                "or give another --logdir"
            )
    preflight.check(config, asked)
    folder.create()

    from policy_gradient import session  # TensorFlow is imported here, when work begins

    return session.train(config, preset, folder, resume=_RESUME.value)


if __name__ == "__main__":
    define_config_flags(PolicyGradientConfig, POLICY_GRADIENT_PRESETS)
    flags.adopt_module_key_flags(console.flags)  # so that --help shows them
    run_main(main)
