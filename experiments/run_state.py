"""How far a run of an experiment has come, told from its folder."""

from __future__ import annotations

import csv
import enum

from configs.recipe import NO_PART_OF_A_RECIPE
from console.errors import UserError
from experiments.plan import PlannedRun
from training.run_folder import RunFolder, resumed_config


class State(enum.Enum):
    """How far a run has come."""

    NEW = "new"
    LOST = "lost"  # ended before its first checkpoint: nothing of it can be resumed
    STOPPED = "stopped"
    COMPLETE = "complete"


def state_of(run: PlannedRun) -> State:
    """Return how far `run` has come.

    Raises:
      UserError: if its folder holds a run with other numbers, or a broken one.
    """
    folder = RunFolder(run.path)
    if not folder.exists:
        return State.NEW
    saved, preset = folder.read_config()
    has_checkpoint = bool(folder.checkpoint_paths())
    done = folder.iterations_done() if has_checkpoint else 0
    if preset != run.preset:
        raise UserError(
            f"the run in {run.path} was started with preset {preset}, and the file says "
            f"{run.preset}; name another out_dir"
        )
    try:
        resumed_config(
            saved,
            run.config.to_dict(),
            done,
            NO_PART_OF_A_RECIPE,
            advice="write what is there into the file's settings, or name another out_dir",
        )
    except UserError as error:
        raise UserError(f"{run.path}: {error}") from error
    if not has_checkpoint:
        return _state_without_checkpoint(run, folder)
    if done < run.config.iterations or not _is_evaluated(run):
        return State.STOPPED
    return State.COMPLETE


def _state_without_checkpoint(run: PlannedRun, folder: RunFolder) -> State:
    """Tell a run that was ended early from one whose checkpoints were removed to save room."""
    if _last_iteration(run, "metrics.csv") >= run.config.iterations and _is_evaluated(run):
        return State.COMPLETE  # its curves are whole: never remove them
    was_exported = (folder.policies / "last").exists()  # with each checkpoint
    was_trained_here = (folder.path / ".lock").exists()  # a copy by experiments.report has none
    if was_trained_here and not was_exported:
        return State.LOST
    raise UserError(
        f"the run in {run.path} is not complete, and its checkpoints are gone; name another "
        "out_dir, or move that folder away"
    )


def _is_evaluated(run: PlannedRun) -> bool:
    """Whether the evaluation at the end was not cut short."""
    iterations = run.config.iterations
    return not run.config.eval_period or _last_iteration(run, "evaluations.csv") >= iterations


def _last_iteration(run: PlannedRun, name: str) -> int:
    """Return the iteration of the last row of a CSV file, 0 if there is none."""
    try:
        with (run.path / name).open(newline="") as file:
            return max((int(row["iteration"]) for row in csv.DictReader(file)), default=0)
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return 0
