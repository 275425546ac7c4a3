"""The minimum confidence is chosen by what it means: how many photos are accepted, and how many of them are wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from core.card_rules import OutOfSample
from core.evaluation.acceptance import Acceptance, Drift
from core.evaluation.intervals import accuracy_of
from core.models.library import open_library
from gui.folders.acceptance_panel import AcceptancePanel
from gui.folders.page import FoldersPage
from gui.folders.plan_forms import SortForm
from gui.widgets.layouts import vbox
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


def test_an_unreliable_estimate_stands_out(qtbot: QtBot) -> None:
    window, panel = QWidget(), AcceptancePanel()
    qtbot.addWidget(window)
    vbox(panel, parent=window)
    usual = Acceptance(0.6, 50, 100, is_measured=True, accuracy=accuracy_of(178, 180))
    panel.show_acceptance([usual] * 100)
    assert panel.text.isVisibleTo(window)
    assert not panel.warning.isVisibleTo(window)
    panel.show_acceptance([replace(usual, drift=Drift(100, 1.0, 0.21, 0.0001))] * 100)
    assert panel.text.text().endswith("an estimated 1.1% of them wrong (0.3% to 4.0%).")
    assert panel.warning.isVisibleTo(window)
    assert panel.warning.property("kind") == "warning"
    assert panel.warning.text().startswith("The estimate isn't reliable here. These photos are unlike ")
