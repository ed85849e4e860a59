"""Compares runs: learning curves and a table, from the CSV files in their folders.

python -m experiments.report DIR                  writes DIR/report.md and DIR/curves-GAME.png
python -m experiments.report DIR --collect OUT    copies only the files that a report is made from
"""

from __future__ import annotations

import sys
from pathlib import Path

from absl import flags

from console.arguments import named_first_argument
from console.errors import UserError, run_main
from experiments.records import FILES, Record, collect, differences, read_records
from experiments.table import Places, page

PAGE = "report.md"


def main() -> None:
    """Read the runs, then draw and print their comparison, or copy them."""
    values = flags.FLAGS
    if not values.dir:
        raise UserError("name the folder of the runs: python -m experiments.report DIR")
    folder = Path(values.dir)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; name one with runs in it")
    records, left_out = read_records(folder)
    if not records:
        why = f" ({left_out[0]})" if left_out else ""
        raise UserError(f"no run in {folder} has written anything yet{why}; name another folder")
    for sentence in left_out:
        print(sentence, file=sys.stderr)
    try:
        if values.collect:
            into = Path(values.collect)
            if into.resolve().is_relative_to(folder.resolve()):
                raise UserError(f"--collect {into} is in {folder}; name a folder elsewhere")
            copied = collect(records, folder, into)
            print(f"copied {copied} files of {len(records)} runs ({', '.join(FILES)})")
            print(f"compare them: python -m experiments.report {into}")
            return
        out = Path(values.out or folder)
        out.mkdir(parents=True, exist_ok=True)
        _write(records, [*left_out, *differences(records)], out)
    except OSError as error:
        raise UserError(
            f"{error.filename or 'the page'} cannot be written ({error.strerror}); "
            "name another folder"
        ) from error


def _write(records: list[Record], remarks: list[str], out: Path) -> None:
    from experiments.pictures import draw

    pictures = {game: f"curves-{game}.png" for game in sorted({r.game for r in records})}
    for game, name in pictures.items():
        draw(records, game, out / name)
    places = Places(flags.FLAGS.at_iterations, flags.FLAGS.at_minutes)
    text = page(records, remarks, pictures, places)
    (out / PAGE).write_text(text)
    print(text)
    print(f"wrote {', '.join(str(out / name) for name in [PAGE, *pictures.values()])}")


if __name__ == "__main__":
    flags.DEFINE_string("dir", None, "the folder of the runs; a first argument is taken for it")
    flags.DEFINE_string("out", None, "where page and pictures go; default: the folder of the runs")
    flags.DEFINE_string("collect", None, "copy the CSV files and config.json of the runs to here")
    flags.DEFINE_integer(
        "at_iterations", None, "compare here; default: as far as all runs of a game have come", 1
    )
    flags.DEFINE_float(
        "at_minutes", None, "compare here; default: as far as all runs of a game have come", 0.0
    )
    sys.argv = named_first_argument(sys.argv, "dir")
    run_main(main, onednn=False)
