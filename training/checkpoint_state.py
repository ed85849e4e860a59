"""A checkpoint's state.json: all but arrays, which run it is of, and the checksums of the rest."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from configs.settings import Settings
from console.errors import UserError
from evaluation.files import check_checksums, checksum, read_object
from training.run_folder import MAY_CHANGE, versions, write_json

FORMAT = 4
"""1 had weights without float32 masters, 2 the dense layer in the body, 3 a learning rate."""

STATE = "state.json"
# The generators come back from the checkpoint, whatever seed they began with.
_NOT_BINDING = MAY_CHANGE | {"seed"}


def write(folder: Path, config: Settings, values: Mapping[str, Any]) -> None:
    """Write state.json into a checkpoint whose other files are all there.

    Args:
      folder: of the checkpoint.
      config: of the run.
      values: JSON values.

    Raises:
      OSError: if there is no room for it.
    """
    body = {"format": FORMAT, "config": config.to_dict(), "versions": versions(), **values}
    checksums = {path.name: checksum(path) for path in sorted(folder.iterdir())}
    content = {"body": body, "files": checksums}
    write_json(folder / STATE, {**content, "checksum": checksum_of(content)})


def read(folder: Path) -> dict[str, Any]:
    """Return the values that `write` was given, whose checksums and whose files' hold.

    Raises:
      OSError, ValueError, KeyError: if the checkpoint is torn.
    """
    content = read_object(folder / STATE)
    expected = content.pop("checksum")
    if expected != checksum_of(content):
        raise ValueError(f"{STATE} does not match its checksum")
    check_checksums(folder, content["files"])
    if not isinstance(content["body"], dict):
        raise ValueError(f"{STATE} has no body")
    return content["body"]


def replay_rows(folder: Path) -> list[list[int]]:
    """Return the replay's files that a checkpoint needs; nothing is compared with checksums.

    Raises:
      OSError, ValueError, KeyError, TypeError: if state.json is damaged.
    """
    return list(read_object(folder / STATE)["body"]["replay_rows"])


def check_origin(
    name: str, body: Mapping[str, Any], config: Settings, say: Callable[[str], None]
) -> None:
    """Refuse what another program or another run has written; older ones say less of it.

    Args:
      name: of the checkpoint, in a sentence.
      body: from `read`.
      config: of the run that is to go on.
      say: is told of other versions of libraries, with which the run goes on.

    Raises:
      UserError: if it does not belong here.
    """
    if body["format"] != FORMAT:
        raise UserError(
            f"{name} was written by another version of "
            "this program, and cannot be resumed; its policies can still be played"
        )
    ours, theirs = config.to_dict(), body.get("config", {})
    different = [
        f"{key} is {theirs[key]} there and {ours.get(key)} in config.json"
        for key in theirs
        if key not in _NOT_BINDING and theirs[key] != ours.get(key)
    ]
    if different:
        raise UserError(
            f"{name} is of a run with other numbers: {'; '.join(different)}; "
            "put back the config.json or the checkpoints that belong here"
        )
    ours, theirs = versions(), body.get("versions", {})
    different = [
        f"{key} {theirs[key]} then and {ours[key]} now"
        for key in ours
        if key in theirs and theirs[key] != ours[key]
    ]
    if different:
        say(
            f"{name} was written with other versions ({'; '.join(different)}): "
            "the run goes on, but not as it would have"
        )


def checksum_of(content: Mapping[str, Any]) -> int:
    """Return the CRC-32 of JSON values, however they are laid out in a file."""
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())
