"""Shows what a run learns from: sub-episodes of its replay, frame by frame.

python -m replay.show runs/mine                writes show-replay.png
python -m replay.show runs/mine --episodes=10 --agent_steps=20 --out=mine.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from absl import flags

from configs.game_list import games
from configs.games import is_atari
from console.arguments import named_first_argument
from console.errors import UserError, run_main

_MOST = 200  # of episodes and of their steps: the picture is to be looked at


def main() -> None:
    """Hand the flags over."""
    values = flags.FLAGS
    if not values.run:
        raise UserError("name the run's folder: python -m replay.show runs/mine")
    for name in ("episodes", "agent_steps"):
        if not 1 <= values[name].value <= _MOST:
            raise UserError(f"--{name} must be from 1 to {_MOST}, but is {values[name].value:,}")
    if values.seed < 0:
        raise UserError(f"--seed must be 0 or more, but is {values.seed}")
    show(
        Path(values.run),
        Path(values.out),
        episodes=values.episodes,
        agent_steps=values.agent_steps,
        seed=values.seed,
    )


def show(run: Path, out: Path, *, episodes: int, agent_steps: int, seed: int) -> None:
    """Draw sub-episodes of the replay of `run` into the picture `out`.

    Raises:
      UserError: if there is no run or no replay, if it is too short, or `out` cannot be written.
    """
    from replay import pictures
    from replay.segments import SegmentError

    try:
        game = json.loads((run / "config.json").read_text())["config"]["game"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{run} is no run's folder: its config.json cannot be read") from error
    if not is_atari(game):
        raise UserError(f"{run} has no pictures to show: {game} is no Atari game")
    try:
        drawn = pictures.sampled_sub_episodes(run / "replay", episodes, agent_steps, seed)
    except SegmentError as error:
        raise UserError(f"{error}; train.py writes it with each checkpoint") from error
    except ValueError as error:
        raise UserError(f"{error}; or give fewer --agent_steps") from error
    meanings = games()[game].actions if game in games() else ()
    picture = pictures.drawing(drawn, meanings)
    try:
        picture.save(out)
    except (OSError, ValueError) as error:  # ValueError: an ending that is no picture's
        raise UserError(f"--out {out} cannot be written ({error}); name a .png file") from error
    for number, episode in enumerate(drawn, 1):
        print(
            f"row {number}: {len(episode.frames)} time steps of game {episode.game} from row "
            f"{episode.row:,} on, rewards {episode.rewards.sum():g}"
        )
    print(f"wrote {out}")


if __name__ == "__main__":
    flags.DEFINE_string("run", None, "a run's folder; a first argument is taken for it")
    flags.DEFINE_integer("episodes", 6, "sub-episodes to draw, a row for each")
    flags.DEFINE_integer("agent_steps", 12, "length of each, at the most")
    flags.DEFINE_integer("seed", 1, "the same seed draws the same sub-episodes")
    flags.DEFINE_string("out", "show-replay.png", "the picture's file")
    sys.argv = named_first_argument(sys.argv, "run")
    run_main(main, onednn=False)
