"""A window with a report to read and copy, as it is shown after a crash and to report a problem."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from core.base.i18n import tr
from gui.widgets import theme
from gui.widgets.basic import button, label
from gui.widgets.layouts import SPACE, fill, hbox, vbox

_WIDTH: Final = 720
_HEIGHT: Final = 480


class ReportWindow(QDialog):
    """A non-modal dialog to read and copy a report; deleted when closed."""

    def __init__(self, title: str, heading: str, explanation: str, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.resize(_WIDTH, _HEIGHT)
        self.lines = _lines(title)
        self._copy = button(tr("&Copy"), self._copy_report, kind="primary")
        vbox(
            label(heading, "heading", wrap=True),
            label(explanation, "muted", wrap=True),
            theme.GRID,
            fill(self.lines),
            theme.GRID,
            hbox(SPACE, button(tr("C&lose"), self.close), self._copy, spacing=theme.GRID),
            parent=self,
            margins=24,
            spacing=theme.GRID,
        )
        self._copy.setDefault(True)
        self._copy.setFocus()

    def _copy_report(self) -> None:
        QGuiApplication.clipboard().setText(self.lines.toPlainText())
        self._copy.setText(tr("&Copied"))


def _lines(name: str) -> QPlainTextEdit:
    """The report text in a monospaced font."""
    lines = QPlainTextEdit()
    lines.setReadOnly(True)
    lines.setTabChangesFocus(True)
    lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    lines.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    lines.setAccessibleName(name)
    return lines
