"""Writes a run as one HTML page, which needs no network and opens in every browser.

python -m evaluation.report RUN           writes RUN/report.html, from the files of the run
python -m evaluation.report RUN --film    plays ten games first, and films the best for the page
"""

from __future__ import annotations

import sys
from pathlib import Path

from absl import flags

from console.arguments import named_first_argument
from console.errors import UserError, run_main
from evaluation.files import check_writable
from evaluation.page import films
from evaluation.page.document import FILE, write_page
from evaluation.page.record import read_run


def main() -> None:
    """Write the page, and say where it is."""
    values = flags.FLAGS
    if not values.run:
        raise UserError("name the folder of the run: python -m evaluation.report RUN")
    run = Path(values.run)
    file = Path(values.out) if values.out else run / FILE
    try:
        read_run(run)  # what is no run is said before anything is tried or played
        check_writable(file, "--out")
        if values.film:
            print(films.film(run))
        print(f"wrote {write_page(run, file)}")
    except OSError as error:
        raise UserError(
            f"{error.filename or file} cannot be written ({error.strerror}); make room, or name "
            "another file with --out"
        ) from error


if __name__ == "__main__":
    flags.DEFINE_string("run", None, "the folder of the run; a first argument is taken for it")
    flags.DEFINE_string("out", None, f"the file of the page; default: {FILE} in the run's folder")
    flags.DEFINE_bool(
        "film",
        False,
        "play ten games with the run's policy, which executes what is in it, and film the best "
        f"for 20 s into {films.FOLDER}/ of the run",
    )
    sys.argv = named_first_argument(sys.argv, "run")
    run_main(main)
