"""The rows of a view, filtered, sorted and grouped, as one number each (8 bytes)."""

from __future__ import annotations

import os
import sqlite3
from array import array
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from core.base.label_sets import label_text
from core.jobs.places import Place, read_places
from core.jobs.selection import condition, group_columns, ordering
from core.jobs.values import Group, GroupSummary, View


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """The rows of a view.

    Attributes:
        numbers: the numbers of its rows, in order.
        groups: its groups, in order; empty if it is not grouped.
    """

    numbers: array[int]
    groups: tuple[GroupSummary, ...] = ()


def read_listing(database: sqlite3.Connection, view: View) -> Listing:
    """Compute the rows of a view from an open journal."""
    where, parts = condition(view.filter, database), group_columns(view)
    columns = ", ".join(["number", *(column for column, _ in parts)])
    query = f"SELECT {columns} FROM images WHERE {where.sql} ORDER BY {ordering(view)}"
    rows = database.execute(query, where.values)
    if parts:
        return _group_rows(database, rows.fetchall(), parts, is_grouped=view.group in (Group.CLASS, Group.FOLDER))
    numbers = array("q", (number for (number,) in rows))
    if view.arranged_by is not None:
        return _arrange(numbers, read_places(database, view.arranged_by))
    if view.group is not Group.SIMILARITY:
        return Listing(numbers)
    from core.jobs.near_duplicates import near_duplicates  # imports NumPy

    hashes = database.execute(f"SELECT number, look FROM images WHERE {where.sql} AND look IS NOT NULL", where.values)
    return Listing(*near_duplicates(numbers, hashes))


def _arrange(numbers: array[int], places: Mapping[int, Place]) -> Listing:
    """Rows in their places and groups; those without a place are last, as they were."""
    placed = sorted((number for number in numbers if number in places), key=lambda number: places[number])
    rest = (number for number in numbers if number not in places)
    sizes = Counter(places[number].part for number in placed)
    starts = accumulate(sizes.values(), initial=0)
    groups = [GroupSummary(str(part), first, count)
              for (part, count), first in zip(sizes.items(), starts, strict=False) if part]  # fmt: skip
    return Listing(array("q", (*placed, *rest)), tuple(groups))


def _group_rows(
    database: sqlite3.Connection, rows: list[tuple[Any, ...]], columns: list[tuple[str, bool]], *, is_grouped: bool
) -> Listing:
    """Group rows (number, *keys) by one key after another; the last key makes the groups."""
    groups: list[GroupSummary] = []
    for column, (name, falling) in enumerate(columns, start=1):
        members: dict[Any, list[tuple[Any, ...]]] = {}
        for row in rows:
            members.setdefault(row[column], []).append(row)
        titles = _titles(database, name, members, descending=falling)
        rows = [row for key in titles for row in members[key]]
        starts = accumulate((len(members[key]) for key in titles), initial=0)
        groups = [
            GroupSummary(titles[key], first, len(members[key])) for key, first in zip(titles, starts, strict=False)
        ]
    return Listing(array("q", (row[0] for row in rows)), tuple(groups) if is_grouped else ())


def _titles(database: sqlite3.Connection, name: str, keys: Collection[Any], *, descending: bool) -> dict[Any, str]:
    """Sort labels, or ids of folders, and map each to its title; a missing label is always last."""
    if name == "answer":
        labels = sorted(
            (key for key in keys if key is not None), key=lambda key: (key.casefold(), key), reverse=descending
        )
        return {**{label: label_text(label) for label in labels}, **({None: ""} if None in keys else {})}
    direction = "DESC" if descending else "ASC"
    folders = database.execute(f"SELECT id, path FROM folders ORDER BY rank {direction}").fetchall()
    return {id_: os.fsdecode(path) for id_, path in folders if id_ in keys}
