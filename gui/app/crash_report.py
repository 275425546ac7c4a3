"""The crash report, offered once at the next start."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QWidget

from core.base.crash_log import CrashReport
from core.base.i18n import tr
from gui.tasks.notice import NoticeKind
from gui.widgets import theme
from gui.widgets.basic import button, label
from gui.widgets.layouts import SPACE, fill, hbox, vbox
from gui.widgets.notices import Notices

_WIDTH: Final = 720
_HEIGHT: Final = 480


def show_notice(report: CrashReport, notices: Notices, window: QWidget) -> None:
    """Show a notice about the crash; its button opens the report."""
    notices.show_notice(
        _title(report), NoticeKind.ERROR, action=(tr("Show"), lambda: CrashWindow(report, window).show())
    )


class CrashWindow(QDialog):
    """A non-modal dialog to read and copy the report; deleted when closed."""

    def __init__(self, report: CrashReport, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Crash report"))
        self.resize(_WIDTH, _HEIGHT)
        copy = button(tr("&Copy"), lambda: QGuiApplication.clipboard().setText(report.text), kind="primary")
        copy.clicked.connect(lambda: copy.setText(tr("&Copied")))
        vbox(
            label(_title(report), "heading", wrap=True),
            label(_explanation(report), "muted", wrap=True),
            theme.GRID,
            fill(_lines(report.text)),
            theme.GRID,
            hbox(SPACE, button(tr("C&lose"), self.close), copy, spacing=theme.GRID),
            parent=self,
            margins=24,
            spacing=theme.GRID,
        )
        copy.setDefault(True)
        copy.setFocus()


def _title(report: CrashReport) -> str:
    if report.is_from_window:
        return tr("Fovea quit unexpectedly last time.")
    return tr("A part of Fovea stopped unexpectedly last time and was restarted.")


def _explanation(report: CrashReport) -> str:
    return tr(
        "This is what the program was doing when it crashed. It doesn't contain the names of your photos and is stored "
        "only on this computer, in {file}. Include it when you report the problem.",
        file=report.file,
    )


def _lines(text: str) -> QPlainTextEdit:
    """The report text in a monospaced font."""
    lines = QPlainTextEdit(text)
    lines.setReadOnly(True)
    lines.setTabChangesFocus(True)
    lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    lines.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    lines.setAccessibleName(tr("Crash report"))
    return lines
