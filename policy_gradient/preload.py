"""What the server of the games' processes imports before it forks them: once, and quietly."""

from __future__ import annotations

import importlib

from console import quiet

quiet.silence()
importlib.import_module("policy_gradient.game_process")
