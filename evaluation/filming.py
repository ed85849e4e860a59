"""Films from the games of an evaluation to their files, with a line on what was written."""

from __future__ import annotations

from collections.abc import Sequence

from tqdm import tqdm

from configs import Config
from configs.games import is_atari
from evaluation import small_film
from evaluation.compare import comparison, contender
from evaluation.explained import explained_film
from evaluation.film import Film, film_game
from evaluation.formats import write_film
from evaluation.lives import Life, film_life
from evaluation.policies import ExportedPolicy, PolicyCard, load_policy
from evaluation.watch import PlayedGame, play_games


def write_films(
    paths: Sequence[str],
    config: Config,
    game: PlayedGame,
    *,
    policy: ExportedPolicy | None,
    seed: int,
    with_saliency: bool,
    seconds_limit: float,
) -> None:
    """Film `game` and write the film to each of `paths`.

    Args:
      paths: files, whose endings are formats.
      config: that of `play_games`.
      game: one that `play_games` returned.
      policy: explains its decisions, and has Q-values; None: a plain film.
      seed: that of `play_games`.
      with_saliency: whether an explanation has a heat map.
      seconds_limit: the film is cut off here; 0: never.

    Raises:
      FilmError: as `film_game`.
    """
    if policy is None or policy.q_values is None:
        film = film_of(config, game, seed=seed)
        whole_sec = film.seconds
    else:
        with tqdm(total=game.agent_steps, unit="step", leave=False, disable=None) as bar:
            film, whole_sec = explained_film(
                config,
                game,
                seed=seed,
                q_values=policy.q_values,
                title=f"{config.game}, iteration {policy.iteration:,}",
                with_saliency=with_saliency,
                seconds_limit=seconds_limit,
                on_decision=bar.update,
            )
    _write(paths, film, f"game {game.number}, score {game.score:g}", seconds_limit, whole_sec)


def film_of(config: Config, game: PlayedGame, *, seed: int) -> Film:
    """Film `game` plainly, one of `play_games` with this config and seed.

    Raises:
      FilmError: as `film_game`.
    """
    if is_atari(config.game):
        return film_game(config, game, seed=seed)
    return small_film.film_game(config, game, seed=seed)


def write_life(
    paths: Sequence[str], config: Config, life: Life, *, seed: int, seconds_limit: float
) -> None:
    """Film a life and write the film to each of `paths`.

    Args:
      paths: files, whose endings are formats.
      config: that of `play_games`.
      life: of a game that it returned.
      seed: that of `play_games`.
      seconds_limit: the film is cut off here; 0: never.

    Raises:
      FilmError: as `film_game`.
    """
    film = film_life(config, life, seed=seed)
    what = f"life {life.number} of game {life.game.number}, score {life.score:g}"
    _write(paths, film, what, seconds_limit, film.seconds)


def write_comparison(
    paths: Sequence[str],
    players: Sequence[tuple[str, PolicyCard | None, float]],
    *,
    game: str,
    number: int,
    seed: int,
    seconds_limit: float,
) -> None:
    """Let each player play up to game `number` of the seed, and film that game of all.

    Args:
      paths: files, whose endings are formats.
      players: name, export (None: random play) and epsilon of each.
      game: that random play is of.
      number: of the game, from 1.
      seed: of the evaluation.
      seconds_limit: the film is cut off here; 0: never.
    """
    # Random play starts its games as the first policy does.
    configs = [card.config for _, card, _ in players if card is not None]
    shared = configs[0] if configs else Config(game=game)
    contenders = []
    for name, card, epsilon in players:
        config = shared if card is None else card.config
        policy = None if card is None else load_policy(card.folder)
        played = play_games(config, policy, games=number, epsilon=epsilon, seed=seed)[number - 1]
        detail = "" if card is None else f"iteration {card.iteration:,}"
        print(f"{name}: score {played.score:g}", flush=True)
        contenders.append(contender(config, played, seed=seed, name=name, detail=detail))
    film = comparison(contenders, seconds_limit)
    whole_sec = max(each.film.seconds for each in contenders)
    _write(paths, film, f"game {number} of each", seconds_limit, whole_sec)


def _write(
    paths: Sequence[str], film: Film, what: str, seconds_limit: float, whole_sec: float
) -> None:
    for path in paths:
        seconds, size_bytes = write_film(film, path, seconds_limit)
        cut = ""
        if seconds < whole_sec:
            cut = f" of {whole_sec:.1f} s (--film_seconds=0 takes all)"
        print(f"wrote {path}: {what}, {seconds:.1f} s{cut}, {size_bytes / 1e6:.1f} MB")
