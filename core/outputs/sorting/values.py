"""What sorting is asked, what it will do with every photo, and what came of that: light values that cross pipes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.jobs.values import THRESHOLD

UNSURE: Final = "unsure"
"""The folder of photos whose class is too uncertain."""


class TransferMode(StrEnum):
    """How a photo comes into the folder of its class."""

    COPY = "copy"
    HARDLINK = "hardlink"
    """A second name of the same file, on the same disk."""
    SYMLINK = "symlink"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class SortRequest:
    """How the photos of a folder are to be sorted.

    Attributes:
        source: the folder they lie in.
        destination: the folder in which each class gets one of its own; made if need be.
        by: how a photo gets there.
        threshold: the least confidence, 0..1; a photo below it goes to `UNSURE`, unless a person said what it is.
        flat: whether photos lie right in the folder of their class; else in the subfolders they have in the source.
    """

    source: Path
    destination: Path
    by: TransferMode = TransferMode.COPY
    threshold: float = THRESHOLD
    flat: bool = False


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that goes along with a photo: where it is, where it comes, and its bytes."""

    source: Path
    target: Path
    size: int


@dataclass(frozen=True, slots=True)
class Step:
    """What is to become of one photo.

    Attributes:
        source: the photo.
        target: where it comes; None: it stays as and where it is.
        label: its class, the person's where there is one; None where it could not be read.
        confidence: the model's, 0..1; None likewise.
        size: bytes.
        note: why it stays, or why it is called otherwise; empty where there is nothing to say.
        companions: the files that go along.
        shared: files beside it that stay, as they belong to another photo too.
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
        folders: how many photos come into each folder of the destination, the fullest first.
        left: how many stay, for whatever reason.
        renamed: how many of the others will be called otherwise.
        size: their bytes, and those of their companions.
        companions: how many files go along with them.
        shared: how many files beside them stay, as they belong to several photos.
    """

    folders: dict[str, int]
    left: int
    renamed: int
    size: int
    companions: int = 0
    shared: int = 0

    @property
    def photos(self) -> int:
        """How many will be sorted."""
        return sum(self.folders.values())


class SortingState(StrEnum):
    """How far a sorting is."""

    SORTING = "sorting"
    """Under way, or interrupted: it can go on or be undone."""
    SORTED = "sorted"
    UNDOING = "undoing"
    """Being undone, or interrupted in that: undoing goes on."""
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class SortingSummary:
    """A sorting as it is listed.

    Attributes:
        id: names it, such as `20261125-181502`.
        request: what was asked; both folders are real paths.
        begun: when, in seconds since 1970.
        state: how far it is.
        waiting: photos not sorted yet.
        sorted: photos that were sorted and are not back yet.
        failed: photos, and files that belong to them, that could not be sorted.
        undone: photos that undoing put back.
        kept: photos, files that belong to them, and folders, that undoing had to leave;
            `core.outputs.sorting.record.SortingRecord.remarks` says why.
        companions: files that went along with photos and are not back yet.
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
    """Something that could not be done, or was left: where, and why."""

    path: Path
    reason: str
