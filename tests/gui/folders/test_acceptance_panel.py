"""The minimum confidence is chosen by what it means: how many photos are accepted, and how many of them are wrong."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.card_rules import OutOfSample
from core.models.library import open_library
from gui.folders.acceptance_panel import AcceptancePanel
from gui.folders.page import FoldersPage
from gui.folders.plan_forms import SortForm
from tests import tiny
from tests.gui.conftest import PATIENCE_MS
from tests.gui.folders.conftest import press
from tests.gui.folders.test_results import open_job
from tests.journals import write_journal

ROWS = 200
EVALUATED = OutOfSample(tuple(1 - place / 250 for place in range(200)), (0.1,) * 200, (100, 150, 190))


def open_panel(page: FoldersPage, tmp_path: Path, qtbot: QtBot, version: int = 1) -> AcceptancePanel:
    (tmp_path / "drawn").mkdir()
    results = open_job(page, write_journal(tmp_path / "drawn", ROWS, version=version), ROWS, qtbot)
    results.panels.show_panel(results.filters, shown=True)
    panel = results.filters.acceptance
    qtbot.waitUntil(lambda: panel.isVisible() and bool(panel.text.text()), timeout=PATIENCE_MS)
    return panel


def test_a_confidence_is_chosen_by_what_it_means(page: FoldersPage, tmp_path: Path, qtbot: QtBot) -> None:
    model = open_library().install(*tiny.packaged_model("colours", out_of_sample=EVALUATED), activate=False)
    panel = open_panel(page, tmp_path, qtbot, model.version)
    assert panel.text.text().startswith("At 60% confidence or more, ")
    assert "an estimated 1.0% of them wrong (0.2% to 5.4%)" in panel.text.text(), "one of 101"
    panel.bar.setFocus()
    for _ in range(30):
        QTest.keyClick(panel.bar, Qt.Key.Key_Right)
    assert panel.box.value() == 90
    assert "At 90% confidence or more, " in panel.text.text()
    assert "an estimated 0.0% of them wrong (0.0% to 12.9%)" in panel.text.text()
    page.open_plan(SortForm)
    assert page.stack.plans[SortForm].get().form.threshold.value() == 90


def test_the_others_are_reviewed(page: FoldersPage, tmp_path: Path, qtbot: QtBot) -> None:
    panel = open_panel(page, tmp_path, qtbot)
    assert "isn't known for this model" in panel.text.text()
    press(panel, "Review the others", qtbot)
    qtbot.waitUntil(lambda: page.stack.is_reviewing and page.stack.review.rows.rowCount() > 0, timeout=PATIENCE_MS)
    rows = page.stack.review.rows
    qtbot.waitUntil(lambda: rows.row(rows.rowCount() - 1) is not None, timeout=PATIENCE_MS)
    last = rows.row(rows.rowCount() - 1)
    assert last is not None
    assert last.is_unsure(0.6)
    assert 0 < rows.rowCount() < ROWS - 2
