"""A cheap token that changes with the library, to be polled every second."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, TypeAlias

ChangeToken: TypeAlias = tuple[tuple[str, int, tuple[str, ...]], ...]
"""For each name: when its active version was last chosen, in nanoseconds, and the other entries of its folder."""

_ACTIVE: Final = "active"
_HIDDEN: Final = "."


def change_token(folder: Path) -> ChangeToken:
    """The token of a folder of models or runs; it changes if an entry is added, removed or made active."""
    return tuple((name, changed_ns(folder / name / _ACTIVE), tuple(_names(folder / name))) for name in _names(folder))


def _names(folder: Path) -> list[str]:
    """The sorted entries of a folder, without staging and trash; empty if it cannot be read."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith(_HIDDEN))  # noqa: PTH208 - cheaper
    except OSError:
        return []


def changed_ns(file: Path) -> int:
    """When a file was last written, in nanoseconds; 0 if it cannot be read."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
