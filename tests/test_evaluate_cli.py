"""evaluate.py from its command line to its files, and every mistake a user can make with it."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from true_program import finish, start

from console.errors import UserError
from evaluation import answer, request


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["--random", "--game=Braekout"],
            "there is no game called 'Braekout'; the nearest names are Breakout, SirLancelot",
        ),
        (["--games=0"], "--games must be from 1 to 10,000, but is 0"),
        (["--games=-3"], "--games must be from 1 to 10,000, but is -3"),
        (["--epsilon=1.5"], "--epsilon must be from 0 to 1, but is 1.5"),
        (["--epsilon=nan"], "--epsilon must be from 0 to 1, but is nan"),
        (["--seed=-1"], "--seed must be from 0 to 2,147,483,647, but is -1"),
        (["--gif=play.mp4"], "--gif play.mp4: the name of a film must end in .gif"),
        (
            ["--film=play.avi"],
            "--film play.avi: the name of a film must end in .gif, .mp4 or .webp",
        ),
        (["--film=none/a.mp4"], "--film none/a.mp4: there is no folder none; make it first"),
        (
            ["--film_style=explained"],
            "--film_style=explained is about a film; name its file with --film",
        ),
        (
            ["--film_style=explained", "--film=a.mp4", "--random"],
            "a random agent has no Q-values to explain; leave out --film_style",
        ),
        (
            ["--film_style=grand"],
            "flag --film_style=grand: value should be one of <plain|explained>; --help lists the "
            "flags",
        ),
        (
            ["--watch", "--gif=a.gif"],
            "--watch is a window only; leave out --gif, --film, --json and --compare",
        ),
        (["--compare=a,b"], "--compare makes a film; name its file with --film"),
        (
            ["--compare=a", "--film=a.mp4"],
            "--compare takes 2 to 6 players, with commas between, but has 1",
        ),
        (
            ["--compare=a,b", "--film=a.mp4", "--policy=c"],
            "--compare names its players itself; leave out --run, --policy, --random, --pretrained",
        ),
        (
            ["--compare=a,b", "--film=a.mp4", "--json=c"],
            "--compare makes a plain film only; leave out --film_style and --json",
        ),
        (
            ["--compare=random,none", "--film=a.mp4"],
            "there is no run's folder none; name one that exists",
        ),
        (["--gif=none/play.gif"], "--gif none/play.gif: there is no folder none; make it first"),
        (["--json=."], "--json . is a folder; name a file in it"),
        (
            [f"--json={'x' * 300}"],
            f"--json {'x' * 300} cannot be written (File name too long); name another file",
        ),
        (
            ["--gif=a.gif", "--games=3", "--film_game=4"],
            "--film_game must be from 1 to 3, but is 4",
        ),
        (["--gif=a.gif", "--film_game=0"], "--film_game must be from 1 to 30, but is 0"),
        (["--film_life_above=9"], "--film_life_above is about a film; name its file with --film"),
        (
            ["--film_life_above=9", "--film=a.mp4", "--film_game=2"],
            "--film_life_above chooses the game itself, for a plain film; leave out --film_game, "
            "--compare and --film_style",
        ),
        (["--film_game=1"], "--film_game chooses the game of a film; name its file with --film"),
        (
            ["--gif=a.gif", "--film_seconds=-1"],
            "--film_seconds must be 0 (whole game) or more, not -1.0",
        ),
        (["--random", "--run=a"], "--random plays without a policy; leave out --run and --policy"),
        (["--random", "--epsilon=0.1"], "--random means epsilon 1; leave out --epsilon"),
        (
            ["--game=Pong"],
            "--game goes with --random or --pretrained; a policy plays the game it was trained on",
        ),
        (
            ["--pretrained", "--policy=a"],
            "--pretrained is a policy already; leave out --run and --policy",
        ),
        (
            ["--pretrained", "--random"],
            "--random plays without a policy; leave out --pretrained",
        ),
        (["--run=none"], "there is no run's folder none; name one that exists"),
        (
            ["--run=."],
            "the run . has exported no policy yet (neither policies/best nor policies/last); "
            "train it further, or name another run",
        ),
        (["--policy=none"], "there is no policy's folder none; python train.py trains one"),
        (
            ["--policy=."],
            "there is no policy in the folder . (saved_model.pb); python train.py trains one",
        ),
        (
            [],
            "no run in the folder runs has a policy; python train.py trains one, and --run or "
            "--policy name one elsewhere",
        ),
        (["--gifs=a.gif"], "there is no flag --gifs; did you mean --gif?"),
        (["breakout.gif"], "the argument 'breakout.gif' is no flag; flags look like --name=value"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: list[str], error: str) -> None:
    assert finish(start("evaluate.py", tmp_path, *arguments)) == (2, "", f"error: {error}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--help"], ["--policy=none"], ["--games=0"]])
def test_what_needs_no_library_imports_none(tmp_path: Path, arguments: list[str]) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "importtime",
            str(Path(__file__).parents[1] / "evaluate.py"),
            *arguments,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    imported = {
        line.split("|")[-1].strip().split(".")[0]
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "absl" in imported
    assert imported.isdisjoint({"numpy", "tensorflow", "tf_agents", "gym", "cv2", "PIL", "ale_py"})


def test_help_shows_all_flags(tmp_path: Path) -> None:
    status, stdout, stderr = finish(start("evaluate.py", tmp_path, "--help"))
    assert (status, stderr) == (0, "")
    for field in dataclasses.fields(request.Request):
        name = f"[no]{field.name}" if str(field.type) == "bool" else field.name
        assert f"  --{name} " in stdout


@pytest.fixture(scope="module")
def long_ones(
    tmp_path_factory: pytest.TempPathFactory,
    exported_policy: Path,
) -> Iterator[tuple[Path, subprocess.Popen[str], subprocess.Popen[str]]]:
    """A folder with a run and a broken policy, and the processes that play them, side by side."""
    folder = tmp_path_factory.mktemp("long_ones")
    shutil.copytree(exported_policy, folder / "runs" / "mine" / "policies" / "best")
    shutil.copytree(exported_policy, folder / "broken")
    (folder / "broken" / "variables" / "variables.index").write_bytes(b"torn")
    plays = start(
        "evaluate.py",
        folder,
        *["--games=3", "--epsilon=0.3", "--gif=play.gif", "--film_game=2", "--json=scores.json"],
    )
    breaks = start("evaluate.py", folder, "--policy=broken")
    yield folder, plays, breaks
    for process in (plays, breaks):
        process.kill()
        process.wait()


def test_the_newest_runs_policy_plays_and_is_filmed(
    long_ones: tuple[Path, subprocess.Popen[str], subprocess.Popen[str]],
) -> None:
    folder, plays, _ = long_ones
    status, stdout, stderr = finish(plays)
    assert (status, stderr) == (0, "")
    values = json.loads((folder / "scores.json").read_text())
    lines = stdout.splitlines()
    assert lines[0].split() == ["game", "Breakout"]
    assert "policy              runs/mine/policies/best (iteration 1,234)" in lines
    assert f"protocol            {values['protocol']}" in lines
    assert values["policy"] == "runs/mine/policies/best"
    assert (values["epsilon"], values["seed"], len(values["scores"])) == (0.3, 1, 3)
    assert values["protocol"].startswith("3 whole games, epsilon 0.3, ")
    assert lines[-2] == "wrote scores.json"
    written = rf"wrote play.gif: game 2, score {values['scores'][1]:g}, (\d+\.\d) s, \d\.\d MB"
    match = re.fullmatch(written, lines[-1])
    assert match is not None
    assert _is_length(float(match[1]), values["frames"][1])
    with Image.open(folder / "play.gif") as image:
        assert image.size == (160, 210)
    names = {path.name for path in folder.iterdir()}
    assert names == {"broken", "runs", "play.gif", "scores.json"}


def test_a_broken_saved_model_is_one_line(
    long_ones: tuple[Path, subprocess.Popen[str], subprocess.Popen[str]],
) -> None:
    status, stdout, stderr = finish(long_ones[2])
    assert (status, stdout) == (2, "")
    assert stderr.startswith("error: the policy in broken cannot be loaded (")
    assert stderr.endswith("); copy or export it again\n")
    assert stderr.count("\n") == 1


def test_an_old_export_is_not_explained(tmp_path: Path, old_exported_policy: Path) -> None:
    film = tmp_path / "play.mp4"
    with pytest.raises(UserError, match=r"without its Q-values.* --resume exports its run again$"):
        answer.answer(
            _request(
                random=False,
                policy=str(old_exported_policy),
                film=str(film),
                film_style="explained",
            )
        )
    assert not film.exists()


def test_players_of_two_games_are_not_compared(tmp_path: Path, exported_policy: Path) -> None:
    with pytest.raises(UserError, match=r"players of one game, but there are Pong, Breakout$"):
        answer.answer(
            _request(
                random=False,
                game="Pong",
                compare=["random", str(exported_policy)],
                film=str(tmp_path / "a.mp4"),
            )
        )


def test_one_game_explained_and_compared(
    tmp_path: Path, exported_policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "mine"
    shutil.copytree(exported_policy, run / "policies" / "last")
    film, gif = str(tmp_path / "play.mp4"), str(tmp_path / "play.gif")
    plain = {"random": False, "seed": 1, "film_seconds": 1.0}
    explained = {"film": film, "gif": gif, "film_style": "explained", "games": 1}
    answer.answer(_request(**plain, **explained, run=str(run)))
    lines = capsys.readouterr().out.splitlines()
    for line, path in zip(lines[-2:], (gif, film), strict=True):
        pattern = r": game 1, score \d+, 1\.0 s of \d+\.\d s \(--film_seconds=0 takes all\), "
        assert re.match(f"wrote {re.escape(path)}{pattern}", line)
    with Image.open(gif) as image:
        assert image.size == (752, 480)
    answer.answer(_request(**plain, film=gif, compare=["random", str(run)]))
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r"\d+$", "0", line) for line in lines[:2]] == [
        "random: score 0",
        f"{run}: score 0",
    ]
    assert lines[2].startswith(f"wrote {gif}: game 1 of each, 1.0 s of ")
    with Image.open(gif) as image:
        assert image.size == (16 + 2 * 336, 60 + 420 + 16)


def test_without_a_screen_no_game_is_watched(tmp_path: Path) -> None:
    program = start("evaluate.py", tmp_path, "--watch", "--random", "--game=Breakout")
    status, output, errors = finish(program)
    assert status == 2
    assert re.fullmatch(r"error: no window can be opened here \(.*--film\n", errors), output


def _is_length(seconds: float, frames: int) -> bool:
    """Whether a film of `seconds` is that of a game, up to 30 frames of NOOP at its start apart."""
    return (frames - 30) / 60 - 0.1 < seconds < frames / 60 + 0.1


def _request(**values: Any) -> request.Request:
    nothing: dict[str, Any] = dict.fromkeys(
        [
            "run",
            "policy",
            "epsilon",
            "game",
            "gif",
            "film",
            "film_game",
            "film_life_above",
            "compare",
            "json",
        ]
    )
    flags = {"random": True, "pretrained": False, "watch": False, "saliency": True}
    plain = {**nothing, **flags, "film_style": "plain", "film_seconds": 60.0, "games": 2, "seed": 4}
    return request.Request(**{**plain, **values})


def test_a_random_agent_plays_its_best_game_on_film(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gif, scores = tmp_path / "play.gif", tmp_path / "scores.json"
    for seed in range(5, 15):
        answer.answer(
            _request(gif=str(gif), json=str(scores), film_seconds=2.0, games=3, seed=seed)
        )
        values = json.loads(scores.read_text())
        best = max(range(3), key=lambda index: values["scores"][index])
        if best != 0:  # the first game would be no proof
            break
    assert best != 0
    assert (values["game"], values["policy"], values["epsilon"]) == ("Breakout", "random", 1.0)
    written = capsys.readouterr().out.splitlines()[-1]
    match = re.fullmatch(
        rf"wrote {re.escape(str(gif))}: game {best + 1}, score {values['scores'][best]:g}, "
        r"2\.0 s of (\d+\.\d) s \(--film_seconds=0 takes all\), \d\.\d MB",
        written,
    )
    assert match is not None
    assert _is_length(float(match[1]), values["frames"][best])
    with Image.open(gif) as image:
        assert image.n_frames <= 60
