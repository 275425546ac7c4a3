"""The records of sortings there are: listed, and mended where they are damaged."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.base import paths, recovery
from core.base.errors import DamagedError, StorageError, UsageError
from core.base.recovery import as_path
from core.base.storage import reading_errors
from core.base.text import display_path
from core.jobs.values import THRESHOLD
from core.outputs.sorting.entries import MoveState
from core.outputs.sorting.record import SortingRecord, make_database
from core.outputs.sorting.values import SortingState, SortingSummary, TransferMode

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BrokenSorting:
    """A sorting whose record cannot be read, and why."""

    id: str
    error: StorageError


def list_sortings() -> tuple[SortingSummary | BrokenSorting, ...]:
    """All sortings that there are records of, the latest first; those whose record cannot be read at the end.

    Raises:
        StorageError: the folder of the records cannot be read.
    """
    found: list[SortingSummary] = []
    broken: list[BrokenSorting] = []
    with reading_errors(paths.sortings()):
        ids = sorted((file.stem for file in paths.sortings().glob("*.sqlite")), reverse=True)
    for id_ in ids:
        try:
            with SortingRecord(id_) as record:
                found.append(record.summary())
        except UsageError:  # gone meanwhile
            continue
        except StorageError as error:
            broken.append(BrokenSorting(id_, error))
    return (*sorted(found, key=lambda facts: facts.begun, reverse=True), *broken)


def sortings() -> list[SortingSummary]:
    """The sortings whose records can be read, the latest first."""
    return [facts for facts in list_sortings() if isinstance(facts, SortingSummary)]


def repaired(id_: str) -> SortingRecord:
    """Open a record; a damaged one is first set aside and rebuilt from all rows that can still be read.

    All sorting must be held.

    Raises:
        UsageError: there is none of that name.
        StorageError: it cannot be opened or rebuilt, or a later version of Fovea wrote it.
    """
    file = paths.sortings() / f"{id_}.sqlite"
    try:
        with SortingRecord(id_) as record:
            record.check()
    except DamagedError:
        aside, rows = recovery.rebuild(file, make_database, needs="sorting", complete=partial(_completed, id_=id_))
        message = f"The record {display_path(file)} was damaged. {rows:,} rows of it could be read and recovered"
        _log.warning("%s; the damaged file was kept as %s.", message, display_path(aside))
    return SortingRecord(id_)


def _completed(database: sqlite3.Connection, id_: str) -> None:
    """Add to a recovered record what was asked, if that was lost and the moves and the disk tell it."""
    with contextlib.suppress(OSError, TypeError, ValueError):  # what was recovered may be none of ours
        _complete(database, id_)


def _complete(database: sqlite3.Connection, id_: str) -> None:
    if database.execute("SELECT 1 FROM sorting").fetchone() is not None:
        return
    rows = database.execute("SELECT source, target, state, sha256 FROM moves").fetchall()
    moves = [(as_path(source), as_path(target), MoveState(state), sha256) for source, target, state, sha256 in rows]
    manners = {_manner(*move) for move in moves if move[2] is MoveState.DONE} - {None}
    if len(manners) != 1:
        return
    source = os.path.commonpath([path.parent for path, *_ in moves])
    destination = os.path.commonpath([path.parent for _, path, *_ in moves])
    try:
        started = time.mktime(time.strptime(id_[:15], "%Y%m%d-%H%M%S"))
    except ValueError:
        started = time.time()
    facts = (os.fsencode(source), os.fsencode(destination), *manners, THRESHOLD, False, started)
    database.execute("INSERT INTO sorting VALUES (?, ?, ?, ?, ?, ?, ?)", (*facts, _state({move[2] for move in moves})))


def _manner(source: Path, target: Path, _: MoveState, sha256: str) -> TransferMode | None:
    """How a photo was sorted, as the disk has it; None where it does not tell."""
    if target.is_symlink():
        return TransferMode.SYMLINK
    if not os.path.lexists(target):
        return None
    if not os.path.lexists(source):
        is_on_one_disk = _device(source) == _device(target)
        return None if sha256 and is_on_one_disk else TransferMode.MOVE  # a copy, whose original is gone
    if source.samefile(target):
        return TransferMode.HARDLINK
    return TransferMode.COPY if sha256 else None  # else something new lies where the photo was


def _device(path: Path) -> int:
    """The disk on which a path lies, or the nearest folder above it."""
    return next(one for one in (path, *path.parents) if one.exists()).stat().st_dev


def _state(stages: set[MoveState]) -> SortingState:
    """How far a sorting is whose photos are at these stages."""
    if not stages.isdisjoint((MoveState.UNDOING, MoveState.UNDONE, MoveState.KEPT)):
        return SortingState.UNDOING
    return SortingState.SORTED if stages.isdisjoint((MoveState.WAITING, MoveState.STARTED)) else SortingState.SORTING
