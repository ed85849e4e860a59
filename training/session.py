"""One session of training: builds or restores a run, trains, and says what came of it."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import psutil
import tensorflow as tf

from configs import Config
from configs.games import is_atari
from configs.policy_gradient import PolicyGradientConfig
from console.errors import UserError
from evaluation.page.document import write_page
from training import csv_log, parts, precision
from training.checkpoint import Checkpoints
from training.dead_units import dead_shares
from training.export import exporter_of
from training.faults import in_one_sentence
from training.health import Health
from training.log import RunLog
from training.looks import Looks
from training.loop import Training
from training.machine import has_gpu, usable_cores, why_tensorflow_sees_no_gpu
from training.metrics import DQN_TABLES
from training.milestones import evaluation_seed
from training.profile_plan import ProfilePlan
from training.profiler import Profiler
from training.progress import Progress
from training.run_folder import RunFolder
from training.stop import StopSignal


def train(
    config: Config,
    preset: str,
    folder: RunFolder,
    *,
    resume: bool,
    profile: ProfilePlan | None = None,
) -> int:
    """Train a run in `folder`, from the start or from its last checkpoint.

    Args:
      config: of the run.
      preset: what its numbers began from.
      folder: of the run.
      resume: whether there is a checkpoint to go on from.
      profile: which iterations are profiled.

    Returns:
      the exit status: 0, or 128 and the signal's number if a signal ended it.

    Raises:
      UserError: if there is nothing whole to resume, if learning diverged, if the disk is full or
        may not be written, or if there is not enough memory.
    """
    with StopSignal() as stop, in_one_sentence(folder):
        device = set_up_device()  # before anything runs on it
        if config.deterministic:
            tf.config.experimental.enable_op_determinism()
        config = config.replace(precision=precision.decide(config))
        built = parts.build(
            config, games_seed(config.seed, folder.iterations_done() if resume else 0)
        )
        ring = built.replay.ring
        checkpoints = Checkpoints(folder, built)
        progress, kept_bytes = Progress(), None
        if resume:
            _, state = checkpoints.restore(print)
            progress, kept_bytes = state_of_logs(folder, state)
            csv_log.check_all(folder.path, kept_bytes)
        # Not before the checkpoint is there: a resume that fails changes nothing.
        folder.write_config(config, preset, {"device": device, "machine": machine()})
        health = Health(config, _unused_gpu(), lambda: dead_shares(built.agent.policy, ring))
        looks = Looks(built, preset, folder.path.name, evaluation_seed(config.seed))
        spent = built.time_spent
        log = RunLog(
            folder, config, progress, spent, kept_bytes, DQN_TABLES, health=health, looks=looks
        )
        try:
            log.say(_greeting(config, folder, device, progress))
            exporter = exporter_of(folder.policies, built)
            profiler = Profiler(profile, folder, built.time_spent, log.say) if profile else None
            Training(built, progress, log, checkpoints, exporter, stop, profiler).run()
            log.say(page_of_run(folder))
            log.say(built.time_spent.summary())
            log.say(goodbye(config, folder, progress))
        finally:
            log.close()
    return 128 + stop.number if stop.number else 0


def state_of_logs(folder: RunFolder, state: dict[str, Any]) -> tuple[Progress, dict[str, int]]:
    """Return where a run stood, and the lengths of its files, from the state of a checkpoint."""
    try:
        lengths = state["csv_bytes"]
        if not all(type(length) is int and length >= 0 for length in lengths.values()):
            raise ValueError("csv_bytes are no lengths")
        return Progress.from_dict(state["progress"]), lengths
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"the checkpoint in {folder.path} has no state that this program knows ({error}); "
            "go on with the program that wrote it"
        ) from error


def machine() -> dict[str, Any]:
    """Return what a figure of speed depends on."""
    return {
        "system": platform.platform(),
        "cores": usable_cores(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
    }


def games_seed(seed: int, iterations_done: int) -> int:
    """Return the seed of new games: after a resume whose games begin anew they are others."""
    if not iterations_done:
        return seed
    return int(np.random.SeedSequence([seed, iterations_done]).generate_state(1)[0] >> 1)


def set_up_device() -> str:
    """Return the device that trains, and let a GPU's memory grow as it is needed."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    if not gpus:
        return "CPU"
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))


def _unused_gpu() -> str | None:
    """Return why TensorFlow does not see the GPU that is there, None where none is or it does."""
    if tf.config.list_physical_devices("GPU") or not has_gpu():
        return None
    return why_tensorflow_sees_no_gpu()


def _threads() -> int:
    """Return how many threads TensorFlow has on the CPU for one operation."""
    return tf.config.threading.get_intra_op_parallelism_threads() or usable_cores()


def _greeting(config: Config, folder: RunFolder, device: str, progress: Progress) -> str:
    how = f"resuming at iteration {progress.iteration:,}" if progress.iteration else "training"
    pipeline = f" ({config.env_pipeline} pipeline)" if is_atari(config.game) else ""
    return (
        f"{how}: {config.agent} on {config.game}, {config.num_envs} games{pipeline}, {device}, "
        f"{_threads()} threads, {config.precision}, "
        f"playing {'beside' if config.overlap else 'before'} learning, seed {config.seed}\n"
        f"run folder: {folder.path}   watch it: tensorboard --logdir {folder.quoted}"
    )


def page_of_run(folder: RunFolder) -> str:
    """Write the page of the run, and return where it is: no reason to let a run fail."""
    try:
        return f"report of the run: {write_page(folder.path)}"
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        return (
            f"warning: the report of the run was not written ({reason}); "
            f"try python -m evaluation.report {folder.quoted}"
        )


def goodbye(config: Config | PolicyGradientConfig, folder: RunFolder, progress: Progress) -> str:
    """Return the last line: what was done, or how to go on."""
    is_evaluated = not config.eval_period or progress.evaluated_iteration == progress.iteration
    if progress.iteration < config.iterations or not is_evaluated:
        return (
            f"stopped at iteration {progress.iteration:,} of {config.iterations:,}; go on with: "
            f"{folder.resume_command}"
        )
    best = "" if progress.best_score is None else f", best mean score {progress.best_score:.1f}"
    return (
        f"done: {progress.iteration:,} iterations in {progress.seconds / 60:.1f} minutes{best}; "
        f"watch it: python evaluate.py --run {folder.quoted} --gif play.gif"
    )
