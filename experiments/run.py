"""Trains the runs that a file lists.

python -m experiments.run FILE                   trains, goes on where it was stopped, skips what is
                                                 done
python -m experiments.run FILE --side_by_side 2  trains two at a time, each on its half of the cores
python -m experiments.run FILE --dry_run         prints the commands
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from console.arguments import named_first_argument
from console.errors import UserError, run_main
from experiments import sequence
from experiments.plan import PlannedRun, read_plan
from experiments.run_state import State, state_of

FAILED_EXIT_STATUS = 1


def main() -> int:
    """Hand the flags over."""
    if not flags.FLAGS.file:
        raise UserError("name the experiment's file: python -m experiments.run FILE")
    return train(
        Path(flags.FLAGS.file),
        dry_run=flags.FLAGS.dry_run,
        side_by_side=flags.FLAGS.side_by_side,
    )


def train(file: Path, *, dry_run: bool, side_by_side: int = 1) -> int:
    """Train the runs that `file` lists, or print their commands; return the exit status.

    0: all runs are complete. 1: some failed, the others are complete. 128 and the signal's number:
    a signal ended it.

    Raises:
      UserError: before any work, if the file or a run's folder does not allow it, or if so many
        runs at a time do not fit into memory.
    """
    runs = read_plan(file)
    states = [state_of(run) for run in runs]
    if dry_run:
        for run, state in zip(runs, states, strict=True):
            mark = "# complete: " if state is State.COMPLETE else ""
            print(mark + sequence.shown_command(run, state))
        return 0
    pairs = zip(runs, states, strict=True)
    _check_memory([run for run, state in pairs if state is not State.COMPLETE], side_by_side)
    outcome = sequence.train_all(runs, lambda sentence: print(sentence, flush=True), side_by_side)
    trained = len(outcome.done) + len(outcome.complete)
    print(f"{trained} of {len(runs)} runs are complete, {len(outcome.done)} of them by this call")
    for run in outcome.failed:
        print(f"failed: {run}, in {run.path}")
    if outcome.signal_number is not None:
        again = f" --side_by_side={side_by_side}" if side_by_side > 1 else ""
        print(f"stopped; go on with: python -m experiments.run {file}{again}")
        return 128 + outcome.signal_number
    print(f"compare them: python -m experiments.report {runs[0].path.parents[1]}")
    return FAILED_EXIT_STATUS if outcome.failed else 0


def _check_memory(runs: Sequence[PlannedRun], side_by_side: int) -> None:
    from training import machine, preflight  # imports gym, which is to be silenced before

    needs = sorted((preflight.memory_needed_bytes(run.config) for run in runs), reverse=True)
    needed, free = sum(needs[:side_by_side]), machine.free_memory_bytes()
    if side_by_side > 1 and needed > free:
        raise UserError(
            f"{side_by_side} of these runs at a time need about {needed / 1e9:.1f} GB and "
            f"{free / 1e9:.1f} GB of memory are free; give a smaller --side_by_side, or a smaller "
            "replay_capacity in the file"
        )


if __name__ == "__main__":
    flags.DEFINE_string("file", None, "the experiment's file; a first argument is taken for it")
    flags.DEFINE_integer(
        "side_by_side",
        1,
        "so many runs at a time, each on its share of the cores; two on one core each learn far "
        "more than one on both",
        lower_bound=1,
        upper_bound=64,
    )
    flags.DEFINE_bool("dry_run", False, "print the commands, train nothing")
    sys.argv = named_first_argument(sys.argv, "file")
    run_main(main, onednn=False)
