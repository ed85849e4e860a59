"""Explained and comparing films: what they show, by scripted Q-values."""

from __future__ import annotations

import itertools
import zlib

import numpy as np
import pytest

from configs import Config
from envs.ale import action_meanings
from evaluation.compare import Contender, comparison
from evaluation.explained import explained_film
from evaluation.film import Film, Step, film_game
from evaluation.panel import Decision, Panel, font, shortened
from evaluation.saliency import GRID, saliency
from evaluation.watch import play_games


def _left_and_right(observation: np.ndarray) -> np.ndarray:
    """Return Q-values of two actions: the mean of the left half, and twice that of the right."""
    pixels = observation.astype(np.float64)
    return np.stack(
        [pixels[:, :, :42].mean((1, 2, 3)), 2 * pixels[:, :, 42:].mean((1, 2, 3))], axis=1
    )


class TestSaliency:
    def test_is_where_a_dot_is_that_the_decision_depends_on(self) -> None:
        # A dot across the middle: a blur moves its light from one half to the other.
        observation = np.zeros((84, 84, 4), np.uint8)
        observation[20:22, 40:42] = 255
        heat = saliency(_left_and_right, observation)
        assert heat.shape == (GRID, GRID)
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        assert row == 20 // 6
        assert column in {39 // 6, 42 // 6}
        assert heat[10:].max() < heat.max() / 1_000

    def test_agrees_with_the_slow_truth_at_one_place(self) -> None:
        import cv2

        observation = np.random.default_rng(1).integers(0, 256, (84, 84, 4), np.uint8)
        blurred = cv2.GaussianBlur(observation.astype(np.float32), (0, 0), 3.0)
        changed = observation.astype(np.float64)
        for y in range(84):
            for x in range(84):
                # Place 2, 5 is around pixel border 15, 33.
                distance = (y + 0.5 - 15) ** 2 + (x + 0.5 - 33) ** 2
                share = np.exp(-distance / (2 * 5.0**2))
                changed[y, x] = share * blurred[y, x] + (1 - share) * changed[y, x]
        before, after = _left_and_right(np.stack([observation, np.rint(changed)]))
        moved = (after - after.mean()) - (before - before.mean())
        expected = np.sqrt((moved**2).sum())
        assert saliency(_left_and_right, observation)[2, 5] == pytest.approx(expected, abs=1e-3)

    def test_what_moves_all_q_values_alike_is_no_decision(self) -> None:
        observation = np.random.default_rng(1).integers(0, 256, (84, 84, 4), np.uint8)
        alike = saliency(lambda o: np.repeat(o.mean((1, 2, 3))[:, None], 3, axis=1), observation)
        np.testing.assert_allclose(alike, 0, atol=1e-9)


def test_a_step_has_its_first_picture_and_what_came_of_it() -> None:
    config = Config(max_agent_steps_per_game=50)
    played = play_games(config, None, games=11, epsilon=1.0, seed=7)[-1]  # the second of its slot
    steps: list[Step] = []
    film = film_game(config, played, seed=7, on_step=steps.append)
    assert bytes(step.action for step in steps) == played.actions
    assert steps[-1].score == played.score
    # FIRE begins the game: four frames, two pictures; then each step has two, and FIRE after a
    # lost life two more.
    assert steps[0].picture == 2
    lost = [before.lives > after.lives for before, after in itertools.pairwise(steps)]
    assert any(lost)
    gaps = np.diff([step.picture for step in steps] + [len(film)])
    assert gaps[0] == 2
    np.testing.assert_array_equal(gaps[1:], 2 + 2 * np.array(lost))


def test_an_explained_film_has_the_game_and_its_time() -> None:
    config = Config(max_agent_steps_per_game=40)
    (played,) = play_games(config, None, games=1, epsilon=1.0, seed=5)
    plain = film_game(config, played, seed=5)
    seen: list[np.ndarray] = []

    def q_values(observation: np.ndarray) -> np.ndarray:
        seen.append(observation[0])  # asked in a full batch
        return observation[:, ::21, 0, 0].astype(np.float32)  # four numbers

    film, whole_sec = explained_film(
        config,
        played,
        seed=5,
        q_values=q_values,
        title="Breakout",
        with_saliency=False,
        seconds_limit=1.0,
    )
    assert (len(film), whole_sec) == (30, plain.seconds)
    assert len(seen) == 14  # those of the first 30 pictures, two each, behind FIRE
    pictures = [p for p, repeats in film.rgb_pictures() for _ in range(repeats)]
    games = [p for p, repeats in plain.rgb_pictures(30) for _ in range(repeats)]
    for picture, game in zip(pictures, games, strict=True):
        np.testing.assert_array_equal(picture[44:464:2, 16:336:2], game)
    # The newest frame that the network saw, at its place, from the third picture on.
    for number in (4, 17, 29):
        newest = seen[(number - 2) // 2][..., -1]
        np.testing.assert_array_equal(pictures[number][64:148, 652:736, 0], newest)


def _decision(number: int, q_values: list[float], action: int, heat: bool = True) -> Decision:
    frames = np.full((84, 84, 4), 40, np.uint8)
    values = np.array(q_values, np.float32)
    warm = np.zeros((GRID, GRID), np.float32)
    warm[3, 4] = 2.0
    return Decision(
        picture=2 * number,
        packed_frames=zlib.compress(frames.tobytes()),
        action=action,
        score=7.0,
        lives=3,
        q_values=values,
        heat=warm if heat else None,
    )


_PLAYED = (248, 160, 48)


@pytest.mark.parametrize("heat", [True, False])
def test_bars_are_as_long_as_q_values_are_above_the_least(heat: bool) -> None:
    decisions = [_decision(n, [1.0, 5.0, 3.0, 1.0], action=2, heat=heat) for n in range(3)]
    panel = Panel("a game", action_meanings("Breakout"), decisions, (210, 160))
    picture = panel.draw(1)
    # Rows of 32 pixels below 178; in the middle of a bar, how many pixels have which color.
    played = [(picture[178 + 32 * n + 8] == _PLAYED).all(-1).sum() for n in range(4)]
    others = [(picture[178 + 32 * n + 8] == (88, 120, 168)).all(-1).sum() for n in range(4)]
    room = others[1]
    assert played[0] == played[1] == played[3] == 0
    assert room > (90 if heat else 250)
    assert played[2] == pytest.approx(room / 2, abs=1)
    assert max(others[0], others[3]) <= 1


def test_the_panel_has_room_for_eighteen_actions() -> None:
    meanings = action_meanings("Alien")
    assert len(meanings) == 18
    decisions = [_decision(n, list(np.linspace(-99.0, 99.0, 18)), action=17) for n in range(2)]
    panel = Panel("x" * 200, meanings, decisions, (210, 160))
    picture = panel.draw(1)
    assert picture.shape == (480, 752, 3)
    # Between the curve's name and its numbers nothing is written.
    is_empty = (picture[376:396, 352:736] == 24).all((0, 2))
    gaps = [len(list(run)) for empty, run in itertools.groupby(is_empty) if empty]
    assert max(gaps) > 30
    # Orange, for the action that was played, reaches neither the heat map nor the curve's label.
    rows, columns = np.nonzero((picture == _PLAYED).all(-1))
    in_bars = rows < 380
    assert rows[in_bars].max() < 178 + 192
    assert columns[in_bars].max() < 568
    # The heat is at its place, the fourth row and fifth column of the grid, and nowhere else.
    warm = picture[178 : 178 + 168, 568:736].astype(int)
    row, column = np.unravel_index((warm[..., 0] - warm[..., 2]).argmax(), warm.shape[:2])
    assert (row // 12, column // 12) == (3, 4)


def test_long_names_keep_their_ends() -> None:
    assert shortened("short", 18, 300) == "short"
    short = shortened("runs/breakout/with/a/long/name/policies/best", 18, 200)
    assert short.startswith("runs/")
    assert short.endswith("best")
    assert "..." in short
    assert font(18).getlength(short) <= 200


def _gray_film(values: list[int]) -> Film:
    film = Film(10, 80)
    for value in values:
        film.append(np.full((10, 80, 3), value, np.uint8))
    return film


def test_a_shorter_game_keeps_its_last_picture() -> None:
    short = Contender("a", "", _gray_film([1, 2]), [0], [5.0])
    long = Contender("b", "", _gray_film([3, 4, 5, 6]), [1, 3], [5.0, 9.0])
    film = comparison([short, long], seconds_limit=0)
    pictures = [p for p, repeats in film.rgb_pictures() for _ in range(repeats)]
    assert [int(picture[70, 20, 0]) for picture in pictures] == [1, 2, 2, 2]
    assert [int(picture[70, 196, 0]) for picture in pictures] == [3, 4, 5, 6]
    assert [long.score_at(picture) for picture in range(4)] == [0.0, 5.0, 5.0, 9.0]
    # Captions change when a score does, or a game ends.
    captions = [picture[:60] for picture in pictures]
    left = [np.array_equal(captions[0][:, :176], caption[:, :176]) for caption in captions]
    right = [np.array_equal(captions[1][:, 192:], caption[:, 192:]) for caption in captions]
    assert left == [True, True, False, False]
    assert right == [False, True, True, False]
    assert len(comparison([short, long], seconds_limit=0.1)) == 3
