"""What every test needs before TensorFlow is imported."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

pytest_plugins = ["exported_policy"]  # its fixture
