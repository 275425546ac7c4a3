"""The cache of visible rows, and its limits."""

from __future__ import annotations

from gui.folders.row_cache import PAGE, RowPages


def make() -> tuple[RowPages[int], list[tuple[int, int]]]:
    requested: list[tuple[int, int]] = []
    return RowPages(lambda first, count: requested.append((first, count))), requested


def test_a_row_is_requested_once_and_then_cached() -> None:
    pages, requested = make()
    assert pages.row(5) is None
    assert pages.row(7) is None
    assert requested == [(0, PAGE)]
    pages.put(0, range(PAGE))
    assert pages.row(5) == 5
    assert requested == [(0, PAGE)]


def test_pages_scrolled_out_of_view_are_not_requested() -> None:
    pages, requested = make()
    for page in range(50):
        pages.row(page * PAGE)
    assert len(requested) == 2
    pages.put(0, range(PAGE))
    assert requested[-1] == (49 * PAGE, PAGE)
    while len(requested) < 8:
        pages.put(requested[-1][0], range(PAGE))
    assert min(first for first, _ in requested[2:]) >= 44 * PAGE


def test_the_cache_is_limited() -> None:
    pages, _ = make()
    for page in range(1000):
        pages.put(page * PAGE, range(PAGE))
    assert len(pages) <= 4000


def test_stale_rows_are_shown_until_they_are_reloaded() -> None:
    pages, requested = make()
    pages.put(0, ["old"] * PAGE)  # type: ignore[list-item]
    pages.mark_stale()
    assert pages.row(0) == "old"
    assert requested == [(0, PAGE)]
    pages.put(0, ["new"] * PAGE)  # type: ignore[list-item]
    assert pages.row(0) == "new"
    assert requested == [(0, PAGE)]
