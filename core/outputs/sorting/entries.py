"""The entries of a sorting's record: files and folders."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class MoveState(IntEnum):
    """The state of a photo."""

    WAITING = 0
    STARTED = 1
    """It may be at its source, at its target, or in between; only the disk shows which."""
    DONE = 2
    FAILED = 3
    UNDOING = 4
    """Undoing was started."""
    UNDONE = 5
    KEPT = 6
    """Undoing left it in place, for a reason."""


@dataclass(frozen=True, slots=True)
class Move:
    """A photo or companion file in the record.

    Attributes:
        number: its number in the sorting, from 1.
        before: the status of `source` when the move was started (`core.outputs.sorting.moves.status`).
        after: the status of `target` when the move was done.
        sha256: the hash of its bytes if they were read; otherwise empty.
        follows: the number of the photo of a companion; 0 for a photo.
    """

    number: int
    source: Path
    target: Path
    state: MoveState
    before: str = ""
    after: str = ""
    sha256: str = ""
    reason: str = ""
    follows: int = 0


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder in the record; times are modification times in nanoseconds since 1970.

    Attributes:
        before: its time before sorting; None for a created folder.
        after: its time after sorting; None until then.
        last_seen: its time when undoing started; None until then, and if it was gone.
    """

    path: Path
    is_created: bool
    before: int | None = None
    after: int | None = None
    last_seen: int | None = None
