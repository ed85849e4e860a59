"""Watch an agent: play whole games with an exported policy, print a report, write a film.

python evaluate.py                                    the best policy of the newest run
python evaluate.py --run=runs/mine --gif=play.gif     and a film of its best game
python evaluate.py --pretrained --game=SpaceInvaders  the agent that comes with this program
python evaluate.py --random --game=SpaceInvaders      a random agent, for a baseline
python evaluate.py --film=play.mp4 --film_style=explained      and what the network thinks
python evaluate.py --compare=random,runs/mine --film=both.mp4  side by side
python evaluate.py --watch                            in a window
"""

from __future__ import annotations

from absl import flags

from console.errors import run_main
from evaluation import answer, request

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
_FILM = flags.DEFINE_string(
    "film", None, "the same in the format that the ending names: .gif, .mp4 or .webp"
)
_FILM_STYLE = flags.DEFINE_enum(
    "film_style",
    request.PLAIN,
    request.FILM_STYLES,
    "plain: the game; explained: and what the network sees, its Q-values, its value over time",
)
_SALIENCY = flags.DEFINE_bool(
    "saliency", True, "explained films have a heat map of what a decision depends on"
)
_FILM_GAME = flags.DEFINE_integer(
    "film_game", None, "number of the game to film, from 1; default: the best"
)
_FILM_LIFE_ABOVE = flags.DEFINE_float(
    "film_life_above", None, "film the first life of an Atari game that scores more than this"
)
_FILM_SECONDS = flags.DEFINE_float("film_seconds", 60.0, "the film is cut off here; 0: whole game")
flags.DEFINE_alias("gif_game", "film_game")
flags.DEFINE_alias("gif_seconds", "film_seconds")
_COMPARE = flags.DEFINE_list(
    "compare",
    None,
    "film these side by side, in game --film_game (1) of the seed: folders of runs or exports, or "
    f"{request.RANDOM}, with commas between",
)
_WATCH = flags.DEFINE_bool("watch", False, "play in a window; docs/watching.md has its keys")
_JSON = flags.DEFINE_string("json", None, "write the scores, their statistics and the protocol")


def main() -> None:
    """Hand the flags over."""
    answer.answer(
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
            film=_FILM.value,
            film_style=_FILM_STYLE.value,
            saliency=_SALIENCY.value,
            film_game=_FILM_GAME.value,
            film_life_above=_FILM_LIFE_ABOVE.value,
            film_seconds=_FILM_SECONDS.value,
            compare=_COMPARE.value,
            watch=_WATCH.value,
            json=_JSON.value,
        )
    )


if __name__ == "__main__":
    run_main(main)
