"""Which settings say how a run learns, and which of these a resume may change all the same."""

from __future__ import annotations

NO_PART_OF_A_RECIPE = frozenset(
    {
        *("iterations", "eval_period", "eval_games", "checkpoint_period", "log_period"),
        *("stack_on_device", "game_processes"),  # change no byte
    }
)
"""Settings that change how long a run learns and what is seen of it, not how it learns."""

LEARNING_RATE = ("learning_rate", "learning_rate_final_share", "learning_rate_decay_iterations")
"""The part of a recipe that a resume may change: less of it takes noise away when a run learns no
more."""
