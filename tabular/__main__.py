"""Shows where Q-learning comes from: a Markov chain, value iteration, Q-learning, in tables.

python -m tabular                              all three
python -m tabular chain --walks=20 --seed=3
python -m tabular values --discount=0.8,0.99
python -m tabular learning --steps=200000 --picture=learning.png
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from console.arguments import named_first_argument
from console.errors import UserError, run_main
from tabular import picture, report
from tabular.learning import LearningRate

_SHOWN = ("chain", "values", "learning")
_GREATEST_DISCOUNT = 0.999  # a thousand sweeps more for each digit
_LIMITS = {
    "walks": (1, 1_000),
    "steps": (1, 1_000_000),
    "learning_rate": (0.0, 1.0),
    "learning_rate_decay": (0.0, 1.0),
    "seed": (0, 2**31 - 1),
}


def main() -> None:
    """Compute what the flags ask for and print it."""
    values = flags.FLAGS
    for name, (low, high) in _LIMITS.items():
        if not low <= values[name].value <= high:  # not so for NaN
            raise UserError(
                f"--{name} must be from {low:g} to {high:,}, but is {values[name].value:,}"
            )
    discounts = _discounts(values.discount)
    shown = _SHOWN if values.show == "all" else (values.show,)
    file = Path(values.picture) if values.picture else None
    if file:
        _check_picture(file, shown)
    parts, errors = [], {}
    if "chain" in shown:
        parts.append(report.chain_lines(values.walks, values.seed))
    solutions = report.solve(discounts)
    if "values" in shown:
        parts.append(report.values_lines(solutions))
    if "learning" in shown:
        rate = LearningRate(values.learning_rate, values.learning_rate_decay)
        compared = report.learn(solutions, values.steps, rate, values.seed)
        parts.append(report.learning_lines(compared, rate))
        errors = {discount: one.learned.errors for discount, one in compared.items()}
    print("\n\n".join("\n".join(lines) for lines in parts), flush=True)
    if file:
        picture.draw(errors, file)
        print(f"\nwrote {file}")


def _check_picture(file: Path, shown: Sequence[str]) -> None:
    """Refuse a picture that could not be written behind the work.

    Raises:
      UserError: if nothing of it is learned, if it is no PNG, its folder is not there or cannot be
        written, or matplotlib is not installed.
    """
    if "learning" not in shown:
        raise UserError(f"--picture is of learning, not of {shown[0]}; leave it out")
    if file.suffix != ".png" or file.is_dir() or not os.access(file.parent, os.W_OK):
        raise UserError(f"--picture must be a .png file in a folder to write in, not {file}")
    picture.check_installed()


def _discounts(words: list[str]) -> list[float]:
    """Return each discount once.

    Raises:
      UserError: if there is none, or one is no number in its range.
    """
    try:
        found = list(dict.fromkeys(map(float, words)))
    except ValueError:
        found = []
    if not found or not all(0 <= discount <= _GREATEST_DISCOUNT for discount in found):
        raise UserError(
            f"--discount must be numbers from 0 to {_GREATEST_DISCOUNT} with commas between, "
            f"but is {','.join(words)!r}"
        )
    return found


if __name__ == "__main__":
    flags.DEFINE_enum("show", "all", ["all", *_SHOWN], "what; a first argument is taken for it")
    flags.DEFINE_list("discount", ["0.9", "0.95"], "of values and learning; several, side by side")
    flags.DEFINE_integer("walks", 10, "through the chain")
    flags.DEFINE_integer("steps", 50_000, "of Q-learning")
    flags.DEFINE_float("learning_rate", 0.2, "of the first step of Q-learning")
    flags.DEFINE_float("learning_rate_decay", 0.005, "it is divided by 1 + this times the step")
    flags.DEFINE_integer("seed", 1, "the same seed prints the same")
    flags.DEFINE_string("picture", None, "a file for the error of Q-learning, step by step")
    sys.argv = named_first_argument(sys.argv, "show")
    run_main(main, onednn=False)
