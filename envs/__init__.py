"""Atari games as TF-Agents environments; `envs.suite.load` is the only door."""
