"""The places of rows in orders that are computed from the photos themselves, as last computed, in the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final, NamedTuple

from core.jobs.values import Group, Order

_TABLE: Final = "arranged"
_MAKE: Final = f"""
CREATE TABLE IF NOT EXISTS {_TABLE} (
    kind TEXT NOT NULL, number INTEGER NOT NULL, part INTEGER NOT NULL, place INTEGER NOT NULL,
    PRIMARY KEY (kind, number)
) WITHOUT ROWID
"""
"""Earlier versions of Fovea disregard this table."""


class Place(NamedTuple):
    """Where a row is: the group, from 1, or 0 without groups; and the place."""

    part: int
    place: int


def read_places(database: sqlite3.Connection, kind: Order | Group) -> dict[int, Place]:
    """The places of rows by their numbers; none if they were never computed."""
    if database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (_TABLE,)).fetchone() is None:
        return {}
    rows = database.execute(f"SELECT number, part, place FROM {_TABLE} WHERE kind = ?", (kind.value,))
    return {number: Place(part, place) for number, part, place in rows}


def write_places(database: sqlite3.Connection, kind: Order | Group, places: Mapping[int, Place]) -> None:
    """Replace the places of all rows, within a transaction."""
    database.execute(_MAKE)
    database.execute(f"DELETE FROM {_TABLE} WHERE kind = ?", (kind.value,))
    rows = ((kind.value, number, *place) for number, place in places.items())
    database.executemany(f"INSERT INTO {_TABLE} VALUES (?, ?, ?, ?)", rows)
