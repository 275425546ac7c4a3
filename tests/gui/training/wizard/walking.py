"""Walking through the wizard as a user does: read the texts, click the buttons, wait."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from gui.shell.main_window import MainWindow
from gui.training.wizard.window import TrainingWizard, WizardStep
from tests.gui import dragging
from tests.gui.conftest import PATIENCE_MS


def texts(widget: QWidget) -> str:
    """All visible texts, including the rows of lists."""
    shown = [one.text() for one in widget.findChildren(QLabel) if one.isVisible()]
    for view in widget.findChildren(QAbstractItemView):
        if view.isVisible():
            shown += [cell_text(view, row) for row in range(view.model().rowCount())]
    return "\n".join(shown)


def cell_text(view: QAbstractItemView, row: int) -> str:
    """The accessible text of a row, or its display text."""
    index = view.model().index(row, 0)
    return str(index.data(Qt.ItemDataRole.AccessibleTextRole) or index.data())


def buttons(widget: QWidget) -> dict[str, QPushButton]:
    """The visible buttons, by their text."""
    return {one.text(): one for one in widget.findChildren(QPushButton) if one.isVisible()}


def in_use(window: MainWindow) -> str:
    """The name of the model in use."""
    return window.session.models.in_use.name if window.session.models.in_use else ""


def click(qtbot: QtBot, button: QPushButton) -> None:
    """Click a button, which must be visible and enabled."""
    assert button.isVisible()
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def read(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    """Drop a folder on the wizard and wait until it is shown."""
    assert dragging.drop(wizard, dragging.files([folder]))
    qtbot.waitUntil(lambda: wizard.photos.can_continue, timeout=PATIENCE_MS)


def to_method(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    """Drop a folder on the wizard and go to the second step."""
    read(qtbot, wizard, folder)
    click(qtbot, wizard.next)
    assert wizard.step is WizardStep.METHOD


def to_result(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    """Drop a folder on the wizard and train with the defaults."""
    to_method(qtbot, wizard, folder)
    click(qtbot, wizard.next)
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=PATIENCE_MS)
