"""The gym environment over the emulator, and its registration for every ROM."""

from __future__ import annotations

import subprocess
import sys

import gym
import numpy as np
import pytest

from envs import ale

_BREAKOUT = "breakout"


def test_every_rom_is_registered_with_and_without_sticky_actions() -> None:
    assert len(ale.ROMS) > 100
    assert {"Breakout", "Pong", "SpaceInvaders", "MsPacman", "Qbert"} <= set(ale.ROMS)
    specs = gym.envs.registry.env_specs
    for game, rom in ale.ROMS.items():
        for version, probability in (("v4", 0.0), ("v0", 0.25)):
            spec = specs[f"{game}NoFrameskip-{version}"]
            assert spec.max_episode_steps is None
            assert spec.entry_point == "envs.ale:AleGame"
            assert spec.kwargs == {"rom": rom, "sticky_action_probability": probability}


def test_registering_again_changes_nothing() -> None:
    before = dict(gym.envs.registry.env_specs)
    ale.register_games()
    assert dict(gym.envs.registry.env_specs) == before


@pytest.mark.parametrize("game", ["Breakout", "SpaceInvaders"])
@pytest.mark.parametrize(("version", "probability"), [("v4", 0.0), ("v0", 0.25)])
def test_stickiness_is_set_in_the_emulator(game: str, version: str, probability: float) -> None:
    env = gym.make(f"{game}NoFrameskip-{version}")
    assert env.unwrapped.ale.getFloat("repeat_action_probability") == probability
    env.seed(3)
    assert env.unwrapped.ale.getFloat("repeat_action_probability") == probability


def test_stickiness_can_be_changed_from_the_next_seed_on() -> None:
    env = ale.AleGame(_BREAKOUT)
    env.set_sticky_action_probability(0.5)
    assert env.ale.getFloat("repeat_action_probability") == 0.0
    env.seed(3)
    assert env.ale.getFloat("repeat_action_probability") == 0.5
    assert env.ale.getInt("random_seed") == 3


def test_every_game_can_be_made_and_stepped() -> None:
    for game in ale.ROMS:
        env = gym.make(f"{game}NoFrameskip-v4")
        screens = [env.reset()]
        done = False
        for action in range(8):
            screen, reward, done, info = env.step(action % env.action_space.n)
            screens.append(screen)
            assert isinstance(reward, float), game
            assert isinstance(info["lives"], int), game
        assert not done, game
        for screen in screens:
            assert screen.shape == env.observation_space.shape, game
            assert screen.dtype == np.uint8, game
        assert screens[0].shape[1:] == (160, 3), game
        meanings = env.unwrapped.get_action_meanings()
        assert len(meanings) == len(set(meanings)) == env.action_space.n > 1, game


@pytest.mark.parametrize(
    ("unknown", "nearest"),
    [
        ("Breakuot", "Breakout"),
        ("space_invaders", "SpaceInvaders"),
        ("mspacman", "MsPacman"),
        ("BreakoutNoFrameskip-v4", "Breakout"),
    ],
)
def test_an_unknown_game_names_the_nearest(unknown: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=rf"{unknown}.*the nearest names are {nearest}\b"):
        ale.rom_of(unknown)


def test_a_name_near_nothing_gives_an_example() -> None:
    with pytest.raises(ValueError, match=f"one of {len(ale.ROMS)} is Breakout"):
        ale.rom_of("xyzzyxyzzyxyzzy")


def test_roms_of_two_players_are_unknown() -> None:
    with pytest.raises(ValueError, match="there is no game called 'Joust'"):
        ale.rom_of("Joust")


@pytest.mark.parametrize(
    ("game", "meanings"),
    [
        ("Breakout", ["NOOP", "FIRE", "RIGHT", "LEFT"]),
        ("Backgammon", ["FIRE", "RIGHT", "LEFT"]),
    ],
)
def test_actions_have_meanings(game: str, meanings: list[str]) -> None:
    assert list(ale.action_meanings(game)) == meanings


def _screens(seed: int, sticky_action_probability: float = 0.25) -> np.ndarray:
    """Return 60 frames of a fixed play: FIRE, then the paddle to and fro."""
    env = ale.AleGame(_BREAKOUT, sticky_action_probability)
    env.seed(seed)
    actions = [1] * 4 + [2, 3, 3, 2, 2, 2, 3] * 8
    return np.stack([env.reset()] + [env.step(action)[0] for action in actions])


def test_the_same_seed_gives_the_same_game_and_another_seed_another() -> None:
    first = _screens(seed=1)
    np.testing.assert_array_equal(first, _screens(seed=1))
    assert (first != _screens(seed=2)).any()


def test_the_actions_of_the_minimal_set_are_sent() -> None:
    env = ale.AleGame(_BREAKOUT)
    env.reset()
    for action in [1] * 4 + [2] * 30:  # FIRE, then RIGHT: the paddle goes to the right wall
        screen = env.step(action)[0]
    row = screen[190, 8:152].any(axis=-1)  # the paddle's row between the walls
    assert row[-20:].any()
    assert not row[:70].any()


def test_reset_after_a_game_over_begins_a_new_game() -> None:
    env = ale.AleGame(_BREAKOUT)
    first = env.reset()
    done, frames, lives = False, 0, {5}
    while not done:  # five balls are served and missed
        _, _, done, info = env.step(1 if frames % 2 else 0)
        frames += 1
        lives.add(info["lives"])
        assert frames < 5_000
    assert lives == {5, 4, 3, 2, 1, 0}
    assert env.ale.getEpisodeFrameNumber() == frames
    np.testing.assert_array_equal(env.reset(), first)
    assert env.ale.getEpisodeFrameNumber() == 0
    assert env.ale.lives() == 5


def test_render_is_the_screen_and_knows_one_mode() -> None:
    env = ale.AleGame(_BREAKOUT)
    np.testing.assert_array_equal(env.reset(), env.render())
    with pytest.raises(ValueError, match="render mode 'human' is unknown"):
        env.render("human")


def test_tensorflow_and_cv2_are_not_needed() -> None:
    # gym itself takes cv2 where it finds it, so its absence is played here.
    program = """
import sys
sys.modules["tensorflow"] = sys.modules["tf_agents"] = sys.modules["cv2"] = None
from envs import ale
env = ale.gym.make("BreakoutNoFrameskip-v4")
env.reset()
assert env.step(1)[0].shape == (210, 160, 3)
print("played")
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout == "played\n", done.stderr
