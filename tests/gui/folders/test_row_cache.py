"""Rows held around what is looked at, and never many of them."""

from __future__ import annotations

from gui.folders.row_cache import PAGE, RowPages


def make() -> tuple[RowPages[int], list[tuple[int, int]]]:
    asked: list[tuple[int, int]] = []
    return RowPages(lambda first, count: asked.append((first, count))), asked


def test_a_row_is_asked_for_once_and_then_held() -> None:
    pages, asked = make()
    assert pages.row(5) is None
    assert pages.row(7) is None
    assert asked == [(0, PAGE)]
    pages.put(0, range(PAGE))
    assert pages.row(5) == 5
    assert asked == [(0, PAGE)]


def test_what_scrolled_away_is_not_asked_for() -> None:
    pages, asked = make()
    for page in range(50):
        pages.row(page * PAGE)
    assert len(asked) == 2
    pages.put(0, range(PAGE))
    assert asked[-1] == (49 * PAGE, PAGE)
    while len(asked) < 8:
        pages.put(asked[-1][0], range(PAGE))
    assert min(first for first, _ in asked[2:]) >= 44 * PAGE


def test_few_rows_are_held_however_many_come() -> None:
    pages, _ = make()
    for page in range(1000):
        pages.put(page * PAGE, range(PAGE))
    assert len(pages) <= 4000


def test_what_is_old_is_shown_until_it_came_anew() -> None:
    pages, asked = make()
    pages.put(0, ["old"] * PAGE)  # type: ignore[list-item]
    pages.mark_stale()
    assert pages.row(0) == "old"
    assert asked == [(0, PAGE)]
    pages.put(0, ["new"] * PAGE)  # type: ignore[list-item]
    assert pages.row(0) == "new"
    assert asked == [(0, PAGE)]
