"""Trains a DQN agent on an Atari game.

Examples:
  python train.py --iterations 50000
  python train.py --game Pong --preset nature --logdir runs/pong
  python train.py --logdir runs/pong --resume
  python train.py --preset nature --doctor
  python train.py --list_games
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

import console.flags
from configs import PRESETS
from console.errors import UserError, run_main
from console.flags import asked_settings, define_config_flags, preset_called
from console.games import games_table

_PRESET = flags.DEFINE_string(
    "preset",
    "default",
    f"the recipe that the other flags change: {', '.join(PRESETS)}",
)
_LOGDIR = flags.DEFINE_string("logdir", None, "folder of the run (a new one under runs/)")
_DOCTOR = flags.DEFINE_bool(
    "doctor", False, "train nothing; check this machine for the run that the other flags describe"
)
_LIST_GAMES = flags.DEFINE_bool("list_games", False, "list the games, their actions and scores")
_PROFILE_ITERATIONS = flags.DEFINE_integer(
    "profile_iterations",
    0,
    "profile so many behind a warm-up: profile.txt, and a trace for TensorBoard; 0: none",
    0,
    1_000,
)
_RESUME = flags.DEFINE_bool("resume", False, "go on from the last checkpoint in --logdir")


def main() -> int:
    """Turn flags into a config and train it; return the exit status."""
    if _LIST_GAMES.value:
        print(games_table(), end="")
        return 0
    from training import preflight
    from training.profile_plan import plan_profile
    from training.run_folder import RunFolder, new_run_path, resumed_config

    asked = asked_settings()
    if _RESUME.value:
        if not _LOGDIR.value:
            raise UserError("--resume needs the folder of the run; give it with --logdir")
        folder = RunFolder(Path(_LOGDIR.value))
        saved, preset = folder.read_config()
        done = folder.iterations_done()
        config = resumed_config(saved, asked, done)
        if flags.FLAGS["preset"].present and _PRESET.value != preset:
            raise UserError(f"the run was started with --preset {preset}; leave --preset out")
    else:
        preset, done = _PRESET.value, 0
        config = preset_called(preset).replace(**asked)
        config.validate()
        folder = RunFolder(Path(_LOGDIR.value or new_run_path(config.game, config.agent)))
        if folder.exists:
            raise UserError(
                f"there is a run in {folder.path} already; go on with it by --resume, "
                "or give another --logdir"
            )
    profiled = _PROFILE_ITERATIONS.value
    profile = plan_profile(config, done, profiled) if profiled else None
    if _DOCTOR.value:
        from training import doctor

        return doctor.examine(config, folder, print, asked)
    preflight.check(config, asked, is_resume=_RESUME.value)
    folder.create()

    from training import session  # TensorFlow is imported here, when work begins

    return session.train(config, preset, folder, resume=_RESUME.value, profile=profile)


if __name__ == "__main__":
    define_config_flags()
    flags.adopt_module_key_flags(console.flags)  # so that --help shows them
    run_main(main)
