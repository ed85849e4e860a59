"""Shows what an agent sees of a game: the preprocessing as an animation, and a stack in color.

python -m envs.show Breakout                   writes show-Breakout.gif and show-Breakout.png
python -m envs.show Pong --seconds=20 --seed=3
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from absl import flags

from console.arguments import named_first_argument
from console.errors import UserError, run_main

_AGENT_STEPS_PER_SEC = 15  # 60 frames a second, 4 frames each
_PICTURE_MS = 70  # a GIF counts hundredths of a second, so 1/15 s is rounded up
_STACK_SCALE = 5
_MOST_SECONDS = 60  # all pictures are in memory at once: 1.1 GB


def main() -> None:
    """Hand the flags over."""
    values = flags.FLAGS
    if not values.game:
        raise UserError("name the game: python -m envs.show Breakout")
    if not 1 <= values.seconds <= _MOST_SECONDS:
        raise UserError(f"--seconds must be from 1 to {_MOST_SECONDS}, but is {values.seconds:g}")
    if not 0 <= values.seed < 2**31:
        raise UserError(f"--seed must be from 0 to {2**31 - 1:,}, but is {values.seed:,}")
    folder = Path(values.out_dir)
    if not folder.is_dir():
        raise UserError(f"--out_dir: there is no folder {folder}; make it first")
    show(values.game, folder, seconds=values.seconds, seed=values.seed)


def show(game: str, folder: Path, *, seconds: float, seed: int) -> None:
    """Write show-GAME.gif and show-GAME.png into `folder`, and print what the actions mean.

    Raises:
      UserError: if there is no such game, or the files cannot be written.
    """
    from PIL import Image

    from envs import ale, pictures

    try:
        meanings = ale.action_meanings(game)
    except ValueError as error:
        raise UserError(str(error)) from None
    count = int(seconds * _AGENT_STEPS_PER_SEC)
    played = list(itertools.islice(pictures.random_play(game, seed), count))
    first, *others = map(pictures.side_by_side, played)
    side = _STACK_SCALE * pictures.SIDE
    stack = Image.fromarray(pictures.colored_stack(played[-1].stack))
    film_path, stack_path = folder / f"show-{game}.gif", folder / f"show-{game}.png"
    try:
        first.save(film_path, save_all=True, append_images=others, duration=_PICTURE_MS, loop=0)
        stack.resize((side, side), Image.Resampling.NEAREST).save(stack_path)
    except OSError as error:
        name = error.filename or folder
        raise UserError(f"{name} cannot be written ({error.strerror})") from error
    print(f"{game} has {len(meanings)} actions:")
    for number, meaning in enumerate(meanings):
        print(f"  {number:>2}  {meaning}")
    print(f"wrote {film_path}: {len(played)} agent steps of random play, stage by stage")
    print(f"wrote {stack_path}: a stack, oldest frame red, then green, turquoise and violet")


if __name__ == "__main__":
    flags.DEFINE_string("game", None, "the game; a first argument is taken for it")
    flags.DEFINE_float("seconds", 6.0, "length of the animation, at the game's own speed")
    flags.DEFINE_integer("seed", 1, "the same seed plays the same game")
    flags.DEFINE_string("out_dir", ".", "folder that the files are written to")
    sys.argv = named_first_argument(sys.argv, "game")
    run_main(main, onednn=False)
