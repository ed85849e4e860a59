"""The page of a run: its numbers by hand, whatever state the files are in, and in a browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree.ElementTree import Element

import browser
import numpy as np
import pytest
from written_run import write_run

from configs import PRESETS, Config
from console.errors import UserError
from evaluation.page import films
from evaluation.page.charts import evaluation_interval
from evaluation.page.commands import changed_at_resume, commands, repeat
from evaluation.page.curves import Level, Line, Points, chart
from evaluation.page.document import page, write_page
from evaluation.page.record import read_run
from evaluation.page.scale import shown, ticks

ROOT = Path(__file__).parent.parent
BOX = ROOT / "pretrained/Breakout"
# Of one picture of one pixel.
GIF = bytes.fromhex("47494638396101000100800000000000ffffff2c00000000010001000002024401003b")


def _texts(root: Element, path: str) -> list[str]:
    return [" ".join("".join(each.itertext()).split()) for each in root.findall(path)]


def _section(run: Path, name: str) -> Element:
    section = page(read_run(run)).find(f".//section[@id='{name}']")
    assert section is not None
    return section


def _run(folder: Path, **settings: object) -> Path:
    """Three rows up to iteration 300 of 400 with scores none, 10 and 30; evaluations 8, 16."""
    full = Config().replace(iterations=400, eval_games=5).to_dict()
    del full["game"], full["seed"], full["initial_collect_steps"]
    return write_run(folder, "run", **{**full, **settings})


def test_the_numbers_that_one_looks_for_first(tmp_path: Path) -> None:
    root = page(read_run(_run(tmp_path)))
    assert _texts(root, ".//h1") == ["Breakout, qr_dqn"]
    assert _texts(root, ".//header/p") == [
        "300 of 400 iterations (75%; it goes on, or was stopped), 3 minutes of work."
    ]
    assert _texts(root, ".//header//div") == [
        "best evaluation16at iteration 300, 95 %: 16 to 16",  # std 0
        "last evaluation16at iteration 300, 95 %: 16 to 16",
        "human-normalized0.50random play 0, a human 1",  # (16 - 1.7) / (30.5 - 1.7)
        "training score30mean of the last 30 games",
        "frames5,000played in training",
    ]


def test_evaluations_and_their_intervals(tmp_path: Path) -> None:
    run = _run(tmp_path)
    (run / "evaluations.csv").write_text(
        "iteration,score_mean,score_std,score_least,score_greatest,q_value_mean,return_mean\n"
        "150,8,2,5,1234,1.5,1.25\n300,7.5,0,,9,,\n"
    )
    section = _section(run, "evaluations")
    assert _texts(section, ".//thead/tr/th") == [
        *("iteration", "mean score", "std", "least", "greatest", "Q-value", "return")
    ]
    assert _texts(section, ".//tr[@class='best']/*") == [
        *("150", "8", "2", "5", "1,234", "1.5", "1.25")
    ]
    assert _texts(section, ".//tr[@class='number']/*") == ["300", "7.5", "0", "-", "9", "-", "-"]
    # An older program wrote it: the setting says 5 games, as of the last resume.
    best = _texts(page(read_run(run)), ".//header//div")[0]
    assert best == "best evaluation8at iteration 150"


def test_an_interval_is_over_the_games_that_were_played(tmp_path: Path) -> None:
    run = _run(tmp_path, eval_games=17)  # since a resume
    (run / "evaluations.csv").write_text(
        "iteration,games,score_mean,score_std\n100,1,7,0\n150,5,8,2\n200,x,8,2\n300,17,7.5,4\n"
    )
    # 2 / sqrt(5 - 1) and 4 / sqrt(17 - 1) are the standard errors, 1.96 of which are 1.96.
    low, high = evaluation_interval(read_run(run))
    np.testing.assert_allclose(low, [np.nan, 6.04, np.nan, 5.54])
    np.testing.assert_allclose(high, [np.nan, 9.96, np.nan, 9.46])
    assert _texts(page(read_run(run)), ".//header//div")[:2] == [
        "best evaluation8at iteration 150, 95 %: 6.04 to 9.96",
        "last evaluation7.5at iteration 300, 95 %: 5.54 to 9.46",
    ]
    rows = _section(run, "evaluations").findall(".//tbody/tr")
    assert [row[1].text for row in rows] == ["1", "5", "-", "17"]


def test_a_curve_by_hand() -> None:
    x, y = np.array([0.0, 50.0, 100.0, 200.0]), np.array([1.0, 2.0, np.nan, 4.0])
    none = np.full(4, np.nan)
    points = Points("b", x, y, y - 1, y + 1, none, none)
    figure = chart(
        *("Score", "of games."),
        [Line("a", x, y)],
        [points],
        [Level("near", 8.0), Level("far", 20.0)],
        minutes=(x, np.array([0.0, 1.0, 2.0, 6.0])),
    )
    # 402 by 196 from (64, 240) up; 5 on the axis of values is 8: -> 24.5 each; 200 is x 466.
    (line,) = figure.findall(".//polyline")
    assert line.get("points") == "64.0,215.5 164.5,191.0"
    dots = [(dot.get("class"), dot.get("cx"), dot.get("cy")) for dot in figure.iter("circle")]
    assert dots == [
        ("dot a", "466.0", "142.0"),  # alone between a gap and the end
        ("dot b", "64.0", "215.5"),
        ("dot b", "164.5", "191.0"),
        ("dot b", "466.0", "142.0"),
    ]
    strokes = [
        (each.get("x1"), each.get("y1"), each.get("y2"))
        for each in figure.iter("line")
        if each.get("class") == "thick b"
    ]
    assert strokes[0] == ("64.0", "240.0", "191.0")  # from 0 to 2
    (level,) = (each for each in figure.iter("line") if each.get("class") == "level c")
    assert (level.get("y1"), level.get("x2")) == ("44.0", "466.0")
    assert "far (20) is beyond this picture." in _texts(figure, "./figcaption")[0]
    texts = {text.text: text.get("x") for text in figure.iter("text")}
    assert texts["100"] == "265.0"  # iterations
    assert (texts["minutes"], texts["iterations"]) == ("265.0", "265.0")
    assert texts["6"] == "466.0"  # minutes: 2 at iteration 100, 6 at iteration 200
    spoken = figure.findtext(".//title")
    assert spoken == (
        "Score. a: 1 at iteration 0, 4 at iteration 200, from 1 to 4 in between; "
        "b: 1 at iteration 0, 4 at iteration 200, from 1 to 4 in between"
    )


def test_peaks_of_long_lines_are_drawn() -> None:
    x, y = np.arange(100_000.0), np.zeros(100_000)
    y[77_777] = 9.0
    figure = chart("Loss", "", [Line("a", x, y)], minutes=(x, x))
    (line,) = figure.findall(".//polyline")
    drawn = str(line.get("points")).split()
    assert len(drawn) <= 600
    assert sum(float(each.split(",")[1]) < 100 for each in drawn) == 1


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 80.0, [0, 20, 40, 60, 80]),
        (-21.0, 3.0, [-25, -20, -15, -10, -5, 0, 5]),
        (0.0, 0.00079, [0, 0.0002, 0.0004, 0.0006, 0.0008]),
        (0.0, 0.0, [-0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6]),
        (1e15, 1e15, [4e14, 6e14, 8e14, 1e15, 1.2e15, 1.4e15, 1.6e15]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, 5) == pytest.approx(expected)


def test_numbers_are_short() -> None:
    values = (0.0, 0.0008, 0.6000000001, 2_000, 250_000, 1.5e6, -20, 3e9)
    assert [shown(each) for each in values] == [
        *("0", "0.0008", "0.6", "2,000", "250k", "1.5M", "-20", "3G")
    ]


def test_warnings_are_shown(tmp_path: Path) -> None:
    run = _run(tmp_path)
    assert "an older program wrote this run" in _texts(_section(run, "warnings"), "p")[0]
    (run / "warnings.csv").write_text("iteration,warning\n")
    assert _texts(_section(run, "warnings"), "p") == ["None: the run has warned of nothing."]
    (run / "warnings.csv").write_text('iteration,warning\n200,"the loss rose, and how"\n')
    assert _texts(_section(run, "warnings"), ".//tbody/tr/td") == ["200", "the loss rose, and how"]


def test_commands_work_where_they_can(tmp_path: Path) -> None:
    run = _run(tmp_path, num_envs=4, double=False)
    config = read_run(run).config
    assert config is not None
    assert list(commands(read_run(run))) == ["its charts", "this page anew"]
    content = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**content, "preset": "default"}))
    (run / "checkpoints/000000300").mkdir(parents=True)
    (run / "policies/best").mkdir(parents=True)
    (run / "policies/best/saved_model.pb").touch()
    found = commands(read_run(run))
    assert found["go on with it"] == f"python train.py --logdir {run} --resume"
    assert found["play whole games"] == f"python evaluate.py --run {run}"
    assert found["train it again"] == (
        "python train.py --preset default --num_envs=4 --nodouble --initial_collect_steps=50 "
        "--iterations=400 --eval_games=5 --logdir runs/again"
    )
    assert repeat(PRESETS["grid"], "grid", "a b; rm x") == (
        "python train.py --preset grid --logdir 'a b; rm x'"
    )


def test_no_flag_is_named_that_a_small_game_refuses() -> None:
    of_an_older_program = Config(game="CartPole-v1", subtract_background=False)
    command = "python train.py --preset default --game=CartPole-v1 --logdir runs/again"
    assert repeat(of_an_older_program, "default", "runs/again") == command
    pong = Config(game="Pong", subtract_background=False)
    assert "--nosubtract_background" in repeat(pong, "default", "runs/again")


@pytest.mark.parametrize(
    ("first", "resumes", "changed"),
    [
        ("--learning_rate=0.001", [""], []),
        ("", ["--iterations=400 --eval_games 7 --learning_rate 8e-4"], []),  # as in the preset
        ("--learning_rate 0.001", ["--learning_rate=1e-3"], []),  # as experiments.run resumes
        ("--learning_rate 0.001", ["--learning_rate=0.002"], ["learning_rate"]),
        ("", ["--learning_rate=0.001", "--learning_rate=0.0008"], ["learning_rate"]),
        ("", ["-learning_rate_decay_iterations 7"], ["learning_rate_decay_iterations"]),
        ("", ["--learning_rate=x", "--learning_rate"], ["learning_rate"]),
    ],
)
def test_a_run_that_no_single_command_repeats(
    tmp_path: Path, first: str, resumes: list[str], changed: list[str]
) -> None:
    assert PRESETS["default"].learning_rate == 0.0008
    run = _run(tmp_path)
    content = json.loads((run / "config.json").read_text())
    content["preset"] = "default"
    content["sessions"] = [
        {"command": ["python", "train.py", *flags.split(), 5]} for flags in (first, *resumes)
    ]
    (run / "config.json").write_text(json.dumps(content))
    assert changed_at_resume(read_run(run)) == changed
    assert ("train it again" in commands(read_run(run))) == (not changed)
    said = _texts(_section(run, "commands"), ".//p")
    assert [f": {', '.join(changed)} changed when it was" in each for each in said] == (
        [True] if changed else []
    )


def test_settings_that_are_not_the_presets_are_marked(tmp_path: Path) -> None:
    run = _run(tmp_path, num_envs=4, colour="blue")
    content = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**content, "preset": "default"}))
    section = _section(run, "settings")
    assert _texts(section, ".//tr[@class='changed']") == [
        *("num_envs4 games", "initial_collect_steps50 agent steps"),
        *("iterations400 iterations", "eval_games5 games"),
    ]
    assert _texts(section, ".//tr[@class='plain']") == ["colourblue"]
    assert "there is no setting called 'colour'" in read_run(run).remarks[0]


_HOSTILE = "</style></title><script>alert(1)</script><img src=//x.test onerror=alert(2)>\0\ud800"


def _hostile_run(folder: Path) -> Path:
    run = _run(folder, game=_HOSTILE, agent=_HOSTILE, **{_HOSTILE: [_HOSTILE]})
    content = json.loads((run / "config.json").read_text())
    session = {"command": ["python", _HOSTILE], "machine": {_HOSTILE: _HOSTILE}, "device": _HOSTILE}
    content |= {"preset": _HOSTILE, "sessions": [session, 5]}
    (run / "config.json").write_text(json.dumps(content))
    text = _HOSTILE.replace("\ud800", "")
    (run / "warnings.csv").write_text(f"iteration,warning\n{text},{text}\n")
    (run / "evaluations.csv").write_text(f"iteration,score_mean,{text}\n150,8,{text}\n")
    return run.rename(run.with_name("<script>alert(3)<"))


def test_what_files_say_stays_text(tmp_path: Path) -> None:
    root = page(read_run(_hostile_run(tmp_path)))
    assert {each.tag for each in root.iter()} <= {
        *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "div"),
        *("h1", "h2", "h3", "p", "dl", "dt", "dd", "b", "span", "code", "figure", "figcaption"),
        *("i", "svg", "line", "polyline", "circle", "text", "table", "caption", "thead", "tbody"),
        *("tr", "th", "td"),
    }
    html = write_page(tmp_path / "<script>alert(3)<").read_bytes().decode()
    assert html.count("<script") == html.count("<img") == 0
    assert html.count("<style") == html.count("</style") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize("run", ["hostile", "of the box"])
def test_nothing_is_loaded_from_anywhere(tmp_path: Path, run: str) -> None:
    file = tmp_path / "page.html"
    if run == "hostile":
        html = write_page(_hostile_run(tmp_path), file).read_text()
    else:
        html = write_page(BOX, file).read_text()
        assert "//" not in html
        assert "@import" not in html
    attribute = r"<[^>]*\s(?:src|href|srcset|data|action|poster)=[\"']?([^\"'\s>]*)"
    loaded = re.findall(attribute, html)
    assert [each for each in loaded if not each.startswith("data:")] == []
    assert not re.findall(r"url\(", html)
    assert "default-src 'none'" in html


def test_films_are_in_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = _run(tmp_path)
    assert "--film plays some games" in _texts(_section(run, "films"), ".//p")[0]
    (run / "films").mkdir()
    (run / "films/iteration-5-score-7.gif").write_bytes(GIF)
    (run / "no-film.gif").write_text("GIF, but not one")
    (tmp_path / "secret.gif").write_bytes(GIF)
    (run / "link.gif").symlink_to(tmp_path / "secret.gif")
    (image,) = _section(run, "films").iter("img")
    assert str(image.get("src")).startswith("data:image/gif;base64,R0lGODlhAQAB")
    assert image.get("alt") == "Film of a game: iteration 5 score 7 (0.0 MB)"
    monkeypatch.setattr(films, "MOST_BYTES", len(GIF) - 1)
    assert _texts(_section(run, "films"), ".//p") == [
        "films/iteration-5-score-7.gif (0.0 MB) is too large for this page; it is beside it."
    ]


def test_a_linked_folder_of_films_is_not_in_the_page(tmp_path: Path) -> None:
    run = _run(tmp_path)
    (run / "own.gif").write_bytes(GIF)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/secret.gif").write_bytes(GIF)
    (run / "films").symlink_to(tmp_path / "secrets")
    (tmp_path / "link").symlink_to(run)
    for path in (run, tmp_path / "link"):  # who names a link to a run means it
        images = _section(path, "films").iter("img")
        assert [image.get("alt") for image in images] == ["Film of a game: own (0.0 MB)"]


def test_a_film_is_made(
    tmp_path: Path, exported_policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _run(tmp_path)
    with pytest.raises(UserError, match="has exported no policy yet"):
        films.film(run)
    (run / "policies").mkdir()
    (run / "policies/best").symlink_to(exported_policy)
    monkeypatch.setattr(films, "_GAMES", 2)
    monkeypatch.setattr(films, "_MOST_BYTES_OF_A_NEW_ONE", 12_000)
    said = films.film(run)
    (path,) = (run / "films").iterdir()
    assert re.fullmatch(r"iteration-1234-score-\d+\.gif", path.name)
    assert path.stat().st_size <= 12_000  # cut in halves until it was
    assert said.startswith(f"wrote {path}: the best of 2 games, ")
    (image,) = _section(run, "films").iter("img")
    assert str(image.get("alt")).startswith("Film of a game: iteration 1234 score ")


@pytest.mark.parametrize(
    ("name", "content", "remark"),
    [
        ("metrics.csv", None, "there is no metrics.csv"),
        ("metrics.csv", "", "metrics.csv cannot be read to its end: it is empty"),
        ("metrics.csv", "iteration,minutes\n", None),
        (
            "metrics.csv",
            "iteration,minutes\n1,2\n2,",
            None,  # a number that is not there
        ),
        (
            "metrics.csv",
            "iteration,loss\n1,2\n2\n3,4\n4,1,1\n",
            "left out of metrics.csv: 2 lines, the first of them line 3, each of which has not as "
            "many fields as the header",
        ),
        (
            "metrics.csv",
            "iteration,loss\n2,1e999\n2,nan\n1,x\n3,7e300\n",
            "left out of metrics.csv: 2 lines, the first of them line 3, each of which has no "
            "iteration that grows",
        ),
        ("metrics.csv", b"iteration\n1\n\xff\n", "metrics.csv cannot be read to its end: "),
        ("evaluations.csv", None, "there is no evaluations.csv"),
        ("evaluations.csv", "iteration,score_mean\n", None),
        ("evaluations.csv", "iteration\n5\n", None),
        ("warnings.csv", "iteration,warning\n1\n", "left out of warnings.csv: line 2 has not"),
        ("config.json", "{", "config.json is broken, so that the settings are not known: "),
        ("config.json", "[]", "config.json is broken"),
        ("config.json", "[" * 100_000, "config.json is broken"),
        ("config.json", "{}", None),
        ("config.json", '{"config": 1, "sessions": 2, "preset": 3}', None),
        ("config.json", '{"config": {"iterations": "many"}}', "iterations must be of type int"),
    ],
)
def test_a_page_says_what_is_damaged(
    tmp_path: Path, name: str, content: str | bytes | None, remark: str | None
) -> None:
    run = _run(tmp_path)
    (run / name).unlink(missing_ok=True)
    if content is not None:
        (run / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    root = page(read_run(run))
    said = _texts(root, ".//p[@class='remark']")
    assert [remark in each for each in said if remark] == [True] * len(said)
    assert bool(said) == bool(remark)
    write_page(run)


def test_pipes_and_folders_are_not_read(tmp_path: Path) -> None:
    run = _run(tmp_path)
    for name, make in (("metrics.csv", os.mkfifo), ("evaluations.csv", os.mkdir)):
        (run / name).unlink()
        make(run / name)
    assert read_run(run).remarks == [
        "metrics.csv cannot be read to its end: it is no file",
        "evaluations.csv cannot be read to its end: it is no file",
    ]


def test_a_run_that_has_just_begun_has_a_page(tmp_path: Path) -> None:
    run = _run(tmp_path)
    for name in ("metrics.csv", "evaluations.csv"):
        (run / name).write_text("iteration\n")
    root = page(read_run(run))
    assert _texts(root, ".//header/p") == ["0 of 400 iterations (0%; it goes on, or was stopped)."]
    assert set(_texts(root, ".//figure/p")) == {"No number is written down yet."}
    assert _texts(root, ".//section[@id='evaluations']/p") == ["No evaluation is written down yet."]


def test_a_run_of_policy_gradients_has_its_own_curves() -> None:
    run = ROOT / "docs/policy-gradient/lander/LunarLander-v2-seed1"
    titles = _texts(_section(run, "curves"), ".//figure/h3")
    assert titles[:5] == ["Score", "Loss", "Loss of the policy", "Loss of the values", "Entropy"]
    assert not {"Q-values", "TD error", "Epsilon"} & {*titles}
    (said,) = _texts(_section(run, "warnings"), "p")
    assert said == "python -m policy_gradient writes no warnings."


def test_other_games_have_no_reference_lines(tmp_path: Path) -> None:
    figures = _section(_run(tmp_path), "curves").findall(".//figure")
    assert "random play human tester" in _texts(figures[0], "figcaption/span")[0]
    small = write_run(tmp_path / "small", "run", game="CartPole-v1")
    figures = _section(small, "curves").findall(".//figure")
    assert "random" not in _texts(figures[0], "figcaption")[0]


def _report(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evaluation.report", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_says_where_the_page_is(tmp_path: Path) -> None:
    run = _run(tmp_path)
    result = _report(str(run))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"wrote {run / 'report.html'}\n"
    assert (run / "report.html").read_bytes() == write_page(run, tmp_path / "b.html").read_bytes()
    result = _report(str(tmp_path), "--film")
    assert result.returncode == 2
    assert result.stderr == (
        f"error: there is no run in {tmp_path}: it has no config.json; name a run's folder\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.html", "run"]
    result = _report("x" * 5_000)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)


def test_what_is_no_run_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no run's folder .*; name one that exists"):
        read_run(tmp_path / "none")
    with pytest.raises(UserError, match=r"it has no config\.json"):
        read_run(tmp_path)


@pytest.mark.skipif(browser.PROGRAM is None, reason=browser.WHY_SKIPPED)
def test_browsers_show_it_whole(tmp_path: Path) -> None:
    run = _hostile_run(tmp_path)
    (run / "play.gif").write_bytes(GIF)
    url = write_page(run, tmp_path / "page.html").as_uri()
    with browser.opened(url, (390, 800)) as page:
        assert page.errors == []
        assert page.evaluate("document.documentElement.scrollWidth") == 390  # no wider than a phone
        assert page.evaluate("document.scripts.length") == 0
        assert page.evaluate("document.images.length") == 1
        assert page.evaluate("document.images[0].naturalWidth") == 1
        text = page.text()
        assert "<script>alert(1)</script>" in text
        assert "300 of 400 iterations" in text
        paper = "getComputedStyle(document.body).backgroundColor"
        assert page.evaluate(paper) == "rgb(255, 255, 255)"
        heights = "all('svg').map(each => each.getBoundingClientRect().height)"
        assert min(page.evaluate(heights)) > 150
