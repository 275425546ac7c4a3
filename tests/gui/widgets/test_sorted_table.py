"""A table that is sorted by its columns, copied and saved."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from gui.tasks.notice import Notice, NoticeKind
from gui.widgets.sorted_table import Cell, SortedTable

_COLUMNS = ("Layer", "Weights")


@pytest.fixture
def table(qtbot: QtBot) -> SortedTable:
    """Three rows."""
    result = SortedTable("Layers")
    qtbot.addWidget(result)
    result.setMinimumSize(400, 240)  # without it, the offscreen platform warns about the size of the contents
    result.show_rows(_COLUMNS, [_row("first", 900), _row("second", 1000), _row("third", 20)])
    result.show()
    return result


def _row(name: str, weights: int) -> tuple[Cell, ...]:
    return Cell(name), Cell(f"{weights:,}", weights)


def _names(table: SortedTable) -> list[str]:
    return [row[0] for row in table.texts()[1:]]


def _click(qtbot: QtBot, table: SortedTable, column: int) -> None:
    header = table.view.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(column) + 12, header.height() // 2)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_a_click_on_a_title_sorts_by_numbers_and_a_third_restores_the_order(qtbot: QtBot, table: SortedTable) -> None:
    header = table.view.model()
    _click(qtbot, table, 1)
    assert _names(table) == ["third", "first", "second"]
    assert header.headerData(1, Qt.Orientation.Horizontal) == "↑ Weights"
    _click(qtbot, table, 1)
    assert _names(table) == ["second", "first", "third"]
    table.show_rows(_COLUMNS, [_row("other", 1), _row("another", 2)])
    assert _names(table) == ["another", "other"], "the order is kept"
    _click(qtbot, table, 1)
    assert _names(table) == ["other", "another"]
    assert header.headerData(1, Qt.Orientation.Horizontal) == "Weights"


def test_it_is_copied_in_the_shown_order(qtbot: QtBot, table: SortedTable) -> None:
    _click(qtbot, table, 1)
    qtbot.keyClick(table.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "Layer\tWeights\nthird\t20\nfirst\t900\nsecond\t1,000\n"


def test_it_is_saved(qtbot: QtBot, table: SortedTable, tmp_path: Path) -> None:
    with qtbot.waitSignal(table.noticed) as saved:
        table.save(tmp_path / "layers.tsv")
    assert (tmp_path / "layers.tsv").read_text().startswith("Layer\tWeights\nfirst\t900\n")
    notice = saved.args[0]
    assert isinstance(notice, Notice)
    assert notice.kind is NoticeKind.SUCCESS
    with qtbot.waitSignal(table.noticed) as refused:
        table.save(tmp_path / "layers.tsv" / "inside.tsv")
    assert refused.args[0].kind is NoticeKind.ERROR
