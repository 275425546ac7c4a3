"""What the record of a sorting holds of files and folders."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class MoveState(IntEnum):
    """How far a photo is."""

    WAITING = 0
    STARTED = 1
    """It may be where it was, half-way, or where it should be: the disk tells."""
    DONE = 2
    FAILED = 3
    UNDOING = 4
    """Its undoing was begun."""
    UNDONE = 5
    KEPT = 6
    """Undoing left it, for a reason."""


@dataclass(frozen=True, slots=True)
class Move:
    """A photo in the record, or a file that goes along with one.

    Attributes:
        number: its place in the sorting, from 1.
        source: where it was.
        target: where it comes.
        state: how far it is.
        before: what told, when it was begun, that the file at `source` is this one
            (`core.outputs.sorting.moves.written`).
        after: the same of the file at `target`, when it was done.
        sha256: of its bytes, where they were read; else empty.
        reason: it failed, or was kept.
        follows: the number of the photo that this file goes along with; 0 for a photo.
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
    """A folder in the record; times are when it was last written to, in nanoseconds since 1970.

    Attributes:
        path: the folder.
        is_created: whether the sorting made it.
        before: its time before; None for one that was made.
        after: its time once all was sorted; None until then.
        last_seen: its time when undoing began; None until then, and if it was gone.
    """

    path: Path
    is_created: bool
    before: int | None = None
    after: int | None = None
    last_seen: int | None = None
