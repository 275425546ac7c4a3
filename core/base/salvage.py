"""What Fovea cannot read back is never thrown away: it is set aside under its name with a date.

Damage is content that makes no sense. A disk that fails for a moment, a missing permission, or a later version's format
is none: such files are left alone. What can still be read of databases is recovered in `core.base.recovery`.

The window imports this: nothing heavy is needed for it.
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
"""Stands in the names of files that were set aside."""
LOGS: Final = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a database."""

_MAX_TORN: Final = 100
"""Members that are not whole: one for each level that a cut file had; a hostile one may open levels without end."""
_MEMBER: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*')


def set_aside(file: Path) -> Path:
    """Rename a damaged file to `NAME.damaged-DATE`, a log of SQLite's with it; nothing is overwritten.

    Returns:
        Where it is now.

    Raises:
        StorageError: the folder does not allow it; the file is as it was.
    """
    aside = _free_name(file)
    with storage_errors(file):
        for ending in LOGS:  # first, because a new database must not meet the log of an old one
            with contextlib.suppress(FileNotFoundError):
                replace(file.with_name(file.name + ending), aside.with_name(aside.name + ending))
        replace(file, aside)
    return aside


def files_set_aside(folder: Path, name: str) -> list[Path]:
    """The files of a name that were set aside in a folder, the oldest first."""
    found = folder.glob(f"{name}.{DAMAGED}-*")
    return sorted(file for file in found if not file.name.endswith(LOGS))


def members(data: bytes) -> Iterator[tuple[str, Any]]:
    """The members of JSON objects that are whole in damaged text, such as a file that was cut off.

    Of a member that is whole, what is inside is not given again; of one that is not, the members inside are.
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


def recovery_lock(file: Path) -> None:
    """Set aside what lies in the place of an SQLite file that is only ever locked: that has no content.

    Raises:
        StorageError: the folder does not allow it.
    """
    with contextlib.suppress(FileNotFoundError):
        if file.stat().st_size:
            set_aside(file)


def _free_name(file: Path) -> Path:
    dated = f"{file.name}.{DAMAGED}-{time.strftime('%Y%m%d-%H%M%S')}"
    names = (dated if number == 1 else f"{dated}-{number}" for number in count(1))
    return next(place for name in names if not (place := file.with_name(name)).exists())
