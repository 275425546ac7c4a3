"""Walking through the wizard as a person does: read what is there, click what can be clicked, wait."""

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
    """Everything that a person can read there now, what lists show included."""
    shown = [one.text() for one in widget.findChildren(QLabel) if one.isVisible()]
    for view in widget.findChildren(QAbstractItemView):
        if view.isVisible():
            shown += [cell_text(view, row) for row in range(view.model().rowCount())]
    return "\n".join(shown)


def cell_text(view: QAbstractItemView, row: int) -> str:
    """What a list says of a row."""
    index = view.model().index(row, 0)
    return str(index.data(Qt.ItemDataRole.AccessibleTextRole) or index.data())


def buttons(widget: QWidget) -> dict[str, QPushButton]:
    """The buttons that can be seen, by their text."""
    return {one.text(): one for one in widget.findChildren(QPushButton) if one.isVisible()}


def in_use(window: MainWindow) -> str:
    """The model that the main window asks."""
    return window.session.opened.name if window.session.opened else ""


def click(qtbot: QtBot, button: QPushButton) -> None:
    """Click a button, which must be there to be clicked."""
    assert button.isVisible()
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def read(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    """Drop a folder on the wizard and wait until it is shown."""
    assert dragging.drop(wizard, dragging.files([folder]))
    qtbot.waitUntil(lambda: wizard.photos.can_continue, timeout=PATIENCE_MS)


def to_how(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    """Drop a folder on the wizard and go on to the second page."""
    read(qtbot, wizard, folder)
    click(qtbot, wizard.next)
    assert wizard.step is WizardStep.METHOD


def to_result(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    """Drop a folder on the wizard and train with what it proposes."""
    to_how(qtbot, wizard, folder)
    click(qtbot, wizard.next)
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=2 * PATIENCE_MS)
