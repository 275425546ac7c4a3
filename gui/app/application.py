"""Application startup: the QApplication, the handling of unexpected errors, and the first files."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from PySide6.QtCore import QMessageLogContext, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from core.base import crash_log, paths, shutdown
from core.base.i18n import tr
from gui.app import single_instance
from gui.app.gc_timer import GarbageCollectionTimer
from gui.shell.main_window import MainWindow
from gui.tasks.main_thread import Dispatcher
from gui.tasks.notice import Notice, NoticeKind
from gui.widgets import icons

_log = logging.getLogger("fovea")
_QT_LEVELS: Final = {
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_SWITCH_INTERVAL_S: Final = 0.0001
"""How long the main thread waits for the interpreter while another thread computes or imports. It waits after each call
of Qt, hundreds of times while widgets are created: with 1 ms, stalls are several times as long."""
_CLOSING_S: Final = 8.0
"""How long the window and its helpers may take to close after a termination signal."""
_reporting = threading.local()


def run(files: Sequence[Path]) -> int:
    """Show these files and folders, in the window that is already open if there is one; returns the exit code."""
    lock = single_instance.InstanceLock()
    if lock.send_files(files):
        return 0
    crash = crash_log.collect_reports()
    with crash_log.capture_crashes(crash_log.WINDOW):
        application, window = open_window(files)
        _watch_for_bugs(window)
        if crash is not None:
            from gui.app import crash_report

            crash_report.show_notice(crash, window.notices, window)
        dispatcher = Dispatcher(window)
        shutdown.end_on_signals(lambda: dispatcher.post(lambda _: window.close(), None), grace_s=_CLOSING_S)
        lock.listen(lambda request: open_request(window, request))
        application.lastWindowClosed.connect(lock.release)
        try:
            return application.exec()
        finally:
            qInstallMessageHandler(None)  # Qt must not call into Python during shutdown


def open_window(files: Sequence[Path]) -> tuple[QApplication, MainWindow]:
    """Create the QApplication and show the window; only settings, icons and samples are read from disk."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    application = QApplication(sys.argv[:1])
    application.setApplicationName("Fovea")
    application.setDesktopFileName("fovea")  # how Wayland finds the entry of `fovea --install`, and its icon
    application.setWindowIcon(icons.program_icon())
    application.setStyle("Fusion")
    application.setAttribute(Qt.ApplicationAttribute.AA_DontShowIconsInMenus)
    window = MainWindow()
    GarbageCollectionTimer(window)
    window.restore_geometry()
    window.show()
    if files:
        window.session.photo_list.add(files)
    return application, window


def open_request(window: MainWindow, request: single_instance.OpenRequest) -> None:
    """Carry out the request of a later start of the program."""
    if request.files:
        window.session.photo_list.add(request.files)
    single_instance.raise_window(window, request.token)


def _watch_for_bugs(window: MainWindow) -> None:
    """Log unexpected errors of any thread and show a notice, without ending the program."""
    _log_to_file()
    dispatcher = Dispatcher(window)

    def report(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            dispatcher.post(lambda _: window.close(), None)
            return
        _log.error("unexpected: %s", "".join(traceback.format_exception(kind, error, trace)))
        dispatcher.post(
            window.notices.show_one,
            Notice(
                tr("Unexpected error: {kind}: {error}. See the log for details.", kind=kind.__name__, error=error),
                NoticeKind.ERROR,
            ),
        )

    sys.excepthook = report
    threading.excepthook = lambda args: report(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = _log_unraisable
    qInstallMessageHandler(_log_qt)


def _log_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    """Log errors raised in finalizers; no action of the user failed, so no notice is shown."""
    trace = "".join(traceback.format_exception(unraisable.exc_type, unraisable.exc_value, unraisable.exc_traceback))
    _log.error("unexpected: %s %r: %s", unraisable.err_msg or "ignored in", unraisable.object, trace)


def _log_qt(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    """Log Qt's warnings; those that arise while another one is being logged are dropped."""
    if kind not in _QT_LEVELS or getattr(_reporting, "is_busy", False):
        return
    _reporting.is_busy = True
    try:
        _log.log(_QT_LEVELS[kind], "Qt (%s): %s", context.category, message)
    finally:
        _reporting.is_busy = False


def _log_to_file() -> None:
    """Write a small log file; where that is impossible, the program runs without one."""
    try:
        paths.log_folder().mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            paths.log_folder() / "fovea.log", maxBytes=500_000, backupCount=1, encoding="utf-8", errors="replace"
        )
    except OSError:
        return
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(file)
