"""Rows of a long list that are held only around what is looked at; the rest stays with the process that has them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

Row = TypeVar("Row")

PAGE: Final = 100
_MAX_PAGES: Final = 40
_MAX_IN_FLIGHT: Final = 2
_MAX_WAITING: Final = 6
"""Pages that are asked for next; what scrolled away before its turn came is not asked for at all."""


class RowPages(Generic[Row]):
    """At most some thousand rows of a list, a page at a time; the page looked at last is asked for first.

    Attributes:
        _pages: pages by number, those not looked at for longest first.
        _stale: pages to be asked for anew, which are shown meanwhile.
    """

    def __init__(self, fetch: Callable[[int, int], object]) -> None:
        """`ask(first, count)` asks for rows; they come by `put`, and are asked for once until they do."""
        self._fetch = fetch
        self._pages: OrderedDict[int, tuple[Row, ...]] = OrderedDict()
        self._stale: set[int] = set()
        self._waiting: OrderedDict[int, None] = OrderedDict()
        self._requested: set[int] = set()

    def __len__(self) -> int:
        """How many rows are held."""
        return sum(len(rows) for rows in self._pages.values())

    def row(self, place: int) -> Row | None:
        """The row at this place; None means that it was asked for now."""
        number, at = divmod(place, PAGE)
        rows = self._pages.get(number)
        if rows is None or number in self._stale or at >= len(rows):
            self._want(number)
        if rows is None or at >= len(rows):
            return None
        self._pages.move_to_end(number)
        return rows[at]

    def put(self, first: int, rows: Sequence[Row]) -> None:
        """Take rows that were asked for."""
        number = first // PAGE
        self._requested.discard(number)
        self._stale.discard(number)
        self._pages[number] = tuple(rows)
        self._pages.move_to_end(number)
        while len(self._pages) > _MAX_PAGES:
            removed, _ = self._pages.popitem(last=False)
            self._stale.discard(removed)
        self._fetch_next()

    def replace(self, place: int, row: Row) -> None:
        """Put another row in this place, where it is held."""
        number, at = divmod(place, PAGE)
        rows = self._pages.get(number)
        if rows is not None and at < len(rows):
            self._pages[number] = (*rows[:at], row, *rows[at + 1 :])

    def cached(self) -> dict[int, Row]:
        """All rows held, by their places."""
        return {number * PAGE + at: row for number, rows in self._pages.items() for at, row in enumerate(rows)}

    def mark_stale(self) -> None:
        """Everything may be different now: show what is held until it came anew."""
        self._stale = set(self._pages)
        self._requested.clear()

    def clear(self) -> None:
        """Hold nothing."""
        self._pages.clear()
        self._stale.clear()
        self._waiting.clear()
        self._requested.clear()

    def _want(self, number: int) -> None:
        if number in self._requested:
            return
        self._waiting[number] = None
        self._waiting.move_to_end(number)
        if len(self._waiting) > _MAX_WAITING:
            self._waiting.popitem(last=False)
        self._fetch_next()

    def _fetch_next(self) -> None:
        while self._waiting and len(self._requested) < _MAX_IN_FLIGHT:
            number, _ = self._waiting.popitem()
            self._requested.add(number)
            self._fetch(number * PAGE, PAGE)
