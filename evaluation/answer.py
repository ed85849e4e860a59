"""What a user asks of evaluate.py is done: games, their report, films, a window."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from configs import Config
from configs.games import is_atari
from configs.programs import POLICY_GRADIENT, program_of
from console.errors import UserError
from evaluation import policies
from evaluation.files import replaced_file
from evaluation.request import (
    DEFAULT_EPSILON,
    DEFAULT_GAME,
    EXPLAINED,
    RANDOM,
    Request,
    check,
)


def answer(request: Request) -> None:
    """Play what is asked for; print a report and write the files, or open a window.

    Raises:
      UserError: one sentence, before any long work, if something cannot be done.
    """
    check(request)
    if request.compare is not None:
        with _in_room():
            _compare(request, request.compare)
        return
    folder = _policy_folder(request)
    card = None if folder is None else policies.read_card(folder)
    config = Config(game=request.game or DEFAULT_GAME) if card is None else card.config
    check_game(config.game)
    if (request.watch or request.film_style == EXPLAINED) and not is_atari(config.game):
        raise UserError(
            f"--watch and --film_style=explained are for Atari games, and {config.game} is none; "
            "leave them out"
        )
    if request.film_style == EXPLAINED and program_of(config.to_dict()) is POLICY_GRADIENT:
        raise UserError(
            f"an explained film shows Q-values, and {config.agent} has none; leave out --film_style"
        )
    if request.film_life_above is not None and not is_atari(config.game):
        raise UserError(f"--film_life_above is for Atari games, and {config.game} is none")
    if request.watch:
        _watch(request, config, card)
    else:
        with _in_room():
            _play(request, config, card)


@contextlib.contextmanager
def _in_room() -> Iterator[None]:
    """Turn a full disk into a sentence; what stood in place of the file is still there."""
    try:
        yield
    except OSError as error:
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


def check_game(game: str) -> None:
    """Raise UserError if there is no such game, or it cannot be played here."""
    from envs import games  # half a second, for gym

    try:
        games.check(game)
    except ValueError as error:
        raise UserError(str(error)) from None


def _play(request: Request, config: Config, card: policies.PolicyCard | None) -> None:
    """Play, print, write; here TensorFlow is imported."""
    from tqdm import tqdm

    from evaluation.filming import write_films, write_life
    from evaluation.lives import first_life_above
    from evaluation.score_report import RANDOM_PLAYER, Report, best_game
    from evaluation.watch import play_games

    policy = None if card is None else policies.load_policy(card.folder)
    if request.film_style == EXPLAINED and policy is not None and policy.q_values is None:
        raise UserError(
            f"the policy in {policy.card.folder} was exported without its Q-values, which an "
            "explained film shows; python train.py --resume exports its run again"
        )
    epsilon = _epsilon(request, card)
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
    if request.film_life_above is not None:
        life = first_life_above(games, request.film_life_above)
        write_life(
            request.films, config, life, seed=request.seed, seconds_limit=request.film_seconds
        )
    elif request.films:
        game = games[(request.film_game or best_game(report.scores)) - 1]
        write_films(
            request.films,
            config,
            game,
            policy=policy if request.film_style == EXPLAINED else None,
            seed=request.seed,
            with_saliency=request.saliency,
            seconds_limit=request.film_seconds,
        )


def _epsilon(request: Request, card: policies.PolicyCard | None) -> float:
    if card is None:
        return 1.0
    return DEFAULT_EPSILON if request.epsilon is None else request.epsilon


def _watch(request: Request, config: Config, card: policies.PolicyCard | None) -> None:
    from evaluation.live import play_in_window

    policy = None if card is None else policies.load_policy(card.folder)
    player = "random play" if card is None else f"iteration {card.iteration:,}"
    play_in_window(
        config,
        policy,
        games=request.games,
        epsilon=_epsilon(request, card),
        seed=request.seed,
        title=f"{config.game} - {player}",
        on_game=lambda game: print(f"a game ended with score {game.score:g}", flush=True),
    )


def _compare(request: Request, names: list[str]) -> None:
    cards = [
        None if name == RANDOM else policies.read_card(policies.find_either(name)) for name in names
    ]
    games = [card.config.game for card in cards if card is not None]
    game = request.game or (games[0] if games else DEFAULT_GAME)
    check_game(game)
    if not is_atari(game):
        raise UserError(f"--compare is for Atari games, and {game} is none; film one player")
    others = sorted({other for other in games if other != game})
    if others:
        raise UserError(
            f"--compare wants players of one game, but there are {', '.join([game, *others])}"
        )
    from evaluation.filming import write_comparison

    write_comparison(
        request.films,
        [(name, card, _epsilon(request, card)) for name, card in zip(names, cards, strict=True)],
        game=game,
        number=request.film_game or 1,
        seed=request.seed,
        seconds_limit=request.film_seconds,
    )
