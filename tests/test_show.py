"""envs.show and replay.show: what they draw is what agents see."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from configs import Config
from console.errors import UserError
from envs import pictures, suite
from envs import show as envs_show
from envs.starts import emulator_seed
from replay import show as replay_show
from replay.frame_ring import FrameRing
from replay.frame_store import FIRST, LAST, MID
from replay.pictures import caption, drawing, sampled_sub_episodes
from replay.segments import SegmentError, SegmentStore


@pytest.mark.parametrize(("game", "agent_steps"), [("Breakout", 100), ("SpaceInvaders", 500)])
def test_stages_are_those_of_the_pipeline(game: str, agent_steps: int) -> None:
    config = Config(game=game, env_pipeline="suite", num_envs=1, noop_start_max_frames=0)
    seed = emulator_seed(5, 0)
    env = suite.load(config, 1, 5)
    num_actions = env.action_spec().maximum + 1
    actions = np.random.default_rng(seed)
    time_step, lives_begun = env.reset(), 0
    for stages in itertools.islice(pictures.random_play(game, seed), agent_steps):
        lives_begun += int(time_step.is_first()[0])
        is_over = time_step.is_last()[0] and env.lives() == [0]
        if not is_over:  # after which nobody looks: the pipelines differ there, too
            assert np.array_equal(stages.stack, time_step.observation[0])
        assert np.array_equal(stages.stack[..., -1], stages.resized)
        # The action that follows a LAST is ignored.
        action = 0 if time_step.is_last()[0] else actions.integers(num_actions)
        time_step = env.step(np.array([action]))
    assert lives_begun >= 3


def test_what_stands_still_is_gray_and_what_moves_is_colored() -> None:
    stack = np.full((84, 84, 4), 200, np.uint8)
    stack[0] = 0
    for age in range(4):
        stack[0, age, age] = 200
    picture = pictures.colored_stack(stack)
    assert (picture[1:] == 200).all()
    assert picture[0, :5].tolist() == [
        [100, 0, 0], [50, 100, 0], [0, 100, 100], [50, 0, 100], [0, 0, 0],
    ]  # fmt: skip


def test_envs_show_writes_a_film_and_a_stack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    envs_show.show("Pong", tmp_path, seconds=1, seed=1)
    with Image.open(tmp_path / "show-Pong.gif") as film:
        assert film.n_frames > 5
    with Image.open(tmp_path / "show-Pong.png") as stack:
        assert stack.size == (420, 420)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Pong has 6 actions:"
    assert said[2] == "   1  FIRE"
    with pytest.raises(UserError, match="the nearest names are Pong"):
        envs_show.show("Pongg", tmp_path, seconds=1, seed=1)
    (tmp_path / "show-Pong.png").unlink()
    (tmp_path / "show-Pong.png").mkdir()
    with pytest.raises(UserError, match=r"show-Pong\.png cannot be written \(Is a directory\)"):
        envs_show.show("Pong", tmp_path, seconds=1, seed=1)


def _stored(folder: Path, lengths: tuple[int, int] = (8, 40)) -> None:
    """Store 40 rows of two games of these lengths in two files; frames tell row and game."""
    ring, store = FrameRing(200, 2, seed=1, frame_shape=(3, 2)), SegmentStore(folder)
    for row in range(40):
        kinds = np.array([_kind(row, lengths[0]), _kind(row, lengths[1])])
        following = np.array([_kind(row + 1, lengths[0]), _kind(row + 1, lengths[1])])
        observation = np.zeros((2, 3, 2, 4), np.uint8)
        observation[0], observation[1] = row, 100 + row
        action = np.array([row % 4, 3])
        ring.add(kinds, observation, action, following, np.array([row, -1.0]), np.ones(2))
        if row in (24, 39):
            store.save(ring)


def _kind(row: int, length: int) -> int:
    return {0: FIRST, length - 1: LAST}.get(row % length, MID)


def test_sub_episodes_follow_one_game_to_its_end(tmp_path: Path) -> None:
    _stored(tmp_path)
    drawn = sampled_sub_episodes(tmp_path, 50, 5, seed=3)
    assert len(drawn) == 50
    assert {episode.game for episode in drawn} == {0, 1}
    assert {episode.row >= 25 for episode in drawn} == {True, False}  # from both files
    for episode in drawn:
        rows = list(range(episode.row, episode.row + len(episode.frames)))
        assert episode.frames[:, 0, 0].tolist() == [100 * episode.game + row for row in rows]
        assert episode.rewards.tolist() == (rows if episode.game == 0 else [-1] * len(rows))
        assert LAST not in episode.step_types[:-1]
        assert len(rows) == 6 or episode.step_types[-1] == LAST
    again = sampled_sub_episodes(tmp_path, 50, 5, seed=3)
    assert [e.row for e in again] == [e.row for e in drawn]
    other = sampled_sub_episodes(tmp_path, 50, 5, seed=4)
    assert [e.row for e in other] != [e.row for e in drawn]


def test_a_file_that_a_stop_cut_short_is_passed_over(tmp_path: Path) -> None:
    _stored(tmp_path, lengths=(1_000, 1_000))  # 25 rows, and 15
    drawn = sampled_sub_episodes(tmp_path, 50, 20, seed=3)
    assert all(episode.row < 25 for episode in drawn)


def test_each_frame_has_its_caption(tmp_path: Path) -> None:
    _stored(tmp_path)
    drawn = sampled_sub_episodes(tmp_path, 200, 7, seed=1)
    whole = next(e for e in drawn if e.game == 0 and e.row == 8)
    meanings = ["NOOP", "FIRE", "RIGHT"]
    captions = [caption(whole, step, meanings).split("\n") for step in (0, 1, 3, 7)]
    assert captions == [
        ["FIRST NOOP", "reward +8"],
        ["FIRE", "reward +9"],
        ["action 3", "reward +11"],
        ["LAST", ""],
    ]
    picture = drawing([whole, whole], meanings)
    # 8 frames of 2 x 3 pixels, twice as large, a margin of 6 around, 26 for the text
    assert picture.size == (8 * (4 + 6) + 6, 2 * (6 + 26 + 6) + 6)


def test_replay_show_from_its_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "replay.png"

    def show(run: Path, out: Path, agent_steps: int = 5) -> None:
        replay_show.show(run, out, episodes=3, agent_steps=agent_steps, seed=1)

    with pytest.raises(UserError, match="no run's folder"):
        show(tmp_path, out)
    (tmp_path / "config.json").write_text(json.dumps({"config": {"game": "Breakout"}}))
    with pytest.raises(UserError, match="holds no replay; train"):
        show(tmp_path, out)
    small = tmp_path / "small"
    small.mkdir()
    (small / "config.json").write_text(json.dumps({"config": {"game": "CartPole-v1"}}))
    with pytest.raises(UserError, match="no pictures to show: CartPole-v1 is no Atari game"):
        show(small, out)
    _stored(tmp_path / "replay", lengths=(1_000, 1_000))  # no end is stored
    with pytest.raises(UserError, match="or give fewer --agent_steps"):
        show(tmp_path, out, agent_steps=60)
    with pytest.raises(UserError, match="cannot be written"):
        show(tmp_path, tmp_path / "replay.what")
    show(tmp_path, out)
    assert out.exists()
    assert capsys.readouterr().out.splitlines()[-1] == f"wrote {out}"
    damaged = next((tmp_path / "replay").glob("*.npz"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    with pytest.raises(SegmentError, match="damaged"):
        sampled_sub_episodes(tmp_path / "replay", 50, 5, seed=3)
