"""A folder that the process itself may not write, even as root."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

# From Linux' sched.h, mount.h and capability.h.
_CLONE_NEWNS = 0x20000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
_CAPABILITY_VERSION_3 = 0x20080522

REASONS = ("Read-only file system", "Permission denied")
"""What the system says of it."""


def forbid_writing(folder: Path) -> None:
    """Make a folder read-only for this process: by a mount of its own, else by its rights.

    Its rights stay as they are then: the caller gives them back.
    """
    if _mount_read_only(folder):
        return
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    # Root writes whatever the rights say, until it gives this up.
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())


def allow_writing(folder: Path) -> None:
    """Give a folder back the rights that `forbid_writing` may have taken."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _mount_read_only(folder: Path) -> bool:
    libc, name = ctypes.CDLL(None, use_errno=True), os.fsencode(folder)
    return (
        libc.unshare(_CLONE_NEWNS) == 0
        and libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None) == 0
        and libc.mount(name, name, None, _MS_BIND, None) == 0
        and libc.mount(name, name, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY, None) == 0
    )
