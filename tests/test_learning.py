"""Small games are learned through the true parts, and a broken loss is seen by what is learned."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from statistics import fmean
from typing import Any
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.agents.dqn import dqn_agent

from agents import dqn
from agents.n_step import n_step_return, n_step_transition
from configs import PRESETS, Config
from envs import grid, suite
from evaluation.values import ValuedPlay
from evaluation.watch import play_games
from replay.arrays import Rows
from replay.frame_ring import FrameRing
from training import iterations, parts

CELLS, GOAL = grid.SIZE**2, grid.SIZE**2 - 1

# All play is random, so that every cell is seen.
RANDOM_PLAY = PRESETS["grid"].replace(epsilon_initial=1.0, epsilon_final=1.0)
STEPS = 1_500
TOLERANCE = 0.1


def exact_values(discount: float) -> np.ndarray:
    """Work out Q*, [CELLS, actions], by value iteration."""
    q = np.zeros((CELLS, len(grid.MOVES)))
    for _ in range(2 * grid.SIZE):
        best = q.max(axis=1)
        for cell, action in np.ndindex(q.shape):
            after, reward, is_over = grid.step(cell, action)
            q[cell, action] = reward + (0.0 if is_over else discount * best[after])
    return q


def greatest_error(values: np.ndarray, config: Config) -> float:
    """Return how far the values of all cells but the goal, where no game goes on, are off."""
    return float(np.abs(values - exact_values(config.discount))[:GOAL].max())


def greedy_return(values: np.ndarray) -> float:
    """Play one game by the greatest values, as far as 20 steps."""
    cell, total = 0, 0.0
    for _ in range(20):
        cell, reward, is_over = grid.step(cell, int(values[cell].argmax()))
        total += reward
        if is_over:
            break
    return total


def test_exact_values_are_those_of_the_shortest_way() -> None:
    values = exact_values(0.9)
    for cell in range(GOAL):
        steps = 2 * (grid.SIZE - 1) - cell // grid.SIZE - cell % grid.SIZE
        assert values[cell].max() == pytest.approx(10 * 0.9 ** (steps - 1))
    np.testing.assert_allclose(values[0], [-1, 10 * 0.9**5, -1, 10 * 0.9**5])
    assert greedy_return(values) == 10


@pytest.fixture(scope="module")
def played() -> Rows:
    """Random play, put into a ring without a graph."""
    env = suite.load(RANDOM_PLAY, RANDOM_PLAY.num_envs, seed=1)
    ring = FrameRing(
        RANDOM_PLAY.replay_capacity,
        RANDOM_PLAY.num_envs,
        seed=1,
        frame_shape=(CELLS,),
        frame_dtype=np.float32,
        stack_size=1,
    )
    generator = np.random.default_rng(1)
    before = env.reset()
    for _ in range(2_000):
        action = generator.integers(len(grid.MOVES), size=RANDOM_PLAY.num_envs)
        after = env.step(action)
        ring.add(
            before.step_type, before.observation, action,
            after.step_type, after.reward, after.discount,
        )  # fmt: skip
        before = after
    return ring.rows(ring.oldest_row, ring.rows_added)


def q_values(built: parts.Parts) -> np.ndarray:
    """Return what the network says of every cell."""
    return built.agent._q_network(tf.eye(CELLS))[0].numpy()


@pytest.mark.parametrize(
    "variant",
    [
        {"double": False, "dueling": False},
        {"double": True, "dueling": False},
        {"double": True, "dueling": True},
    ],
    ids=["dqn", "double", "double-dueling"],
)
def test_the_grid_has_its_exact_values(variant: dict[str, bool], played: Rows) -> None:
    config = RANDOM_PLAY.replace(**variant)
    built = parts.build(config)
    built.replay.ring.put_rows(0, played)
    built.iterate(STEPS)
    values = q_values(built)
    assert greatest_error(values, config) < TOLERANCE
    assert greedy_return(values) == 10


def test_the_grid_is_solved_by_n_step_returns() -> None:
    # Their values are those of the play that is seen, no exact ones.
    built = parts.build(PRESETS["grid"].replace(n_step=3))
    built.collect_at_random(4_000)
    built.iterate(STEPS)
    assert greedy_return(q_values(built)) == 10


@contextlib.contextmanager
def _n_step_return(**wrong: Callable[[Any], Any]) -> Iterator[None]:
    """Change arguments of n_step_return."""

    def broken(rewards: Any, discounts: Any, valid: Any, discount: Any, clip: Any) -> Any:
        given = {"rewards": rewards, "discounts": discounts, "discount": discount}
        for name, change in wrong.items():
            given[name] = change(given[name])
        return n_step_return(**given, valid=valid, reward_clip=clip)

    with mock.patch("agents.n_step.n_step_return", broken):
        yield


def _error_with_its_sign_flipped() -> Any:
    right = dqn_agent.DqnAgent._td_loss

    def broken(*args: Any) -> tuple[tf.Tensor, tf.Tensor]:
        loss, error = right(*args)
        return -loss, -error

    return mock.patch.object(dqn_agent.DqnAgent, "_td_loss", broken)


def _actions_off_by_one() -> Any:
    right = n_step_transition

    def broken(observation: Any, action: Any, *args: Any, **kwargs: Any) -> Any:
        return right(observation, (action + 1) % len(grid.MOVES), *args, **kwargs)

    return mock.patch.object(iterations, "n_step_transition", broken)


def _least_in_place_of_greatest() -> Any:
    def broken(agent: dqn.DqnAgent, observation: Any, values: Any) -> tf.Tensor:
        return tf.argmin(values, axis=-1, output_type=tf.int32)

    return mock.patch.object(dqn.DqnAgent, "_next_action", broken)


def _target_never_updated() -> Any:
    return mock.patch.object(dqn_agent.DqnAgent, "_get_target_updater", return_value=tf.no_op)


def learned_values(config: Config, rows: Rows) -> np.ndarray:
    """Learn from `rows` without any play, which would take longest."""
    built = parts.build(config)
    built.replay.ring.put_rows(0, rows)

    @tf.function
    def learn() -> None:
        for _ in tf.range(STEPS):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            batch = built.iterations._sample()
            built.iterations._learn(batch, drawn_before=batch)

    learn()
    return q_values(built)


@pytest.mark.parametrize(
    "breakage",
    [
        contextlib.nullcontext,
        _error_with_its_sign_flipped,
        _actions_off_by_one,
        _least_in_place_of_greatest,
        _target_never_updated,
        lambda: _n_step_return(discounts=tf.ones_like),
        lambda: _n_step_return(discount=lambda _: 1.0),
        lambda: _n_step_return(rewards=tf.negative),
    ],
    ids=["nothing", "sign", "actions", "least", "target", "termination", "discount", "rewards"],
)
def test_a_broken_loss_is_seen(breakage: Callable[[], Any], played: Rows) -> None:
    """And what is not broken is right by the same way."""
    config = RANDOM_PLAY.replace(double=False)
    with breakage():
        values = learned_values(config, played)
    error = greatest_error(values, config)
    if breakage is contextlib.nullcontext:
        assert error < TOLERANCE
    else:
        assert not error < 10 * TOLERANCE


def _best_greedy_score(seed: int) -> float:
    """Learn CartPole until greedy play is good, or for 24,000 iterations."""
    config = PRESETS["cartpole"].replace(seed=seed)
    built = parts.build(config)
    built.collect_at_random(config.initial_collect_steps)
    q_values, best = tf.function(parts.q_values_of(built.agent.policy.wrapped_policy)), 0.0
    while best < 475 and int(built.agent.train_step_counter) < 24_000:
        built.iterate(1_000)
        games = play_games(config, ValuedPlay(q_values).choose, games=10, epsilon=0.0, seed=seed)
        best = max(best, fmean(game.score for game in games))
    return best


def test_cartpole_is_held_up() -> None:
    """475 of 500 is what gym calls solved. One seed in three needs longer: so there are two."""
    assert any(_best_greedy_score(seed) >= 475 for seed in (3, 2))
