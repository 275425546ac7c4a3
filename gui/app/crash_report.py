"""The crash report, offered once at the next start."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from core.base.crash_log import CrashReport
from core.base.i18n import tr
from gui.shell.report_window import ReportWindow
from gui.tasks.notice import NoticeKind
from gui.widgets.notices import Notices


def show_notice(report: CrashReport, notices: Notices, window: QWidget) -> None:
    """Show a notice about the crash; its button opens the report."""
    notices.show_notice(
        _title(report), NoticeKind.ERROR, action=(tr("Show"), lambda: CrashWindow(report, window).show())
    )


class CrashWindow(ReportWindow):
    """A window to read and copy the report of a crash."""

    def __init__(self, report: CrashReport, window: QWidget) -> None:
        super().__init__(tr("Crash report"), _title(report), _explanation(report), window)
        self.lines.setPlainText(report.text)


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
