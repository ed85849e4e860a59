"""What a user asks of evaluate.py, checked before any long work."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from console.errors import UserError
from evaluation.files import check_writable

DEFAULT_EPSILON = 0.001
DEFAULT_GAME = "Breakout"
MAX_GAMES = 10_000
MAX_SEED = 2**31 - 1
GIF_ENDING = ".gif"
FILM_ENDINGS = (".gif", ".mp4", ".webp")
PLAIN, EXPLAINED = FILM_STYLES = ("plain", "explained")
RANDOM = "random"  # the random player, among those that are compared
MAX_COMPARED = 6


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
    film: str | None
    film_style: str
    saliency: bool
    film_game: int | None
    film_life_above: float | None
    film_seconds: float
    compare: list[str] | None
    watch: bool
    json: str | None

    @property
    def films(self) -> list[str]:
        """The files of films that are asked for."""
        return [path for path in (self.gif, self.film) if path is not None]


def check(request: Request) -> None:
    """Raise UserError, one sentence, if something that is asked for makes no sense."""
    _check_numbers(request)
    _check_players(request)
    _check_films(request)
    _check_life(request)
    _check_files(request)


def _check_numbers(request: Request) -> None:
    _check_range("--games", request.games, 1, MAX_GAMES)
    _check_range("--seed", request.seed, 0, MAX_SEED)
    if request.epsilon is not None:
        _check_range("--epsilon", request.epsilon, 0, 1)
    if not 0 <= request.film_seconds < float("inf"):
        raise UserError(
            f"--film_seconds must be 0 (whole game) or more, not {request.film_seconds}"
        )
    if request.film_game is not None:
        _check_range("--film_game", request.film_game, 1, request.games)


def _check_players(request: Request) -> None:
    if request.random and (request.run is not None or request.policy is not None):
        raise UserError("--random plays without a policy; leave out --run and --policy")
    if request.pretrained and (request.run is not None or request.policy is not None):
        raise UserError("--pretrained is a policy already; leave out --run and --policy")
    if request.random and request.pretrained:
        raise UserError("--random plays without a policy; leave out --pretrained")
    if request.random and request.epsilon is not None:
        raise UserError("--random means epsilon 1; leave out --epsilon")
    takes_game = request.random or request.pretrained or request.compare is not None
    if not takes_game and request.game is not None:
        raise UserError(
            "--game goes with --random or --pretrained; a policy plays the game it was trained on"
        )


def _check_films(request: Request) -> None:
    if request.watch and (request.films or request.json or request.compare):
        raise UserError("--watch is a window only; leave out --gif, --film, --json and --compare")
    if request.film_game is not None and not request.films:
        raise UserError("--film_game chooses the game of a film; name its file with --film")
    if request.film_style == EXPLAINED:
        if not request.films:
            raise UserError("--film_style=explained is about a film; name its file with --film")
        if request.random:
            raise UserError("a random agent has no Q-values to explain; leave out --film_style")
    if request.compare is None:
        return
    if not request.films:
        raise UserError("--compare makes a film; name its file with --film")
    if not 2 <= len(request.compare) <= MAX_COMPARED:
        raise UserError(
            f"--compare takes 2 to {MAX_COMPARED} players, with commas between, but has "
            f"{len(request.compare)}"
        )
    if request.run or request.policy or request.random or request.pretrained:
        raise UserError(
            "--compare names its players itself; leave out --run, --policy, --random, --pretrained"
        )
    if request.film_style == EXPLAINED or request.json:
        raise UserError("--compare makes a plain film only; leave out --film_style and --json")


def _check_life(request: Request) -> None:
    if request.film_life_above is None:
        return
    if not request.films:
        raise UserError("--film_life_above is about a film; name its file with --film")
    if request.film_game is not None or request.compare or request.film_style == EXPLAINED:
        raise UserError(
            "--film_life_above chooses the game itself, for a plain film; leave out --film_game, "
            "--compare and --film_style"
        )


def _check_range(flag: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also where value is not a number
        raise UserError(f"{flag} must be from {low:,} to {high:,}, but is {value:,}")


def _check_files(request: Request) -> None:
    for flag, path, endings in (
        ("--gif", request.gif, (GIF_ENDING,)),
        ("--film", request.film, FILM_ENDINGS),
    ):
        if path is None:
            continue
        if Path(path).suffix.lower() not in endings:
            names = " or ".join(filter(None, (", ".join(endings[:-1]), endings[-1])))
            raise UserError(f"{flag} {path}: the name of a film must end in {names}")
        check_writable(Path(path), flag)
    if request.json is not None:
        check_writable(Path(request.json), "--json")
