"""What the server of the games' processes imports before it forks them: once, and quietly."""

from __future__ import annotations

import importlib

from console import quiet

quiet.silence()
# What is forked ignores them from its first moment on: the server gives it back the signals that it
# had before it served.
importlib.import_module("policy_gradient.game_process").ignore_signals()
