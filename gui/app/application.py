"""Starting the window: one QApplication, what happens to unexpected errors, and the first files."""

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
from gui.app import single_instance
from gui.app.gc_timer import Collector
from gui.shell.main_window import MainWindow
from gui.tasks.main_thread import Relay
from gui.widgets import icons

_log = logging.getLogger("fovea")
_QT_LEVELS: Final = {
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_SWITCH_S: Final = 0.001
"""How long the window's thread waits for the interpreter while another thread computes or imports; Python's own wait of
5 ms, paid again and again while widgets are made, can be felt."""
_CLOSING_S: Final = 8.0
"""How long the window may take to close once a signal told it to, helpers included."""
_telling = threading.local()


def run(files: Sequence[Path]) -> int:
    """Show these files and folders in the window, the one that is open if one is; returns the program's exit code."""
    place = single_instance.Place()
    if place.hand_over(files):
        return 0
    crash = crash_log.take_left()
    with crash_log.kept(crash_log.WINDOW):
        application, window = open_window(files)
        _watch_for_bugs(window)
        if crash is not None:
            from gui.app import crash_report

            crash_report.offer(crash, window.notices, window)
        relay = Relay(window)
        shutdown.end_on_signals(lambda: relay.post(lambda _: window.close(), None), grace_s=_CLOSING_S)
        place.listen(lambda call: answer(window, call))
        application.lastWindowClosed.connect(place.leave)
        try:
            return application.exec()
        finally:
            qInstallMessageHandler(None)  # Python must not be called any more once it ends


def open_window(files: Sequence[Path]) -> tuple[QApplication, MainWindow]:
    """Make the one QApplication and show the window; nothing is read from disk but settings, icons and samples."""
    sys.setswitchinterval(_SWITCH_S)
    application = QApplication(sys.argv[:1])
    application.setApplicationName("Fovea")
    application.setDesktopFileName("fovea")  # by this name Wayland finds the entry of `fovea --install`, and its icon
    application.setWindowIcon(icons.program_icon())
    application.setStyle("Fusion")
    application.setAttribute(Qt.ApplicationAttribute.AA_DontShowIconsInMenus)
    window = MainWindow()
    Collector(window)
    window.restore_place()
    window.show()
    if files:
        window.session.add(files)
    return application, window


def answer(window: MainWindow, call: single_instance.Call) -> None:
    """Do what a later start of the program wants."""
    if call.files:
        window.session.add(call.files)
    single_instance.come_forward(window, call.token)


def _watch_for_bugs(window: MainWindow) -> None:
    """Log whatever nobody expected and tell the person, from any thread, without ending the program."""
    _log_to_file()
    relay = Relay(window)

    def report(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            relay.post(lambda _: window.close(), None)
            return
        _log.error("unexpected: %s", "".join(traceback.format_exception(kind, error, trace)))
        relay.post(window.notices.tell, f"Something unexpected happened: {kind.__name__}: {error}. It is in the log.")

    sys.excepthook = report
    threading.excepthook = lambda args: report(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = _log_unraisable
    qInstallMessageHandler(_log_qt)


def _log_unraisable(left: sys.UnraisableHookArgs) -> None:
    """Errors while something was being thrown away: nothing that a person did failed, so none is told."""
    trace = "".join(traceback.format_exception(left.exc_type, left.exc_value, left.exc_traceback))
    _log.error("unexpected: %s %r: %s", left.err_msg or "ignored in", left.object, trace)


def _log_qt(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    """Keep what Qt complains of; what it says while one of its messages is being written is let go."""
    if kind not in _QT_LEVELS or getattr(_telling, "is_busy", False):
        return
    _telling.is_busy = True
    try:
        _log.log(_QT_LEVELS[kind], "Qt (%s): %s", context.category, message)
    finally:
        _telling.is_busy = False


def _log_to_file() -> None:
    """Keep a small log; without a place to write it the program runs all the same."""
    try:
        paths.log_folder().mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            paths.log_folder() / "fovea.log", maxBytes=500_000, backupCount=1, encoding="utf-8", errors="replace"
        )
    except OSError:
        return
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(file)
