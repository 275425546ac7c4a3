"""A job's results in the window: sorted, filtered, brushed, grouped, shown as a gallery, and never all of them held."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from core.jobs.values import Group, Order, View
from gui.folders.page import FoldersPage
from gui.folders.results_page import ResultsPage
from gui.folders.rows_model import Column
from gui.folders.rows_table import RowsTable
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests.gui.conftest import PATIENCE_MS
from tests.gui.folders.conftest import Classify, names
from tests.journals import write_journal

ROWS = 2000


@pytest.fixture
def results(page: FoldersPage, tmp_path: Path, qtbot: QtBot) -> ResultsPage:
    """A finished job of many rows, open; its photos are not there."""
    folder = tmp_path / "drawn"
    folder.mkdir()
    return open_job(page, write_journal(folder, ROWS), ROWS, qtbot)


def open_job(page: FoldersPage, job: str, rows: int, qtbot: QtBot) -> ResultsPage:
    page.jobs.refresh()
    qtbot.waitUntil(lambda: job in page.jobs.all, timeout=PATIENCE_MS)
    page.open_job(job)
    shown = page.stack.results
    qtbot.waitUntil(lambda: shown.rows.rowCount() == rows and shown.rows.row(0) is not None, timeout=PATIENCE_MS)
    return shown


def sure(results: ResultsPage, places: range) -> list[float]:
    """The confidence of some rows."""
    rows = [results.rows.row(place) for place in places]
    return [row.confidence for row in rows if row is not None and row.confidence is not None]


def settled(results: ResultsPage, count: int | None = None) -> bool:
    rows = results.rows
    return (count is None or rows.rowCount() == count) and rows.rowCount() > 0 and rows.row(0) is not None


def test_clicking_a_header_sorts_and_clicking_again_reverses(results: ResultsPage, qtbot: QtBot) -> None:
    header = results.table.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(2) + 20, header.height() // 2)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: settled(results) and rising(sure(results, range(50))), timeout=PATIENCE_MS)
    assert results.bar.order.currentText() == "Lowest confidence first"
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: settled(results) and rising(sure(results, range(50))[::-1]), timeout=PATIENCE_MS)
    assert results.bar.order.currentText() == "Highest confidence first"


def test_a_row_is_looked_at_and_corrected(results: ResultsPage, window: MainWindow) -> None:
    results.table.setFocus()
    results.selection.step(2)
    QTest.keyClick(results.table, Qt.Key.Key_Space)
    viewer = results.viewing.viewer.made
    assert viewer is not None
    assert viewer.isVisible()
    QTest.keyClick(viewer.canvas, Qt.Key.Key_Right)
    shown, row = viewer.findChildren(QLabel), results.selection.current
    assert results.selection.place == 3
    assert row is not None
    assert {row.path.name, f"4 of {ROWS:,}"} <= {one.text() for one in shown}
    window.actions_by_id[ActionId.CORRECT].trigger()
    chooser = results.selection.chooser
    assert chooser is not None
    QTest.keyClick(chooser.line, Qt.Key.Key_Escape)
    QTest.keyClick(viewer.canvas, Qt.Key.Key_Escape)
    assert not viewer.isVisible()
    assert results.table.hasFocus()
    QTest.keyClick(results.table, Qt.Key.Key_Return)
    assert chooser.isVisible()


def rising(values: list[float]) -> bool:
    return len(values) == 50 and values == sorted(values)


def test_typing_finds_photos(results: ResultsPage, window: MainWindow, qtbot: QtBot) -> None:
    window.actions_by_id[ActionId.FIND_PHOTOS].trigger()
    QTest.keyClicks(results.filters.text, "day 03")
    qtbot.waitUntil(lambda: settled(results, ROWS // 50), timeout=PATIENCE_MS)
    assert results.rows.index(0, 4).data() == "day 03"
    results.filters.text.setText("no such name")
    qtbot.waitUntil(lambda: results.rows.rowCount() == 0, timeout=PATIENCE_MS)
    assert results._nothing.isVisible()
    assert results._nothing.text() == "No photos match the filters."
    window.actions_by_id[ActionId.CLEAR_FILTERS].trigger()
    qtbot.waitUntil(lambda: settled(results, ROWS), timeout=PATIENCE_MS)


def test_filtering_by_class_folder_or_failure(results: ResultsPage, qtbot: QtBot) -> None:
    filters = results.filters
    qtbot.waitUntil(lambda: len(filters.groups.texts()) == 6, timeout=PATIENCE_MS)
    assert filters.groups.texts()[0] == f"All {ROWS:,}"
    assert filters.groups.texts()[-1] == f"Unreadable {ROWS // 100}"
    filters.groups.setFocus()
    QTest.keyClick(filters.groups, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: settled(results, ROWS // 100), timeout=PATIENCE_MS)
    filters.by.setFocus()
    QTest.keyClick(filters.by, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: "day 07 40" in filters.groups.texts(), timeout=PATIENCE_MS)
    filters.groups.setCurrentIndex(filters.groups.model().index(8, 0))
    qtbot.waitUntil(lambda: settled(results, 40), timeout=PATIENCE_MS)
    assert results.rows.index(0, 4).data() == "day 07"


def test_a_range_of_confidence_is_brushed_with_the_mouse(results: ResultsPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: results.filters.histogram is not None, timeout=PATIENCE_MS)
    histogram = results.filters.histogram
    assert histogram is not None
    qtbot.waitUntil(lambda: "1,980 photos" in histogram.sentence(), timeout=PATIENCE_MS)
    canvas = histogram.canvas
    qtbot.waitUntil(lambda: settled(results), timeout=PATIENCE_MS)
    canvas.grab()  # the axes have their places once they were painted
    left, right = at(canvas, 0.42), at(canvas, 0.58)
    drag(canvas, left, right)
    qtbot.waitUntil(lambda: settled(results) and results.rows.rowCount() < ROWS, timeout=PATIENCE_MS)
    assert (results.filters.low.value(), results.filters.high.value()) == (40, 60)
    assert all(0.4 <= value <= 0.6 for value in sure(results, range(100)))
    assert "between 40% and 60%" in histogram.sentence()


def test_a_range_is_moved_with_keys_and_chosen_in_the_table(results: ResultsPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: results.filters.histogram is not None, timeout=PATIENCE_MS)
    histogram, filters = results.filters.histogram, results.filters
    assert histogram is not None
    qtbot.waitUntil(lambda: "1,980 photos" in histogram.sentence(), timeout=PATIENCE_MS)
    QTest.keyClick(histogram.canvas, Qt.Key.Key_Left)
    assert (filters.low.value(), filters.high.value()) == (95, 100)
    QTest.keyClick(histogram.canvas, Qt.Key.Key_Left)
    QTest.keyClick(histogram.canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert (filters.low.value(), filters.high.value()) == (90, 100)
    qtbot.waitUntil(lambda: settled(results) and all(v >= 0.9 for v in sure(results, range(50))), timeout=PATIENCE_MS)
    QTest.keyClick(histogram.canvas, Qt.Key.Key_Escape)
    assert (filters.low.value(), filters.high.value()) == (0, 100)
    histogram.show_as_table(shown=True)
    histogram.table.selectRow(10)
    assert (filters.low.value(), filters.high.value()) == (50, 55)


def test_similar_photos_are_grouped(page: FoldersPage, classify: Classify, tree: Path, qtbot: QtBot) -> None:
    classify(tree)
    page.stack.results.sort(View(Order.FOUND, group=Group.SIMILARITY))
    qtbot.waitUntil(lambda: page.stack.results.rows.rowCount() == 9 and "…" not in names(page), timeout=PATIENCE_MS)
    colours = [name.split()[0] for name in names(page)]
    assert colours == sorted(colours, key=colours.index)
    assert sorted(set(colours)) == ["blue", "green", "red"]
    assert page.stack.results.status.text() == "9 photos · 1 photo without similar photos hidden"
    page.stack.results.filters.text.setText("broken")
    qtbot.waitUntil(lambda: page.stack.results.rows.rowCount() == 0, timeout=PATIENCE_MS)
    assert page.stack.results._nothing.text() == "No similar photos found."
    page.stack.results.sort(View(Order.FOUND))
    qtbot.waitUntil(lambda: page.stack.results.status.text() == "1 photo", timeout=PATIENCE_MS)


def test_the_gallery_shows_the_same_rows_and_keeps_the_photo(
    results: ResultsPage, window: MainWindow, qtbot: QtBot
) -> None:
    results.selection.step(5)
    window.actions_by_id[ActionId.AS_GALLERY].trigger()
    assert results.gallery.isVisible()
    assert window.actions_by_id[ActionId.AS_GALLERY].isChecked()
    assert results.gallery.currentIndex().row() == 5
    QTest.keyClick(results.gallery, Qt.Key.Key_Right)
    assert results.table.currentIndex().row() == 6
    window.actions_by_id[ActionId.AS_TABLE].trigger()
    assert results.table.isVisible()


def test_the_gallery_scrolls_to_the_current_photo(results: ResultsPage, qtbot: QtBot) -> None:
    results.selection.step(300)
    results.show_as(gallery=True)
    gallery = results.gallery
    current = gallery.model().index(300, 0)
    qtbot.waitUntil(lambda: gallery.viewport().rect().intersects(gallery.visualRect(current)), timeout=PATIENCE_MS)


def test_the_current_photo_stays_when_the_order_changes(results: ResultsPage, qtbot: QtBot) -> None:
    results.selection.step(7)
    before = results.selection.current
    assert before is not None
    results.sort(View(Order.CONFIDENCE))
    qtbot.waitUntil(
        lambda: (
            (row := results.selection.current) is not None
            and row.number == before.number
            and results.table.currentIndex().row() != 7
        ),
        timeout=PATIENCE_MS,
    )


def test_selected_rows_are_copied(results: ResultsPage, window: MainWindow, qtbot: QtBot) -> None:
    results.table.selectRow(1)
    results.table.setFocus()
    QTest.keyClick(results.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    window.actions_by_id[ActionId.COPY].trigger()
    lines = QGuiApplication.clipboard().text().split("\n")
    assert [line.split("\t")[0] for line in lines] == ["000001.jpg", "000002.jpg"]
    assert results.status.text().endswith("2 selected")


def test_a_hundred_thousand_rows_are_not_kept_in_memory(page: FoldersPage, tmp_path: Path, qtbot: QtBot) -> None:
    folder = tmp_path / "huge"
    folder.mkdir()
    shown = open_job(page, write_journal(folder, 100_000), 100_000, qtbot)
    bar = shown.table.verticalScrollBar()
    for step in range(0, 101, 2):
        bar.setValue(bar.maximum() * step // 100)
        QApplication.processEvents()
    last = shown.rows.rowCount() - 1
    qtbot.waitUntil(lambda: shown.rows.row(last) is not None, timeout=PATIENCE_MS)
    assert shown.rows.index(last, 0).data() == "099999.jpg"
    assert 0 < len(shown.rows.pages) <= 4000
    shown.sort(View(Order.CONFIDENCE, descending=True))
    qtbot.waitUntil(lambda: settled(shown, 100_000) and len(shown.rows.pages) <= 4000, timeout=PATIENCE_MS)


def at(canvas: QWidget, fraction: float) -> QPoint:
    """Where a confidence is in the histogram."""
    box = canvas._chart.box  # type: ignore[attr-defined]
    low, high = box.mapViewToScene(QPointF(0, 0)), box.mapViewToScene(QPointF(1, 0))
    return QPoint(round(low.x() + fraction * (high.x() - low.x())), canvas.height() // 3)


def drag(canvas: QWidget, start: QPoint, end: QPoint) -> None:
    """Drag with the mouse."""
    viewport = canvas.viewport()  # type: ignore[attr-defined]
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
    button, place = Qt.MouseButton.LeftButton, viewport.mapToGlobal(QPointF(end))
    moved = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(end), place, Qt.MouseButton.NoButton, button, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(viewport, moved)
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=end)


def test_columns_fit_the_table_and_keep_widths_set_by_the_user(
    results: ResultsPage, window: MainWindow, qtbot: QtBot
) -> None:
    table = results.table
    window.resize(1400, 900)
    qtbot.waitUntil(lambda: not table.horizontalScrollBar().isVisible(), timeout=PATIENCE_MS)
    assert table.columnWidth(0) > 152
    window.resize(2000, 900)
    qtbot.waitUntil(lambda: table.columnWidth(0) > 208, timeout=PATIENCE_MS)
    table.horizontalHeader().resizeSection(0, 170)
    window.resize(1900, 900)
    QApplication.processEvents()
    assert table.columnWidth(0) == 170
    again = RowsTable(results.rows, window)  # as in the next session
    again.resize(1600, 400)
    again.show()
    assert again.columnWidth(0) == 170
    again.hide()
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: table.isColumnHidden(Column.TIME), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: not table.horizontalScrollBar().isVisible(), timeout=PATIENCE_MS)
    assert table.columnWidth(Column.REVIEW) >= 120
    window.resize(884, 552)  # as much as there is of 1,800 by 1,200 pixels at 200%
    qtbot.waitUntil(lambda: table.width() < 450, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: not table.horizontalScrollBar().isVisible(), timeout=PATIENCE_MS)


def test_the_current_photo_stays_in_sight(results: ResultsPage, window: MainWindow, qtbot: QtBot) -> None:
    results.selection.select(1500)
    results.table.scrollTo(results.table.currentIndex())
    act = window.actions_by_id
    for id_ in (
        ActionId.AS_GALLERY,
        ActionId.LARGER,
        ActionId.SHOW_INSPECTOR,
        ActionId.AS_TABLE,
        ActionId.SHOW_FILTERS,
    ):
        act[id_].trigger()
        QApplication.processEvents()
        view = results.view_in_use
        assert view.currentIndex().row() == 1500
        qtbot.waitUntil(
            lambda view=view: view.viewport().rect().intersects(view.visualRect(view.currentIndex())),  # type: ignore[misc]
            timeout=PATIENCE_MS,
        )


def test_unknown_photos_are_a_class_of_their_own_until_they_are_labelled(
    results: ResultsPage, page: FoldersPage, qtbot: QtBot
) -> None:
    groups = results.filters.groups

    def unknown() -> int:
        return next((int(text.split()[1]) for text in groups.texts() if text.startswith("Unknown ")), 0)

    qtbot.waitUntil(lambda: unknown() > 1, timeout=PATIENCE_MS)
    before, place = unknown(), [text.split()[0] for text in groups.texts()].index("Unknown")
    row = groups.visualRect(groups.model().index(place, 0)).center()
    groups.scrollTo(groups.model().index(place, 0))
    qtbot.mouseClick(groups.viewport(), Qt.MouseButton.LeftButton, pos=row)
    rows = results.rows
    qtbot.waitUntil(lambda: rows.rowCount() == before and rows.row(0) is not None, timeout=PATIENCE_MS)
    assert all(str(rows.index(one, Column.ANSWER).data()).endswith("?") for one in range(3))
    first = rows.row(0)
    assert first is not None
    page.reviewer.label(first, "red")
    qtbot.waitUntil(lambda: unknown() == before - 1 == rows.rowCount(), timeout=PATIENCE_MS)
