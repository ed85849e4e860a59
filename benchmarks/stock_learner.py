"""Lets the stock TF-Agents loop of the reference recipe learn, until its time is over."""

from __future__ import annotations

from typing import Any

from benchmarks import learned, measurement

_BATCH_SIZE = 64


def learn(minutes: float, games: int, seed: int) -> learned.Learned:
    """Train until the time is over, then play whole games with the last weights."""
    import numpy as np
    import tensorflow as tf
    from tf_agents.utils import common

    from benchmarks import stock_recipe
    from configs import PRESETS
    from evaluation.time_steps import in_a_game
    from evaluation.watch import play_games

    clock = learned.Clock(minutes)
    curve = learned.ScoreCurve(clock)
    tf.random.set_seed(seed)
    agent_steps = measurement.UPDATE_PERIOD_AGENT_STEPS
    environment = stock_recipe.new_environment()
    agent = stock_recipe.new_agent(
        environment,
        agent_steps,
        epsilon_decay_agent_steps=learned.EPSILON_DECAY_AGENT_STEPS,
        epsilon_final=learned.EPSILON_FINAL,
    )
    replay = stock_recipe.new_replay(agent, measurement.REPLAY_TRANSITIONS)
    finished, _, score, _ = metrics = stock_recipe.new_metrics(games_of_a_mean=1)
    collect = common.function(
        stock_recipe.new_collect_driver(environment, agent, replay, agent_steps, metrics).run
    )
    train = common.function(agent.train)
    common.function(
        stock_recipe.new_random_driver(environment, replay, learned.RANDOM_AGENT_STEPS).run
    )()
    batches = iter(stock_recipe.new_dataset(replay, _BATCH_SIZE))
    time_step = environment.current_time_step()
    policy_state: Any = agent.collect_policy.get_initial_state(environment.batch_size)
    counted = 1  # not the first: the random driver began it
    while not clock.is_over:
        time_step, policy_state = collect(time_step, policy_state)
        trajectories, _ = next(batches)
        train(trajectories)
        if (count := int(finished.result())) > counted:
            counted = count
            curve.add(float(score.result()))
    curve.end()
    train_steps = int(agent.train_step_counter)
    minutes_of_training = clock.minutes

    @tf.function
    def greedy(observation: tf.Tensor) -> tf.Tensor:
        return agent.policy.action(in_a_game(observation)).action

    def choose_actions(observation: np.ndarray) -> np.ndarray:
        return greedy(tf.constant(observation)).numpy()

    # What it was trained in, but for the starts: without them there are few distinct games.
    config = PRESETS["notebook"].replace(noop_start_max_frames=30)
    played = play_games(config, choose_actions, games=games, epsilon=learned.EPSILON, seed=seed)
    return learned.Learned(
        name="stock TF-Agents loop",
        setting=f"1 game, batch {_BATCH_SIZE}, {measurement.kernels_name()}",
        minutes=minutes_of_training,
        agent_steps=learned.RANDOM_AGENT_STEPS + agent_steps * train_steps,
        train_steps=train_steps,
        curve=curve.points,
        scores=[game.score for game in played],
    )


if __name__ == "__main__":
    learned.print_learned(learn)
