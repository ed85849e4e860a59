"""The films in a run's folder, as a page carries them in itself; and one that is made for it."""

from __future__ import annotations

import base64
from pathlib import Path

from evaluation.page.elements import Element, element

FOLDER = "films"
"""Below a run's folder; films that lie in the folder itself are shown, too."""

MOST_BYTES = 3_300_000
"""Of all films of a page: written as text they take a third more, and a page less than 5 MB."""

_GAMES = 10  # of which the best is filmed
_EPSILON = 0.001
_SEED = 1
_SECONDS = 20.0
_MOST_BYTES_OF_A_NEW_ONE = 2_000_000

# By ending: the first bytes, from which place on, and the type.
_KINDS = {
    ".gif": (b"GIF8", 0, "image/gif"),
    ".webp": (b"WEBP", 8, "image/webp"),
    ".mp4": (b"ftyp", 4, "video/mp4"),
}


def figures(run: Path) -> list[Element]:
    """Return the films of a run, newest first, and a sentence on those that are too large."""
    made, left = [], MOST_BYTES
    for path in _films(run):
        try:
            size_bytes = path.stat().st_size
            if size_bytes > left:
                made.append(_too_large(path.relative_to(run), size_bytes))
                continue
            content = path.read_bytes()
        except OSError:
            continue  # it has gone, or is not for us to read
        mark, place, kind = _KINDS[path.suffix.lower()]
        if content[place : place + len(mark)] == mark:
            left -= size_bytes
            made.append(_figure(path.relative_to(run), content, kind))
    return made


def film(run: Path) -> str:
    """Play some games with the run's policy, film the best, and say so; TensorFlow is needed.

    This executes what is in the exported policy: docs/reliability.md.

    Raises:
      UserError: if the run has no policy that can be played, or not this game.
      OSError: if the film cannot be written.
    """
    from evaluation.answer import check_game
    from evaluation.filming import film_of
    from evaluation.formats import write_film
    from evaluation.policies import find_policy, load_policy, read_card
    from evaluation.watch import play_games

    folder = find_policy(run=run)
    check_game(read_card(folder).config.game)
    policy = load_policy(folder)
    games = play_games(policy.config, policy, games=_GAMES, epsilon=_EPSILON, seed=_SEED)
    best = max(games, key=lambda game: game.score)
    path = run / FOLDER / f"iteration-{policy.iteration}-score-{best.score:g}.gif"
    path.parent.mkdir(exist_ok=True)
    pictures = film_of(policy.config, best, seed=_SEED)
    seconds = _SECONDS
    seconds, size_bytes = write_film(pictures, path, seconds)
    while size_bytes > _MOST_BYTES_OF_A_NEW_ONE:
        seconds, size_bytes = write_film(pictures, path, seconds / 2)
    return f"wrote {path}: the best of {_GAMES} games, {seconds:.1f} s, {size_bytes / 1e6:.1f} MB"


def _films(run: Path) -> list[Path]:
    found = [
        path
        # A link could lead to files that their owner would not show around. The run's folder is the
        # one that was asked for, whatever leads to it.
        for folder in (run, run / FOLDER)
        if folder.is_dir() and (folder == run or not folder.is_symlink())
        for path in folder.iterdir()
        if path.suffix.lower() in _KINDS and path.is_file() and not path.is_symlink()
    ]
    return sorted(found, key=lambda path: (-path.stat().st_mtime_ns, path.name))


def _figure(name: Path, content: bytes, kind: str) -> Element:
    data = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    told = f"{name.stem.replace('-', ' ')} ({len(content) / 1e6:.1f} MB)"
    if kind.startswith("video"):
        picture = element("video", src=data, controls="", loop="", muted="", aria_label=told)
    else:
        picture = element("img", src=data, alt=f"Film of a game: {told}")
    return element("figure", picture, element("figcaption", told))


def _too_large(name: Path, size_bytes: int) -> Element:
    told = f"{name} ({size_bytes / 1e6:.1f} MB) is too large for this page; it is beside it."
    return element("p", told, class_="nothing")
