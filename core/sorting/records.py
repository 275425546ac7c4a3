"""The records of sortings there are: listed, and mended where they are damaged."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from core import paths, recovery
from core.errors import DamagedError, StorageError, UsageError
from core.images.folders import printable
from core.sorting.record import Record, complete, make_database
from core.sorting.values import SortingFacts
from core.storage import reading_errors

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BrokenSorting:
    """A sorting whose record cannot be read, and why."""

    id: str
    error: StorageError


def list_sortings() -> tuple[SortingFacts | BrokenSorting, ...]:
    """All sortings that there are records of, the latest first; those whose record cannot be read at the end.

    Raises:
        StorageError: the folder of the records cannot be read.
    """
    found: list[SortingFacts] = []
    broken: list[BrokenSorting] = []
    with reading_errors(paths.sortings()):
        ids = sorted((file.stem for file in paths.sortings().glob("*.sqlite")), reverse=True)
    for id_ in ids:
        try:
            with Record(id_) as record:
                found.append(record.facts())
        except UsageError:  # gone meanwhile
            continue
        except StorageError as error:
            broken.append(BrokenSorting(id_, error))
    return (*sorted(found, key=lambda facts: facts.begun, reverse=True), *broken)


def sortings() -> list[SortingFacts]:
    """The sortings whose records can be read, the latest first."""
    return [facts for facts in list_sortings() if isinstance(facts, SortingFacts)]


def mended(id_: str) -> Record:
    """Open a record; a damaged one is first set aside and rebuilt from all rows that can still be read.

    All sorting must be held.

    Raises:
        UsageError: there is none of that name.
        StorageError: it cannot be opened or rebuilt, or a later version of Fovea wrote it.
    """
    file = paths.sortings() / f"{id_}.sqlite"
    try:
        with Record(id_) as record:
            record.check()
    except DamagedError:
        aside, rows = recovery.rebuild(file, make_database, needs="sorting", complete=partial(complete, id_=id_))
        told = f"The record {printable(file)} was damaged. {rows:,} rows of it could be read and recovered"
        _log.warning("%s; the damaged file was kept as %s.", told, printable(aside))
    return Record(id_)
