"""Numbers only: the settings of a run, the presets, and the reference scores of the games."""

from configs.config import Config
from configs.presets import PRESETS
from configs.reference_scores import human_normalized_score
from configs.settings import ConfigError

__all__ = ["PRESETS", "Config", "ConfigError", "human_normalized_score"]
