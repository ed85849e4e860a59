"""Policy gradients: REINFORCE and A2C, beside the DQN of `training`."""
