"""Whether the library changed, told at the price of some directory entries; light, for whoever looks every second."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, TypeAlias

ChangeToken: TypeAlias = tuple[tuple[str, int, tuple[str, ...]], ...]
"""For each name: when its active version was chosen last, in nanoseconds, and what else stands in its folder."""

_ACTIVE: Final = "active"
_HIDDEN: Final = "."


def change_token(folder: Path) -> ChangeToken:
    """What stands in a folder of models or of runs; another stamp means that something came, went or was chosen."""
    return tuple((name, _changed_ns(folder / name / _ACTIVE), tuple(_names(folder / name))) for name in _names(folder))


def _names(folder: Path) -> list[str]:
    """What is in a folder, sorted, without what is being built or was removed; nothing where it cannot be read."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith(_HIDDEN))  # noqa: PTH208 - cheaper
    except OSError:
        return []


def _changed_ns(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
