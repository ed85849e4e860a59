"""One session of training: builds or restores a run, trains, and says what came of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from configs.policy_gradient import REINFORCE, PolicyGradientConfig
from console.errors import UserError
from envs import suite
from policy_gradient.a2c import A2CLearner
from policy_gradient.learner import Games, Learner
from policy_gradient.loop import Training
from policy_gradient.metrics import TABLES
from policy_gradient.parallel_games import GameProcessError, ParallelGames
from policy_gradient.reinforce import ReinforceLearner
from training import csv_log
from training.checkpoint_folder import CheckpointFolder
from training.export import Exporter
from training.faults import how_to_go_on, in_one_sentence
from training.log import RunLog
from training.progress import Progress
from training.run_folder import RunFolder
from training.session import (
    games_seed,
    goodbye,
    machine,
    page_of_run,
    set_up_device,
    state_of_logs,
)
from training.stop import StopSignal
from training.time_spent import TimeSpent

_LESS_MEMORY = "--num_envs, --game_processes or --n_step"


def train(config: PolicyGradientConfig, preset: str, folder: RunFolder, *, resume: bool) -> int:
    """Train a run in `folder`, from the start or from its last checkpoint.

    Returns:
      the exit status: 0, or 128 and the signal's number if a signal ended it.

    Raises:
      UserError: if there is nothing whole to resume, if learning diverged, if a process of games
        ended, if the disk is full or may not be written, or if there is not enough memory.
    """
    with (
        StopSignal() as stop,
        in_one_sentence(folder, _LESS_MEMORY),
        _games_in_one_sentence(folder),
    ):
        device = set_up_device()  # before anything runs on it
        if config.deterministic:
            tf.config.experimental.enable_op_determinism()
        seed = games_seed(config.seed, folder.iterations_done() if resume else 0)
        with contextlib.closing(load_games(config, seed)) as env:
            learner = build(config, env)
            checkpoints = CheckpointFolder(folder, config, learner.variables, env)
            progress, kept_bytes = Progress(), None
            if resume:
                _, state = checkpoints.restore(print)
                progress, kept_bytes = state_of_logs(folder, state)
                csv_log.check_all(folder.path, kept_bytes)
            # Not before the checkpoint is there: a resume that fails changes nothing.
            folder.write_config(config, preset, {"device": device, "machine": machine()})
            log = RunLog(folder, config, progress, learner.time_spent, kept_bytes, TABLES)
            try:
                log.say(_greeting(config, folder, device, progress))
                exporter = Exporter(folder.policies, config.playing(), learner.agent.policy)
                Training(config, learner, progress, log, checkpoints, exporter, stop).run()
                log.say(page_of_run(folder))
                log.say(learner.time_spent.summary())
                log.say(goodbye(config, folder, progress))
            finally:
                log.close()
    return 128 + stop.number if stop.number else 0


def load_games(config: PolicyGradientConfig, seed: int) -> Games:
    """Return the games of a run, in the processes that it asks for."""
    if not config.processes():
        return suite.load(config.playing(), config.num_envs, seed)
    return ParallelGames(config.playing(), config.num_envs, seed, config.processes())


def build(config: PolicyGradientConfig, env: Games) -> Learner:
    """Return the learner of `config`; its seed is that of weights and actions."""
    tf.keras.utils.set_random_seed(config.seed)
    spent = TimeSpent()
    if config.agent == REINFORCE:
        return ReinforceLearner(config, env, spent)
    return A2CLearner(config, env, spent)


@contextlib.contextmanager
def _games_in_one_sentence(folder: RunFolder) -> Iterator[None]:
    try:
        yield
    except GameProcessError as error:
        raise UserError(f"{error}; report it if it comes again, {how_to_go_on(folder)}") from error


def _greeting(
    config: PolicyGradientConfig, folder: RunFolder, device: str, progress: Progress
) -> str:
    how = f"resuming at iteration {progress.iteration:,}" if progress.iteration else "training"
    where = f" in {config.processes()} processes" if config.processes() else ""
    return (
        f"{how}: {config.agent} on {config.game}, {config.num_envs} games{where}, {device}, "
        f"seed {config.seed}\n"
        f"run folder: {folder.path}   watch it: tensorboard --logdir {folder.quoted}"
    )
