"""Where the model looked, in the results of a folder; there is no map for models that are not in use."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from core.models.library import open_library
from gui.folders.page import FoldersPage
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests import tiny
from tests.gui.conftest import PATIENCE_MS
from tests.gui.folders.conftest import Classify


def test_m_shows_where_the_model_looked_in_a_row(
    page: FoldersPage, classify: Classify, tree: Path, window: MainWindow, qtbot: QtBot
) -> None:
    (tree / "broken.jpg").unlink()
    classify(tree)
    results = page.stack.results
    results.selection.step(1)
    results.table.setFocus()
    shown = results.inspector.map
    qtbot.keyClick(results.table, Qt.Key.Key_M)
    qtbot.waitUntil(lambda: shown.shown is not None, timeout=PATIENCE_MS)
    row = results.selection.current
    assert row is not None
    assert shown.legend.text() == f"Where the model saw “{row.label}”"

    card, files = tiny.packaged_model("other")
    open_library().install(card, files)
    window.session.models.open(model="other")
    qtbot.waitUntil(lambda: window.session.models.name == "other", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "isn't in use" in shown.legend.text(), timeout=PATIENCE_MS)
    assert shown.shown is None
    assert any("Choose it at the top" in one.text() for one in shown.findChildren(QLabel))


def test_the_map_of_another_version_than_the_prediction_says_so(
    page: FoldersPage, classify: Classify, tree: Path, window: MainWindow, qtbot: QtBot
) -> None:
    (tree / "broken.jpg").unlink()
    classify(tree)
    results, models = page.stack.results, window.session.models
    results.selection.step(1)
    results.table.setFocus()
    note = "Another version of the model made this prediction. The map is of the version in use."

    def notes() -> list[str]:
        return [one.text() for one in results.inspector.map.findChildren(QLabel) if one.isVisible()]

    qtbot.keyClick(results.table, Qt.Key.Key_M)
    qtbot.waitUntil(lambda: results.inspector.map.shown is not None, timeout=PATIENCE_MS)
    assert note not in notes()
    open_library().install(*tiny.packaged_model())
    models.refresh()
    qtbot.waitUntil(lambda: models.in_use is not None and models.in_use.version == 2, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: note in notes(), timeout=PATIENCE_MS)


def test_in_the_review_letters_find_a_class_and_f7_shows_the_map(
    page: FoldersPage, classify: Classify, tree: Path, window: MainWindow, qtbot: QtBot
) -> None:
    classify(tree)
    window.actions_by_id[ActionId.REVIEW].trigger()
    review = page.stack.review
    qtbot.waitUntil(lambda: review._shown is not None, timeout=PATIENCE_MS)
    plain = review.view.grab().toImage()
    review.setFocus()
    qtbot.keyClick(review, Qt.Key.Key_F7)
    qtbot.waitUntil(lambda: review.map.shown is not None, timeout=PATIENCE_MS)
    assert review.map.legend.text().startswith("Where the model saw")
    assert review.view.grab().toImage() != plain
    window.resize(900, 600)
    qtbot.waitUntil(lambda: review._name.y() > review.view.geometry().bottom(), timeout=PATIENCE_MS)
    assert review.map.mapTo(review, review.map.rect().bottomLeft()).y() < review.trace.y()
    qtbot.keyClick(review, Qt.Key.Key_M)
    assert review._chooser is not None
    assert review._chooser.line.text() == "m"
    assert review.map.is_on
