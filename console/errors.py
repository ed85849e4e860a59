"""A program's frame: flags are parsed, and a user's mistake ends in one line, not a traceback."""

from __future__ import annotations

import contextlib
import difflib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from absl import app, flags

from configs import ConfigError
from console import help as help_page
from console import kernels, quiet

USAGE_EXIT_STATUS = 2
INTERRUPTED_EXIT_STATUS = 130  # 128 + SIGINT, as shells count


class UserError(Exception):
    """Something the user can mend; the message is one sentence: what is wrong and what to do."""


@contextlib.contextmanager
def importing(package: str) -> Iterator[None]:
    """Answer the import of a package that is not installed in a sentence.

    Raises:
      UserError: if it is not.
    """
    try:
        yield
    except ImportError as error:
        raise UserError(
            f"this needs {package}; install it with pip install -r requirements.txt"
        ) from error


def run_main(main: Callable[[], int | None], *, onednn: bool = True) -> NoReturn:
    """Parse the flags, keep the libraries quiet, run `main`, and exit.

    | what happens | stderr | exit status |
    |---|---|---|
    | `main` returns | | its value, 0 for None |
    | `--help`, `--helpfull` | | 0 |
    | a flag is unknown or has a wrong value; an argument is no flag | `error: ...` | 2 |
    | UserError (PolicyError is one), ConfigError | `error: ...` | 2 |
    | Ctrl-C | `interrupted` | 130 |
    | anything else is a bug | its traceback | 1 |

    TensorFlow gets oneDNN's kernels unless `onednn` is False; see `console.kernels`.
    absl's `--verbosity` brings back what `console.quiet` holds back.
    """
    verbosity = flags.FLAGS["verbosity"]
    verbosity.help = "how much the libraries say: -2 errors, -1 warnings, 0 info, 1 debug"
    flags.FLAGS.set_default("verbosity", quiet.QUIET)
    # So that --help, which shows the flags of the program's own file, lists this one.
    flags.FLAGS.register_key_flag_for_module(sys.argv[0], verbosity)

    def guarded(_: Sequence[str]) -> int | None:
        # absl has set the flag to 0 by now where the user said nothing.
        if onednn:
            kernels.use_onednn()
        quiet.silence(verbosity.value if verbosity.present else quiet.QUIET)
        try:
            return main()
        except (UserError, ConfigError) as error:
            exit_with_error(str(error))

    try:
        app.run(guarded, flags_parser=_parse)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED_EXIT_STATUS)


def exit_with_error(message: str) -> NoReturn:
    """Print `error: message` in one line on stderr and exit with status 2."""
    print("error:", " ".join(message.split()), file=sys.stderr)
    sys.exit(USAGE_EXIT_STATUS)


def _parse(argv: Sequence[str]) -> list[str]:
    page = help_page.page_asked_for(argv)
    if page is not None:
        print(page, end="")
        sys.exit(0)
    try:
        rest = flags.FLAGS(argv)
    except flags.UnrecognizedFlagError as error:
        near = difflib.get_close_matches(error.flagname, list(flags.FLAGS), n=1)
        hint = f"did you mean --{near[0]}?" if near else "--help lists the flags"
        exit_with_error(f"there is no flag --{error.flagname}; {hint}")
    except flags.Error as error:
        exit_with_error(f"{error}; --help lists the flags")
    except SystemExit:  # absl ends --helpxml with status 1
        sys.exit(0)
    if len(rest) > 1:
        exit_with_error(f"the argument {rest[1]!r} is no flag; flags look like --name=value")
    return list(rest)
