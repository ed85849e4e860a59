"""Numbers only: the settings of a run, the presets, and the reference scores of the games."""

from configs.config import Config, ConfigError
from configs.presets import PRESETS
from configs.reference_scores import human_normalized_score

__all__ = ["PRESETS", "Config", "ConfigError", "human_normalized_score"]
