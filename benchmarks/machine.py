"""What the numbers of a benchmark depend on, and what is checked before its long work."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from pathlib import Path
from typing import Any

import psutil

from console import errors

PACKAGES = ("tensorflow", "tf-agents", "ale-py", "gym", "numpy", "keras")


def facts() -> dict[str, Any]:
    """Return processor, cores, memory in bytes, system and versions, as plain JSON values."""
    return {
        "processor": _processor(),
        "cores": len(psutil.Process().cpu_affinity())
        if hasattr(psutil.Process, "cpu_affinity")
        else os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in PACKAGES},
        },
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor() or platform.machine()
    values: dict[str, str] = {}
    for line in cpuinfo.read_text().splitlines():
        name, _, value = line.partition(":")
        values[name.strip()] = value.strip()
    words = values.get("flags", "").split()
    bfloat16 = [word for word in ("amx_bf16", "avx512_bf16") if word in words]
    model = values.get("model name", platform.machine())
    return f"{model} ({', '.join(bfloat16) or 'no bfloat16 arithmetic'})"


def lines(machine: dict[str, Any]) -> list[str]:
    """Return what `facts` returned as text."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return [
        f"machine    {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_bytes'] / 1e9:.1f} GB, {machine['system']}",
        f"software   {versions}",
    ]


def check_memory(needed_bytes: int, what: str) -> None:
    """Refuse work that would not fit into the free memory.

    Args:
      needed_bytes: by `what` and its process.
      what: is measured, as a sentence begins.

    Raises:
      UserError: if less is free.
    """
    free = psutil.virtual_memory().available
    if free < needed_bytes:
        raise errors.UserError(
            f"{what} needs {needed_bytes / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are free; "
            "close other programs"
        )


def check_disk(
    needed_bytes: int, folder: Path, what: str, way: str = "give another --folder"
) -> None:
    """Refuse work whose files would not fit onto the disk.

    Args:
      needed_bytes: by the files.
      folder: they are to be in it.
      what: is measured, as a sentence begins.
      way: to another folder.

    Raises:
      UserError: if less is free, or the folder is not there.
    """
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise errors.UserError(f"--folder {folder} cannot be used: {error.strerror}") from error
    if free < needed_bytes:
        raise errors.UserError(
            f"{what} needs {needed_bytes / 1e9:.1f} GB of disk and {free / 1e9:.1f} GB are free in "
            f"{folder}; make room, or {way}"
        )


def check_output(flag: str, file: Path | None) -> None:
    """Refuse a file that could not be written after minutes of work.

    Raises:
      UserError: if `file` is a folder, or its folder is not there or cannot be written.
    """
    if file is None:
        return
    if file.is_dir():
        raise errors.UserError(f"--{flag} {file} is a folder; give the name of a file")
    if not os.access(file.parent, os.W_OK):
        raise errors.UserError(f"--{flag} {file}: its folder is not there or cannot be written")
