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


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, and wait until the disk has the names of the new ones.

    Raises:
      OSError: if it cannot be made.
    """
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in new:
        sync(one.parent)


def sync_tree(folder: Path) -> None:
    """Wait until the disk has all files below a folder, and their names.

    Raises:
      OSError: if the disk cannot take it.
    """
    for path in (*folder.rglob("*"), folder):
        sync(path)
