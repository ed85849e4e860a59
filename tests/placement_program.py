"""Trains a little with a second processor in the place of a GPU, and prints what crosses over.

The second is a logical device of the same processor: TensorFlow places and copies as between a
processor and a GPU. Where a GPU would be preferred, nothing is: so `tf.device(None)`, which leaves
the choice to TensorFlow, stands for it here.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import context  # the public API has no graphs as they were placed

from configs import Config

_GPU = "/CPU:1"
_CONFIG = Config(
    precision="float32",
    batch_size=4,
    network_width=0.1,
    initial_collect_steps=200,
    replay_capacity=200,
    epsilon_initial=0.5,
    stack_on_device="yes",
)


def _crossing(metadata: Any) -> list[str]:
    """Return the dtypes of what leaves the GPU within the loop over iterations."""
    found = []
    for graph in (graph for each in metadata.function_graphs for graph in each.partition_graphs):
        ops = {node.name: node.op for node in graph.node}
        for node in graph.node:
            if node.op != "_Send" or not node.attr["send_device"].s.decode().endswith(_GPU[1:]):
                continue
            source = node.input[0].partition(":")[0]
            if ops[source] != "Const" and "while/body" in source:  # a constant: order, no value
                found.append(tf.dtypes.as_dtype(node.attr["T"].type).name)
    return sorted(found)


def main() -> None:
    """Print one line of JSON."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    device = tf.device
    tf.device = lambda name: device(_GPU if name is None else name)
    from training import parts

    with device(_GPU):
        built = parts.build(_CONFIG.replace(overlap="overlap" in sys.argv, xla="xla" in sys.argv))
        built.collect_at_random(200)
        context.enable_run_metadata()
        losses = built.iterate(3)
        crossing = _crossing(context.export_run_metadata())
    agent, state = built.agent, built.iterations.variables_to_keep
    on_cpu = [*state.values(), agent._generator.state, agent._collect_epsilon]
    on_gpu = [*agent._q_network.variables, *agent._collect_network.variables]
    print(
        json.dumps(
            {
                "losses": losses,
                "crossing": crossing,
                "on_cpu": sorted({variable.device[-5:] for variable in on_cpu}),
                "on_gpu": sorted({variable.device[-5:] for variable in on_gpu}),
            }
        )
    )


if __name__ == "__main__":
    main()
