"""Trains the runs that a file lists, one after another.

python -m experiments.run FILE             trains, goes on where it was stopped, skips what is done
python -m experiments.run FILE --dry_run   prints the commands
"""

from __future__ import annotations

import sys
from pathlib import Path

from absl import flags

from console.arguments import named_first_argument
from console.errors import UserError, run_main
from experiments import sequence
from experiments.plan import read_plan

FAILED_EXIT_STATUS = 1


def main() -> int:
    """Hand the flags over."""
    if not flags.FLAGS.file:
        raise UserError("name the experiment's file: python -m experiments.run FILE")
    return train(Path(flags.FLAGS.file), dry_run=flags.FLAGS.dry_run)


def train(file: Path, *, dry_run: bool) -> int:
    """Train the runs that `file` lists, or print their commands; return the exit status.

    0: all runs are complete. 1: some failed, the others are complete. 128 and the signal's number:
    a signal ended it.

    Raises:
      UserError: before any work, if the file or a run's folder does not allow it.
    """
    runs = read_plan(file)
    states = [sequence.state_of(run) for run in runs]
    if dry_run:
        for run, state in zip(runs, states, strict=True):
            mark = "# complete: " if state is sequence.State.COMPLETE else ""
            print(mark + sequence.shown_command(run, state))
        return 0
    outcome = sequence.train_all(runs, lambda sentence: print(sentence, flush=True))
    trained = len(outcome.done) + len(outcome.complete)
    print(f"{trained} of {len(runs)} runs are complete, {len(outcome.done)} of them by this call")
    for run in outcome.failed:
        print(f"failed: {run}, in {run.path}")
    if outcome.signal_number is not None:
        print(f"stopped; go on with: python -m experiments.run {file}")
        return 128 + outcome.signal_number
    print(f"compare them: python -m experiments.report {runs[0].path.parents[1]}")
    return FAILED_EXIT_STATUS if outcome.failed else 0


if __name__ == "__main__":
    flags.DEFINE_string("file", None, "the experiment's file; a first argument is taken for it")
    flags.DEFINE_bool("dry_run", False, "print the commands, train nothing")
    sys.argv = named_first_argument(sys.argv, "file")
    run_main(main, onednn=False)
