"""Listing and repairing the records of sortings."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from functools import partial
from pathlib import Path

from core.base import paths, recovery
from core.base.errors import BrokenRecord, DamagedError, StorageError, UsageError
from core.base.i18n import tr_n
from core.base.recovery import as_path
from core.base.storage import reading_errors
from core.base.text import display_path
from core.jobs.values import THRESHOLD
from core.outputs.sorting.entries import MoveState
from core.outputs.sorting.record import SortingRecord, make_database
from core.outputs.sorting.values import SortingState, SortingSummary, TransferMode

_log = logging.getLogger(__name__)


def list_sortings() -> tuple[SortingSummary | BrokenRecord, ...]:
    """All sortings, the newest first; those whose records cannot be read are last.

    Raises StorageError if the folder of the records cannot be read.
    """
    found: list[SortingSummary] = []
    broken: list[BrokenRecord] = []
    with reading_errors(paths.sortings()):
        ids = sorted((file.stem for file in paths.sortings().glob("*.sqlite")), reverse=True)
    for id_ in ids:
        try:
            with SortingRecord(id_) as record:
                found.append(record.summary())
        except UsageError:  # deleted meanwhile
            continue
        except StorageError as error:
            broken.append(BrokenRecord(id_, error))
    return (*sorted(found, key=lambda summary: summary.begun, reverse=True), *broken)


def sortings() -> list[SortingSummary]:
    """The sortings whose records can be read, the newest first."""
    return [summary for summary in list_sortings() if isinstance(summary, SortingSummary)]


def repaired(id_: str) -> SortingRecord:
    """Open a record; a damaged one is first set aside and rebuilt from all rows that can still be read.

    Sorting must be locked. Raises UsageError if it does not exist; StorageError if it cannot be opened or rebuilt, or
    was written by a later version of Fovea.
    """
    file = paths.sortings() / f"{id_}.sqlite"
    try:
        with SortingRecord(id_) as record:
            record.check()
    except DamagedError:
        aside, rows = recovery.rebuild(file, make_database, needs="sorting", complete=partial(_completed, id_=id_))
        message = tr_n(
            "The record {file} was damaged. Recovered {count:,} row; the damaged file was kept as {copy}.",
            "The record {file} was damaged. Recovered {count:,} rows; the damaged file was kept as {copy}.",
            rows,
            file=display_path(file),
            copy=display_path(aside),
        )
        _log.warning("%s", message)
    return SortingRecord(id_)


def _completed(database: sqlite3.Connection, id_: str) -> None:
    """Restore the lost request of a recovered record, if it can be inferred from the moves and the disk."""
    with contextlib.suppress(OSError, TypeError, ValueError):  # recovered values may be invalid
        _complete(database, id_)


def _complete(database: sqlite3.Connection, id_: str) -> None:
    if database.execute("SELECT 1 FROM sorting").fetchone() is not None:
        return
    rows = database.execute("SELECT source, target, state, sha256 FROM moves").fetchall()
    moves = [(as_path(source), as_path(target), MoveState(state), sha256) for source, target, state, sha256 in rows]
    modes = {_transfer_mode(*move) for move in moves if move[2] is MoveState.DONE} - {None}
    if len(modes) != 1:
        return
    source = os.path.commonpath([path.parent for path, *_ in moves])
    destination = os.path.commonpath([path.parent for _, path, *_ in moves])
    try:
        started = time.mktime(time.strptime(id_[:15], "%Y%m%d-%H%M%S"))
    except ValueError:
        started = time.time()
    values = (os.fsencode(source), os.fsencode(destination), *modes, THRESHOLD, False, started)
    database.execute("INSERT INTO sorting VALUES (?, ?, ?, ?, ?, ?, ?)", (*values, _state({move[2] for move in moves})))


def _transfer_mode(source: Path, target: Path, _: MoveState, sha256: str) -> TransferMode | None:
    """Infer from the disk how a photo was transferred; None if that is unclear."""
    if target.is_symlink():
        return TransferMode.SYMLINK
    if not os.path.lexists(target):
        return None
    if not os.path.lexists(source):
        is_on_one_disk = _device(source) == _device(target)
        return None if sha256 and is_on_one_disk else TransferMode.MOVE  # a copy whose original is gone
    if source.samefile(target):
        return TransferMode.HARDLINK
    return TransferMode.COPY if sha256 else None  # otherwise a new file at the source


def _device(path: Path) -> int:
    return next(one for one in (path, *path.parents) if one.exists()).stat().st_dev


def _state(states: set[MoveState]) -> SortingState:
    if not states.isdisjoint((MoveState.UNDOING, MoveState.UNDONE, MoveState.KEPT)):
        return SortingState.UNDOING
    return SortingState.SORTED if states.isdisjoint((MoveState.WAITING, MoveState.STARTED)) else SortingState.SORTING
