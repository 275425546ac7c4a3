"""Damaged files are never deleted: they are set aside under their name with a date.

A file is damaged if its content is invalid. Temporary disk errors, missing permissions and newer formats are not: such
files are not touched. Databases are recovered in `core.base.recovery`.

The window imports this, so it must not import anything heavy.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

from core.base.storage import replace, storage_errors

DAMAGED: Final = "damaged"
"""The suffix of files that were set aside."""
LOGS: Final = ("-wal", "-shm", "-journal")
"""Suffixes of the files that SQLite keeps next to a database."""

_MAX_TORN: Final = 100
"""Limit of incomplete members: a truncated file has one per level, but a malicious file can nest without end."""
_MEMBER: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*')


def set_aside(file: Path) -> Path:
    """Rename a damaged file to `NAME.damaged-DATE`, with SQLite's logs, and return it; nothing is overwritten.

    Raises:
        StorageError: the folder does not allow it; the file is unchanged.
    """
    aside = _free_name(file)
    with storage_errors(file):
        for ending in LOGS:  # first, because a new database must not meet the log of an old one
            with contextlib.suppress(FileNotFoundError):
                replace(file.with_name(file.name + ending), aside.with_name(aside.name + ending))
        replace(file, aside)
    return aside


def files_set_aside(folder: Path, name: str) -> list[Path]:
    """The files of this name that were set aside in a folder, oldest first."""
    found = folder.glob(f"{name}.{DAMAGED}-*")
    return sorted(file for file in found if not file.name.endswith(LOGS))


def members(data: bytes) -> Iterator[tuple[str, Any]]:
    """Yield the complete members of JSON objects in damaged text, such as a truncated file.

    Members nested in a complete member are not yielded again; those nested in an incomplete one are.
    """
    text, decoder, at, torn = data.decode(errors="replace"), json.JSONDecoder(), 0, 0
    while torn < _MAX_TORN and (found := _MEMBER.search(text, at)):
        at = found.end()
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            torn += 1
            continue
        if "\ufffd" not in text[found.start() : at]:
            yield found[1], value


def _free_name(file: Path) -> Path:
    dated = f"{file.name}.{DAMAGED}-{time.strftime('%Y%m%d-%H%M%S')}"
    names = (dated if number == 1 else f"{dated}-{number}" for number in count(1))
    return next(place for name in names if not (place := file.with_name(name)).exists())
