"""Requests, steps and summaries of sorting: light values that are sent between processes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.jobs.values import THRESHOLD

UNSURE: Final = "unsure"
"""The folder of photos below the minimum confidence."""


class TransferMode(StrEnum):
    """How a photo is transferred to the folder of its class."""

    COPY = "copy"
    HARDLINK = "hardlink"
    """A hard link, on the same disk."""
    SYMLINK = "symlink"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class SortRequest:
    """A request to sort the photos of a folder.

    Attributes:
        destination: the folder in which each class gets a folder; created if needed.
        threshold: the minimum confidence, 0..1; unlabelled photos below it go to `UNSURE`.
        flat: whether photos go directly to the folder of their class, rather than to their subfolders below it.
        groups: whether class folders are in those of their groups, as in `animal/bird/owl`.
    """

    source: Path
    destination: Path
    by: TransferMode = TransferMode.COPY
    threshold: float = THRESHOLD
    flat: bool = False
    groups: bool = False


@dataclass(frozen=True, slots=True)
class Companion:
    """A companion file of a photo: its source, target and size in bytes."""

    source: Path
    target: Path
    size: int


@dataclass(frozen=True, slots=True)
class Step:
    """The step for one photo.

    Attributes:
        target: its new path; None if it stays in place.
        label: its final label; None if it could not be read.
        confidence: the confidence, 0..1; None if it could not be read.
        size: its size in bytes.
        note: why it stays in place or is renamed; empty otherwise.
        shared: files that stay in place, as they also belong to another photo.
    """

    source: Path
    target: Path | None
    label: str | None
    confidence: float | None
    size: int = 0
    note: str = ""
    companions: tuple[Companion, ...] = ()
    shared: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """A plan in numbers.

    Attributes:
        folders: the number of photos for each folder of the destination, the largest first.
        size: the size of all sorted photos and their companions, in bytes.
        shared: the number of files that stay in place, as they belong to several photos.
    """

    folders: dict[str, int]
    left: int
    renamed: int
    size: int
    companions: int = 0
    shared: int = 0

    @property
    def photos(self) -> int:
        """The number of photos that will be sorted."""
        return sum(self.folders.values())


class SortingState(StrEnum):
    """The state of a sorting."""

    SORTING = "sorting"
    """Running, or interrupted; it can be resumed or undone."""
    SORTED = "sorted"
    UNDOING = "undoing"
    """Being undone, or interrupted in that; undoing again continues."""
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class SortingSummary:
    """A summary of a sorting.

    Attributes:
        id: its id, such as `20261125-181502`.
        begun: when it was started, in seconds since 1970.
        waiting: the number of photos not sorted yet.
        sorted: the number of photos sorted and not undone.
        failed: the number of photos and companions that could not be sorted.
        kept: the number of photos, companions and folders that undoing left in place;
            `core.outputs.sorting.record.SortingRecord.issues` says why.
        companions: the number of companions sorted and not undone.
    """

    id: str
    request: SortRequest
    begun: float
    state: SortingState
    waiting: int
    sorted: int
    failed: int
    undone: int
    kept: int
    companions: int = 0


@dataclass(frozen=True, slots=True)
class SortIssue:
    """A file or folder that could not be sorted or was left in place, with the reason."""

    path: Path
    reason: str
