"""What the window asks its training process about photos to learn from, and what that answers; light values.

Tickets are as in `core.services.training_messages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from core.dataset.amendments import Amended, Amendment
from core.dataset.built import Edit, Moves
from core.errors import FoveaError
from core.learning.request import TrainRequest
from core.services.training_values import BuiltSet, ClassFacts, FoundProblem, Picture, SeenPhoto

# ---- to the training process


@dataclass(frozen=True, slots=True)
class ReadFolder:
    """Look through a folder of labelled images; calls off what is read for an earlier request. Last: `FolderRead`."""

    ticket: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Decide:
    """Put photos of a folder in other classes or leave them out: amendments, and in a set built here, moves.

    Last: `Changed`.

    Attributes:
        ticket: of the request.
        folder: that is learnt from.
        changes: what is decided of each file; None: as the folder has it.
    """

    ticket: int
    folder: Path
    changes: Mapping[Path, Amendment | None]


@dataclass(frozen=True, slots=True)
class ListSets:
    """Say which sets were built here. Last: `SetsListed`."""

    ticket: int


@dataclass(frozen=True, slots=True)
class NewSet:
    """Build a set, perhaps with classes in it already. Last: `Changed`, with the set's folder."""

    ticket: int
    name: str
    classes: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RenameSet:
    """Call a set otherwise. Last: `Changed`, with the folder where it lies now."""

    ticket: int
    folder: Path
    name: str


@dataclass(frozen=True, slots=True)
class EditSet:
    """Change a set. Last: `Changed`."""

    ticket: int
    folder: Path
    edit: Edit


@dataclass(frozen=True, slots=True)
class Undo:
    """Take a change back. Last: `Changed`."""

    ticket: int
    folder: Path
    undo: Undoing


@dataclass(frozen=True, slots=True)
class Preview:
    """Draw what the network reads of some photos, and nine ways in which the first one would be learnt from.

    Calls off an earlier preview. Last: `Previewed`.
    """

    ticket: int
    request: TrainRequest
    photos: tuple[Path, ...]


Undoing: TypeAlias = Moves | Mapping[Path, Amendment | None]
"""What takes a change back; for the window it is a thing to send back and nothing else."""
Change: TypeAlias = Decide | NewSet | RenameSet | EditSet | Undo
FolderJob: TypeAlias = ReadFolder | ListSets | Change | Preview

# ---- from the training process


@dataclass(frozen=True, slots=True)
class FolderProgress:
    """How far reading is; at most ten times a second."""

    ticket: int
    done: int
    total: int
    remaining_s: float | None


@dataclass(frozen=True, slots=True)
class FolderRead:
    """What is in a folder.

    Attributes:
        ticket: of the request.
        folder: that was read.
        classes: in their order; none where nothing can be learnt, but for a set built here.
        images: how many can be learnt from.
        has_parts: whether the folder itself says what is for training and what for tests.
        problems: the first thousand things that are wrong, what is fatal among them.
        problem_count: how many there are altogether.
        error: why nothing can be learnt; None where something can.
        amended: the photos that are not taken as the folder has them, because the person decided so.
        is_built: whether it is a set that was built in the window.
    """

    ticket: int
    folder: Path
    classes: tuple[ClassFacts, ...]
    images: int
    has_parts: bool
    problems: tuple[FoundProblem, ...]
    problem_count: int
    error: FoveaError | None
    amended: tuple[Amended, ...] = ()
    is_built: bool = False


@dataclass(frozen=True, slots=True)
class SetsListed:
    """The sets that were built here, the one changed last first."""

    ticket: int
    sets: tuple[BuiltSet, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A change was made, or `error` says why not.

    Attributes:
        ticket: of the request.
        folder: that was changed, where it lies now.
        undo: takes the change back; None where it cannot be.
        error: why nothing was changed.
    """

    ticket: int
    folder: Path
    undo: Undoing | None
    error: FoveaError | None


@dataclass(frozen=True, slots=True)
class Previewed:
    """What the network reads.

    Attributes:
        ticket: of the request.
        seen: what it reads of each photo, and of which part of it.
        augmented: nine ways in which the first one would be learnt from.
        told: what is done to photos, one line each.
        error: why nothing can be drawn.
    """

    ticket: int
    seen: tuple[SeenPhoto, ...]
    augmented: tuple[Picture, ...]
    told: tuple[str, ...]
    error: FoveaError | None


FolderLast: TypeAlias = FolderRead | SetsListed | Changed | Previewed


def folder_last_words(job: FolderJob, error: FoveaError) -> FolderLast:
    """What answers a job in the end that came to nothing."""
    match job:
        case ReadFolder(ticket, folder):
            return FolderRead(ticket, folder, (), 0, False, (), 0, error)
        case ListSets(ticket):
            return SetsListed(ticket, ())
        case NewSet(ticket):
            return Changed(ticket, Path(), None, error)
        case Decide(ticket, folder) | RenameSet(ticket, folder) | EditSet(ticket, folder) | Undo(ticket, folder):
            return Changed(ticket, folder, None, error)
        case Preview(ticket):
            return Previewed(ticket, (), (), (), error)
