"""Watch an agent: play whole games with an exported policy, print a report, write a film.

python evaluate.py                                    the best policy of the newest run
python evaluate.py --run=runs/mine --gif=play.gif     and a film of its best game
python evaluate.py --pretrained --game=Pong           the agent that comes with this program
python evaluate.py --random --game=SpaceInvaders      a random agent, for a baseline
"""

from __future__ import annotations

from absl import flags

from console.errors import run_main
from evaluation import request

_RUN = flags.DEFINE_string(
    "run", None, "a run's folder: its best policy is played, else its last; default: the newest run"
)
_POLICY = flags.DEFINE_string("policy", None, "an exported policy's folder; goes before --run")
_GAMES = flags.DEFINE_integer("games", 30, "whole games to play")
_EPSILON = flags.DEFINE_float(
    "epsilon", None, f"share of random actions; default: {request.DEFAULT_EPSILON}"
)
_SEED = flags.DEFINE_integer("seed", 1, "the same seed plays the same games")
_RANDOM = flags.DEFINE_bool("random", False, "play a random agent, without a policy")
_PRETRAINED = flags.DEFINE_bool(
    "pretrained", False, "play the trained policy of --game that comes with this program"
)
_GAME = flags.DEFINE_string(
    "game",
    None,
    f"the game that --random or --pretrained plays; default: {request.DEFAULT_GAME}",
)
_GIF = flags.DEFINE_string("gif", None, "write a film of one game: full color, original size")
_GIF_GAME = flags.DEFINE_integer(
    "gif_game", None, "number of the game to film, from 1; default: the best"
)
_GIF_SECONDS = flags.DEFINE_float("gif_seconds", 60.0, "the film is cut off here; 0: whole game")
_JSON = flags.DEFINE_string("json", None, "write the scores, their statistics and the protocol")


def main() -> None:
    """Hand the flags over."""
    request.answer(
        request.Request(
            run=_RUN.value,
            policy=_POLICY.value,
            games=_GAMES.value,
            epsilon=_EPSILON.value,
            seed=_SEED.value,
            random=_RANDOM.value,
            pretrained=_PRETRAINED.value,
            game=_GAME.value,
            gif=_GIF.value,
            gif_game=_GIF_GAME.value,
            gif_seconds=_GIF_SECONDS.value,
            json=_JSON.value,
        )
    )


if __name__ == "__main__":
    run_main(main)
