"""What a user asks of evaluate.py: checked before any long work, then done."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from configs import Config
from configs.games import is_atari
from console.errors import UserError
from evaluation import policies
from evaluation.files import check_writable, replaced_file

MAX_GAMES = 10_000
MAX_SEED = 2**31 - 1
GIF_ENDING = ".gif"


@dataclasses.dataclass(frozen=True)
class Request:
    """The flags of evaluate.py, whose help describes them; None where a user gave none."""

    run: str | None
    policy: str | None
    games: int
    epsilon: float | None
    seed: int
    random: bool
    pretrained: bool
    game: str | None
    gif: str | None
    gif_game: int | None
    gif_seconds: float
    json: str | None


DEFAULT_EPSILON = 0.001
DEFAULT_GAME = "Breakout"


def answer(request: Request) -> None:
    """Play the games that are asked for, print their report, write the files.

    Raises:
      UserError: one sentence, before any long work, if something cannot be done.
    """
    _check_numbers(request)
    _check_files(request)
    folder = _policy_folder(request)
    card = None if folder is None else policies.read_card(folder)
    config = Config(game=request.game or DEFAULT_GAME) if card is None else card.config
    _check_game(config.game)
    try:
        _play(request, config, card)
    except OSError as error:  # the disk is full: what stood in place of the file is still there
        raise UserError(
            f"{error.filename or 'a file'} cannot be written ({error.strerror}); make room, "
            "or name another file"
        ) from error


def _policy_folder(request: Request) -> Path | None:
    if request.random:
        return None
    if request.pretrained:
        return policies.find_pretrained(request.game or DEFAULT_GAME)
    return policies.find_policy(request.run, request.policy)


def _check_numbers(request: Request) -> None:
    _check_range("--games", request.games, 1, MAX_GAMES)
    _check_range("--seed", request.seed, 0, MAX_SEED)
    if request.epsilon is not None:
        _check_range("--epsilon", request.epsilon, 0, 1)
    if not 0 <= request.gif_seconds < float("inf"):
        raise UserError(f"--gif_seconds must be 0 (whole game) or more, not {request.gif_seconds}")
    if request.gif_game is not None:
        _check_range("--gif_game", request.gif_game, 1, request.games)
        if request.gif is None:
            raise UserError("--gif_game chooses the game of a film; name its file with --gif")
    if request.random and (request.run is not None or request.policy is not None):
        raise UserError("--random plays without a policy; leave out --run and --policy")
    if request.pretrained and (request.run is not None or request.policy is not None):
        raise UserError("--pretrained is a policy already; leave out --run and --policy")
    if request.random and request.pretrained:
        raise UserError("--random plays without a policy; leave out --pretrained")
    if request.random and request.epsilon is not None:
        raise UserError("--random means epsilon 1; leave out --epsilon")
    if not (request.random or request.pretrained) and request.game is not None:
        raise UserError(
            "--game goes with --random or --pretrained; a policy plays the game it was trained on"
        )


def _check_range(flag: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also where value is not a number
        raise UserError(f"{flag} must be from {low:,} to {high:,}, but is {value:,}")


def _check_files(request: Request) -> None:
    if request.gif is not None:
        if Path(request.gif).suffix.lower() != GIF_ENDING:
            raise UserError(f"--gif {request.gif}: the name of a film must end in {GIF_ENDING}")
        check_writable(Path(request.gif), "--gif")
    if request.json is not None:
        check_writable(Path(request.json), "--json")


def _check_game(game: str) -> None:
    from envs import games  # half a second, for gym

    try:
        games.check(game)
    except ValueError as error:
        raise UserError(str(error)) from None


def _play(request: Request, config: Config, card: policies.PolicyCard | None) -> None:
    """Play, print, write; here TensorFlow is imported."""
    from tqdm import tqdm

    from evaluation import film, small_film
    from evaluation.report import RANDOM_PLAYER, Report, best_game
    from evaluation.watch import play_games

    policy = None if card is None else policies.load_policy(card.folder)
    epsilon = DEFAULT_EPSILON if request.epsilon is None else request.epsilon
    if policy is None:
        epsilon = 1.0
    # disable=None: no bar where the output is no terminal.
    with tqdm(total=request.games, unit="game", leave=False, disable=None) as bar:
        games = play_games(
            config,
            policy,
            games=request.games,
            epsilon=epsilon,
            seed=request.seed,
            on_game=lambda _: bar.update(),
        )
    report = Report.of_games(
        config,
        games,
        epsilon=epsilon,
        seed=request.seed,
        policy=RANDOM_PLAYER if card is None else str(card.folder),
        iteration=None if card is None else card.iteration,
    )
    print(report.to_table())
    if request.json is not None:
        with replaced_file(Path(request.json)) as file:
            file.write(json.dumps(report.to_json(), indent=2).encode() + b"\n")
        print(f"wrote {request.json}")
    if request.gif is not None:
        game = games[(request.gif_game or best_game(report.scores)) - 1]
        film_game = film.film_game if is_atari(config.game) else small_film.film_game
        whole = film_game(config, game, seed=request.seed)
        seconds, size_bytes = film.write_gif(whole, request.gif, request.gif_seconds)
        cut = ""
        if seconds < whole.seconds:
            cut = f" of {whole.seconds:.1f} s (--gif_seconds=0 takes all)"
        print(
            f"wrote {request.gif}: game {game.number}, score {game.score:g}, {seconds:.1f} s{cut}, "
            f"{size_bytes / 1e6:.1f} MB"
        )
