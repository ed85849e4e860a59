"""What this machine has: memory, disk, a GPU, and why TensorFlow does not see it."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

# What the wheels of TensorFlow 2.15 load when they look for a GPU: CUDA 12.2 and cuDNN 8.9.
CUDA_LIBRARIES = (
    "libcudart.so.12",
    "libcublas.so.12",
    "libcublasLt.so.12",
    "libcufft.so.11",
    "libcusolver.so.11",
    "libcusparse.so.12",
    "libcudnn.so.8",
)
_DRIVER_LIBRARY = "libcuda.so.1"
_CONTROL_GROUP = Path("/sys/fs/cgroup")
_GPU_COMMAND = 'pip install -r requirements.txt "tensorflow[and-cuda]==2.15.1"'


def free_memory_bytes(control_group: Path = _CONTROL_GROUP) -> int:
    """Return the memory that a new process can have: the machine's, or its container's rest.

    Args:
      control_group: folder of the control group, version 2, that may limit the memory.
    """
    free = psutil.virtual_memory().available
    try:
        limit = (control_group / "memory.max").read_text().strip()
        used = int((control_group / "memory.current").read_text())
        stat = dict(line.split() for line in (control_group / "memory.stat").open())
        used -= int(stat["inactive_file"])  # files in memory, which give way
    except (OSError, ValueError, KeyError):
        return free
    return free if limit == "max" else max(0, min(free, int(limit) - used))


def usable_cores() -> int:
    """Return how many cores this process may use: `taskset` and containers take some away."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_disk_bytes(folder: Path) -> int:
    """Return what is free in the file system of a folder, which need not be there yet."""
    return shutil.disk_usage(_existing(folder)).free


def is_writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or the folder itself where it is not there yet."""
    return os.access(_existing(folder), os.W_OK | os.X_OK)


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder, as far as this process may see; never an error.

    `Path.exists` raises where a name is too long, or a folder above is not for us to look into.
    """
    return os.path.exists(path)  # noqa: PTH110 - see above


def _existing(folder: Path) -> Path:
    existing = folder.absolute()
    while not is_there(existing):
        existing = existing.parent
    return existing


def has_gpu(devices: Path = Path("/dev")) -> bool:
    """Whether the machine has an NVIDIA GPU whose driver is loaded."""
    return any(devices.glob("nvidia[0-9]*")) or (devices / "dxg").exists()  # dxg: under WSL


def why_no_gpu(
    *,
    has_device: bool,
    built_with_cuda: bool,
    missing_libraries: Iterable[str],
    environment: Mapping[str, str] = os.environ,
) -> str:
    """Return why TensorFlow sees no GPU, and what to do where something can be done.

    Args:
      has_device: whether the machine has one; see `has_gpu`.
      built_with_cuda: `tf.test.is_built_with_cuda()`.
      missing_libraries: see `missing_cuda_libraries`.
      environment: of the process.
    """
    if not has_device:
        return "no NVIDIA device is there, or its driver is not loaded (nvidia-smi tells)"
    if not built_with_cuda:
        return f"this TensorFlow is built without CUDA; {_GPU_COMMAND}"
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in ("", "-1"):
        return f"CUDA_VISIBLE_DEVICES is {visible!r}, which hides every GPU; unset it"
    if missing := list(missing_libraries):
        return f"libraries are missing: {', '.join(missing)}; {_GPU_COMMAND}"
    if visible is not None:
        return f"CUDA_VISIBLE_DEVICES is {visible!r}, which may name no GPU of this machine"
    return "the reason is in TensorFlow's own messages: run with --verbosity=0"


def why_tensorflow_sees_no_gpu() -> str:
    """Return `why_no_gpu` of this machine and process; to be asked where TensorFlow sees none."""
    import tensorflow as tf

    return why_no_gpu(
        has_device=has_gpu(),
        built_with_cuda=tf.test.is_built_with_cuda(),
        missing_libraries=missing_cuda_libraries(),
    )


def missing_cuda_libraries() -> list[str]:
    """Return those of the libraries for a GPU that neither pip's packages nor the system have."""
    if not _loads(_DRIVER_LIBRARY):
        return [f"{_DRIVER_LIBRARY} (the driver, 525 or newer)"]
    spec = importlib.util.find_spec("nvidia")  # a namespace of pip's packages
    folders = [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
    from_pip = {path.name for folder in folders for path in folder.glob("*/lib/*.so.*")}
    return [name for name in CUDA_LIBRARIES if name not in from_pip and not _loads(name)]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
