"""What every test needs before TensorFlow is imported."""

import os
import signal

# Whoever runs the tests may ignore it, as under nohup; so would the programs under test.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

pytest_plugins = ["exported_policy"]  # its fixture
