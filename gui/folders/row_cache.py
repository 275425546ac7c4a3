"""Rows of a long list that are held only around what is looked at; the rest stays with the process that has them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

Row = TypeVar("Row")

PAGE: Final = 100
_KEPT: Final = 40
_WITH_PROCESS: Final = 2
_WAITING: Final = 6
"""Pages that are asked for next; what scrolled away before its turn came is not asked for at all."""


class Pages(Generic[Row]):
    """At most some thousand rows of a list, a page at a time; the page looked at last is asked for first.

    Attributes:
        _held: pages by number, those not looked at for longest first.
        _stale: pages to be asked for anew, which are shown meanwhile.
    """

    def __init__(self, ask: Callable[[int, int], object]) -> None:
        """`ask(first, count)` asks for rows; they come by `put`, and are asked for once until they do."""
        self._ask = ask
        self._held: OrderedDict[int, tuple[Row, ...]] = OrderedDict()
        self._stale: set[int] = set()
        self._waiting: OrderedDict[int, None] = OrderedDict()
        self._asked: set[int] = set()

    def __len__(self) -> int:
        """How many rows are held."""
        return sum(len(rows) for rows in self._held.values())

    def row(self, place: int) -> Row | None:
        """The row at this place; None means that it was asked for now."""
        number, at = divmod(place, PAGE)
        rows = self._held.get(number)
        if rows is None or number in self._stale or at >= len(rows):
            self._want(number)
        if rows is None or at >= len(rows):
            return None
        self._held.move_to_end(number)
        return rows[at]

    def put(self, first: int, rows: Sequence[Row]) -> None:
        """Take rows that were asked for."""
        number = first // PAGE
        self._asked.discard(number)
        self._stale.discard(number)
        self._held[number] = tuple(rows)
        self._held.move_to_end(number)
        while len(self._held) > _KEPT:
            gone, _ = self._held.popitem(last=False)
            self._stale.discard(gone)
        self._ask_next()

    def change(self, place: int, row: Row) -> None:
        """Put another row in this place, where it is held."""
        number, at = divmod(place, PAGE)
        rows = self._held.get(number)
        if rows is not None and at < len(rows):
            self._held[number] = (*rows[:at], row, *rows[at + 1 :])

    def held(self) -> dict[int, Row]:
        """All rows held, by their places."""
        return {number * PAGE + at: row for number, rows in self._held.items() for at, row in enumerate(rows)}

    def age(self) -> None:
        """Everything may be different now: show what is held until it came anew."""
        self._stale = set(self._held)
        self._asked.clear()

    def clear(self) -> None:
        """Hold nothing."""
        self._held.clear()
        self._stale.clear()
        self._waiting.clear()
        self._asked.clear()

    def _want(self, number: int) -> None:
        if number in self._asked:
            return
        self._waiting[number] = None
        self._waiting.move_to_end(number)
        if len(self._waiting) > _WAITING:
            self._waiting.popitem(last=False)
        self._ask_next()

    def _ask_next(self) -> None:
        while self._waiting and len(self._asked) < _WITH_PROCESS:
            number, _ = self._waiting.popitem()
            self._asked.add(number)
            self._ask(number * PAGE, PAGE)
