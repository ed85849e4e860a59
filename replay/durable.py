"""What is to outlast a power cut is handed to the disk before it is relied on."""

from __future__ import annotations

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until the disk has a file, or the names in a folder.

    A folder's files are not meant: a new file outlasts a power cut only if both are on the disk.

    Raises:
      OSError: if the disk cannot take it.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Wait until the disk has all files below a folder, and their names.

    Raises:
      OSError: if the disk cannot take it.
    """
    for path in (*folder.rglob("*"), folder):
        sync(path)
