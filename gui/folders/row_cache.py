"""A cache of the rows of a long list around the visible part; the rest stays in the process that owns them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

Row = TypeVar("Row")

PAGE: Final = 100
_MAX_PAGES: Final = 40
_MAX_IN_FLIGHT: Final = 2
_MAX_WAITING: Final = 6
"""Pages waiting to be requested; pages that scroll out of view before their turn are dropped."""


class RowPages(Generic[Row]):
    """At most 4,000 rows of a list, in pages of 100; the page used last is requested first.

    Attributes:
        _pages: pages by number, the least recently used first.
        _stale: pages to request again, which are shown until then.
    """

    def __init__(self, fetch: Callable[[int, int], object]) -> None:
        """`fetch(first, count)` requests rows, which arrive through `put`; none is requested twice until then."""
        self._fetch = fetch
        self._pages: OrderedDict[int, tuple[Row, ...]] = OrderedDict()
        self._stale: set[int] = set()
        self._waiting: OrderedDict[int, None] = OrderedDict()
        self._requested: set[int] = set()

    def __len__(self) -> int:
        """The number of cached rows."""
        return sum(len(rows) for rows in self._pages.values())

    def row(self, place: int) -> Row | None:
        """The row at this place; None if it has been requested but is not here yet."""
        number, at = divmod(place, PAGE)
        rows = self._pages.get(number)
        if rows is None or number in self._stale or at >= len(rows):
            self._want(number)
        if rows is None or at >= len(rows):
            return None
        self._pages.move_to_end(number)
        return rows[at]

    def put(self, first: int, rows: Sequence[Row]) -> None:
        """Add rows that were requested."""
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
        """Replace the row at this place, if it is cached."""
        number, at = divmod(place, PAGE)
        rows = self._pages.get(number)
        if rows is not None and at < len(rows):
            self._pages[number] = (*rows[:at], row, *rows[at + 1 :])

    def cached(self) -> dict[int, Row]:
        """All cached rows by their places."""
        return {number * PAGE + at: row for number, rows in self._pages.items() for at, row in enumerate(rows)}

    def mark_stale(self) -> None:
        """Request all rows again when they are used; show the cached ones until then."""
        self._stale = set(self._pages)
        self._requested.clear()

    def clear(self) -> None:
        """Remove all rows."""
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
