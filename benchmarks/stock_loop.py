"""Measures the stock TF-Agents loop of the reference recipe: `python -m benchmarks.stock_loop`."""

from __future__ import annotations

from typing import Any

from absl import flags

from benchmarks import measurement
from console import kernels


def measure(batch_size: int, iterations: int, warmup_iterations: int) -> measurement.Measurement:
    """Fill the replay memory to see its size, empty it, and run the loop."""
    if flags.FLAGS.onednn:
        kernels.use_onednn()
    import tensorflow as tf
    from tf_agents.utils import common

    from benchmarks import stock_recipe

    tf.random.set_seed(1)
    agent_steps = measurement.UPDATE_PERIOD_AGENT_STEPS
    environment = stock_recipe.new_environment()
    agent = stock_recipe.new_agent(environment, agent_steps)
    without_replay_bytes = measurement.resident_bytes()
    replay = stock_recipe.new_replay(agent, measurement.REPLAY_TRANSITIONS)
    fill(replay)
    replay_bytes = measurement.resident_bytes() - without_replay_bytes
    replay.clear()
    random_driver = stock_recipe.new_random_driver(
        environment, replay, measurement.RANDOM_AGENT_STEPS
    )
    collect_driver = stock_recipe.new_collect_driver(
        environment, agent, replay, agent_steps, stock_recipe.new_metrics()
    )

    common.function(random_driver.run)()
    batches = iter(stock_recipe.new_dataset(replay, batch_size))
    run_collect_driver = common.function(collect_driver.run)
    train_agent = common.function(agent.train)
    time_step = environment.current_time_step()
    policy_state = agent.collect_policy.get_initial_state(environment.batch_size)
    loss: Any = None

    def collect() -> None:
        nonlocal time_step, policy_state
        time_step, policy_state = run_collect_driver(time_step, policy_state)

    def train() -> None:
        nonlocal loss
        trajectories, _ = next(batches)
        loss = train_agent(trajectories).loss

    def wait() -> None:
        loss.numpy()

    measurement.time_iterations(collect, train, wait, warmup_iterations)
    times = measurement.time_iterations(collect, train, wait, iterations)

    return measurement.Measurement(
        name="stock TF-Agents loop",
        device=measurement.device(),
        precision="float32",
        setting=f"1 game, {measurement.kernels_name()}",
        batch_size=batch_size,
        iterations=iterations,
        times=times,
        resident_bytes=measurement.resident_bytes(),
        peak_bytes=measurement.peak_bytes(),
        replay_bytes=replay_bytes,
    )


def fill(replay: Any) -> None:
    """Add an item until the memory is full; playing that long would take minutes.

    Args:
      replay: a TFUniformReplayBuffer of one game.
    """
    import tensorflow as tf
    from tf_agents.specs import tensor_spec

    item = tensor_spec.sample_spec_nest(replay.data_spec, outer_dims=(1,))

    @tf.function
    def add(count: tf.Tensor) -> None:
        for _ in tf.range(count):
            replay.add_batch(item)

    add(tf.constant(replay.capacity))


if __name__ == "__main__":
    flags.DEFINE_bool("onednn", False, "give it the kernels that this project turns on")
    measurement.print_measurement(measure, onednn=False)
