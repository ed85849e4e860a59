"""A file of replay rows: written once, whole or not there, read into memory that waits for it.

It is an uncompressed zip of arrays (numpy's .npz), whose checksums are verified whenever it is
read; nothing in it is pickled.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from replay.arrays import Rows
from replay.durable import sync
from replay.frame_store import LAST

_FORMAT: Any = np.lib.format  # numpy gives it no types
_BLOCK_BYTES = 1 << 20  # is checked and copied while it is in the processor's cache


def write(path: Path, rows: Rows) -> int:
    """Write rows into a file; a power cut cannot take it any more.

    Returns:
      its identity, a number that tells it from another file of the same name.

    Raises:
      OSError: if there is no room for it; nothing is left of it then.
    """
    temporary = path.with_name(f".{path.name}")
    try:
        with temporary.open("wb") as file:
            np.savez(file, **rows._asdict())
        sync(temporary)
        with zipfile.ZipFile(temporary) as archive:
            identity = _identity(archive)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)
    return identity


def read_into(pieces: Sequence[Rows], path: Path, identity: int) -> None:
    """Fill memory with the rows of a file; other bytes than were written are never taken for them.

    Args:
      pieces: of memory, one behind another: as many rows as the file has, of its shapes and dtypes.
      path: of the file.
      identity: what `write` returned.

    Raises:
      Exception: one of many, if the file is missing, damaged or another; the memory has anything.
    """
    with zipfile.ZipFile(path) as archive:
        if identity != _identity(archive):
            raise ValueError("it is not the file that the checkpoint was written with")
        stored = [(info.filename, info.compress_type) for info in archive.infolist()]
        if stored != [(f"{name}.npy", zipfile.ZIP_STORED) for name in Rows._fields]:
            raise ValueError("it holds other arrays")
        for name, *arrays in zip(Rows._fields, *pieces, strict=True):
            with archive.open(f"{name}.npy") as file:
                _check_header(file, name, arrays)
                for array in arrays:
                    _fill(array, file)
                if file.read(1):  # and here zipfile compares the checksum
                    raise ValueError(f"its {name} is too long")
    if any(max(p.step_type.max(), p.next_step_type.max()) > LAST for p in pieces):
        raise ValueError("it holds a step type that there is not")


def _check_header(file: IO[bytes], name: str, arrays: Sequence[np.ndarray]) -> None:
    version = _FORMAT.read_magic(file)
    shape, is_fortran, dtype = getattr(_FORMAT, f"read_array_header_{version[0]}_0")(file)
    count, row = sum(map(len, arrays)), arrays[0].shape[1:]
    if shape[1:] != row or dtype != arrays[0].dtype or is_fortran:
        raise ValueError(f"it holds {name} as {dtype} {shape[1:]}, not {arrays[0].dtype} {row}")
    if shape[0] != count:
        raise ValueError(f"it holds {shape[0]} rows")


def _fill(array: np.ndarray, file: IO[bytes]) -> None:
    left = array.data.cast("B")
    while left:
        block = file.read(min(len(left), _BLOCK_BYTES))
        if not block:
            raise ValueError("it ends too soon")
        left[: len(block)] = block
        left = left[len(block) :]


def _identity(archive: zipfile.ZipFile) -> int:
    """Return a checksum of the checksums of the arrays, which stand in the zip's directory."""
    text = repr([(info.filename, info.CRC) for info in archive.infolist()])
    return zlib.crc32(text.encode())
