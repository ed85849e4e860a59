"""From a config to a trained agent: the loop, its log, its checkpoints and exports."""
