"""Starting the window: one QApplication, what happens to unexpected errors, and the first files."""

from __future__ import annotations

import gc
import logging
import logging.handlers
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from core import paths
from gui import theme
from gui.main_window import MainWindow
from gui.relay import Relay

_log = logging.getLogger("fovea")


def run(files: Sequence[Path]) -> int:
    """Open the window with these files and folders in it; returns the program's exit code."""
    application, window = open_window(files)
    _watch_for_bugs(window)
    return application.exec()


def open_window(files: Sequence[Path]) -> tuple[QApplication, MainWindow]:
    """Make the one QApplication and show the window; nothing is read from disk but settings, icons and samples."""
    # With 100,000 photos in the list a full collection takes 100 ms; what a window makes has few cycles.
    gc.set_threshold(100_000, 50, 100)
    application = QApplication(sys.argv[:1])
    application.setApplicationName("Fovea")
    application.setStyle("Fusion")
    application.setAttribute(Qt.ApplicationAttribute.AA_DontShowIconsInMenus)
    window = MainWindow()
    theme.apply(application, window.session.settings.value.theme)
    window.restore_place()
    window.show()
    if files:
        window.session.add(files)
    return application, window


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


def _log_to_file() -> None:
    """Keep a small log; without a place to write it the program runs all the same."""
    try:
        paths.log_folder().mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(paths.log_folder() / "fovea.log", maxBytes=500_000, backupCount=1)
    except OSError:
        return
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(file)
