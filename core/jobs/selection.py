"""Filters and orders of rows as SQL on the journal's table `images`."""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from core.base.label_sets import label_text
from core.jobs.schema import DONE, FAILED
from core.jobs.values import Filter, Group, Order, Verdict, View


@dataclass(frozen=True, slots=True)
class Condition:
    """An SQL expression for WHERE, and the values of its parameters."""

    sql: str
    values: tuple[Any, ...]


_ORDERS: Final = {
    Order.FOUND: "place {way}",
    Order.CONFIDENCE: "confidence {way} NULLS LAST, place",
    Order.TIME: "mtime_ns {way}, place",
    Order.USEFULNESS: "confidence {way} NULLS LAST, place",
    Order.LABEL: "place",
    Order.FOLDER: "place",
}
"""A few labels and folders have many rows each: grouping by these afterwards is faster than sorting by them."""


NOT_REVIEWED: Final = f"ifnull(verdict, '{Verdict.SKIPPED}') = '{Verdict.SKIPPED}'"
"""The condition that the user has not decided on a row; a skipped one is still to be reviewed."""
_GUESS: Final = "unknown IS 1 AND label <> char(10)"
"""The condition that the prediction is unknown, unlike “no class” by a multi-label model."""
_STILL_UNKNOWN: Final = f"unknown IS 1 AND {NOT_REVIEWED}"


def condition(chosen: Filter, database: sqlite3.Connection) -> Condition:
    """The condition of a filter; the database is needed to find the labels that contain its text."""
    states = {None: f"{DONE}, {FAILED}", True: f"{FAILED}", False: f"{DONE}"}[chosen.failed]
    parts: list[tuple[str, tuple[Any, ...]]] = [(f"state IN ({states})", ())]
    if chosen.labels:
        parts.append(_has_class(chosen.labels))
    if chosen.confidence_low > 0 or chosen.confidence_high < 1:
        parts.append(("confidence BETWEEN ? AND ?", (chosen.confidence_low, chosen.confidence_high)))
    if chosen.unknown is not None:
        parts.append((_STILL_UNKNOWN if chosen.unknown else f"NOT ({_STILL_UNKNOWN})", ()))
    if chosen.reviewed is not None:
        parts.append((f"NOT ({NOT_REVIEWED})" if chosen.reviewed else NOT_REVIEWED, ()))
    if chosen.unsure_below is not None:
        parts.append((f"{NOT_REVIEWED} AND ({_GUESS} OR confidence < ?)", (chosen.unsure_below,)))
    if chosen.folder is not None:
        parts.append(("folder = (SELECT id FROM folders WHERE path = ?)", (_relative(chosen),)))
    if chosen.text:
        parts.append(_with_text(chosen.text.casefold(), database))
    return Condition(" AND ".join(sql for sql, _ in parts), tuple(value for _, values in parts for value in values))


def ordering(view: View) -> str:
    """The expression for ORDER BY, without what `group_columns` does."""
    return _ORDERS[view.order].format(way="DESC" if view.descending else "ASC")


def group_columns(view: View) -> list[tuple[str, bool]]:
    """The columns by which to group rows after `ordering`, one after another, and whether in descending order."""
    by_order = {Order.LABEL: "answer", Order.FOLDER: "folder"}.get(view.order)
    by_group = {Group.CLASS: "answer", Group.FOLDER: "folder"}.get(view.group)
    return [
        *([(by_order, view.descending)] if by_order and by_order != by_group else []),
        *([(by_group, False)] if by_group else []),
    ]


def _with_text(text: str, database: sqlite3.Connection) -> tuple[str, tuple[Any, ...]]:
    labels = [label for (label,) in database.execute("SELECT DISTINCT answer FROM images") if label]
    spelt = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]  # macOS stores names decomposed
    sql, values = _one_of(tuple(label for label in labels if spelt[0] in label_text(label).casefold()))
    named = "number IN (SELECT number FROM images WHERE instr(shown, ?) OR instr(shown, ?))"  # once, in file order
    return f"({named} OR {sql})", (*spelt, *values)


def _has_class(names: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
    """Labels of one of these classes, alone or with others."""
    sql, values = _one_of(names)
    with_others = " OR ".join("instr(char(10) || answer || char(10), ?)" for _ in names)
    return f"({sql} OR (instr(answer, char(10)) AND ({with_others})))", (*values, *(f"\n{name}\n" for name in names))


def _one_of(values: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
    return f"answer IN ({', '.join('?' * len(values))})", values


def _relative(chosen: Filter) -> bytes:
    place = os.fsencode(chosen.folder or "")
    return b"" if place == b"." else place
