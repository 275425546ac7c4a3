"""After a crash of the real program, the next window offers the report once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from core.base import crash_log, paths
from core.base.crash_log import CrashReport
from gui.app import crash_report
from gui.app.crash_report import CrashWindow
from gui.shell.main_window import MainWindow
from tests.gui.conftest import PATIENCE_MS, show_window
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")

REPORT = CrashReport(
    "Fatal Python error: Segmentation fault\n  in crash", Path("/logs/crash-last.log"), is_from_window=True
)

# The real program, with an action half a second after its window is shown.
_PROGRAM = """
import ctypes, json, os, sys
from PySide6.QtCore import QTimer, qCritical, qWarning
from PySide6.QtWidgets import QPushButton
from gui.app import application

class Bad:
    def __del__(self):
        raise ValueError("in a finalizer")

def crash():
    ctypes.string_at(0)

def close(window):
    qWarning("a Qt warning with é")
    qCritical("a critical Qt message")
    Bad()
    print(json.dumps(window.notices.texts()), flush=True)
    for button in window.notices.findChildren(QPushButton):
        button.click()  # the report is shown, and must not keep the program running after its window is closed
    window.close()

def opened(files):
    made, window = open_window(files)
    QTimer.singleShot(500, crash if sys.argv[1] == "crash" else lambda: close(window))
    return made, window

open_window, application.open_window = application.open_window, opened
if __name__ == "__main__":
    sys.exit(application.run([]))
"""


def run_program(folder: Path, action: str) -> subprocess.CompletedProcess[str]:
    script = folder / "program.py"
    script.write_text(_PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, str(script), action]
    return subprocess.run(
        arguments, env=environment, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def test_the_next_start_offers_the_crash_report_once(tmp_path: Path) -> None:
    assert run_program(tmp_path, "crash").returncode not in (0, 1)
    second = run_program(tmp_path, "close")
    assert second.returncode == 0
    assert "Fovea quit unexpectedly last time." in second.stdout
    assert "in crash" in (paths.log_folder() / "crash-last.log").read_text()
    third = run_program(tmp_path, "close")
    assert third.returncode == 0
    assert third.stdout == "[]\n"
    assert [path.name for path in paths.log_folder().glob("crash-*")] == ["crash-last.log"]


def test_qt_messages_and_finalizer_errors_are_logged(tmp_path: Path) -> None:
    assert run_program(tmp_path, "close").returncode == 0
    log = (paths.log_folder() / "fovea.log").read_text(encoding="utf-8")
    assert "WARNING fovea Qt (default): a Qt warning with é" in log
    assert "ERROR fovea Qt (default): a critical Qt message" in log
    assert "ValueError: in a finalizer" in log


def logs() -> list[Path]:
    """Those of running processes, and of processes that crashed."""
    return list(paths.log_folder().glob("crash-*"))


def buttons(window: CrashWindow) -> dict[str, QPushButton]:
    return {button.text().replace("&", ""): button for button in window.findChildren(QPushButton)}


def test_the_report_is_shown_without_blocking_and_copied(qtbot: QtBot, tiny_model: str) -> None:
    window = show_window(qtbot)
    crash_report.show_notice(REPORT, window.notices, window)
    show = next(button for button in window.notices.findChildren(QPushButton) if button.text() == "Show")
    qtbot.mouseClick(show, Qt.MouseButton.LeftButton)
    assert window.notices.texts() == []
    (shown,) = window.findChildren(CrashWindow)
    assert shown.isVisible()
    assert not shown.isModal()
    (lines,) = shown.findChildren(QPlainTextEdit)
    assert lines.toPlainText() == REPORT.text
    assert lines.isReadOnly()
    assert lines.accessibleName()
    assert any(str(REPORT.file) in line.text() for line in shown.findChildren(QLabel))
    qtbot.mouseClick(buttons(shown)["Copy"], Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == REPORT.text
    assert "Copied" in buttons(shown)
    with qtbot.waitSignal(shown.destroyed, timeout=PATIENCE_MS):
        qtbot.mouseClick(buttons(shown)["Close"], Qt.MouseButton.LeftButton)
    window.close()


def test_escape_closes_the_report(qtbot: QtBot, tiny_model: str) -> None:
    window = show_window(qtbot)
    shown = CrashWindow(REPORT, window)
    shown.show()
    with qtbot.waitSignal(shown.destroyed, timeout=PATIENCE_MS):
        qtbot.keyClick(shown, Qt.Key.Key_Escape)
    window.close()


@pytest.mark.skipif(os.name == "nt", reason="SIGSEGV cannot be sent on Windows")
def test_an_engine_crash_is_logged_and_reported_as_a_crash_of_a_part(window: MainWindow, qtbot: QtBot) -> None:
    number = window.session.engine.tasks.process_id
    assert number is not None
    log = paths.log_folder() / f"crash-engine-{number}.log"
    assert log.read_bytes() == b""
    os.kill(number, signal.SIGSEGV)
    qtbot.waitUntil(lambda: window.session.engine.tasks.process_id not in (None, number), timeout=PATIENCE_MS)
    assert b"Segmentation fault" in log.read_bytes()
    report = crash_log.collect_reports()
    assert report is not None
    crash_report.show_notice(report, window.notices, window)
    assert any(text.startswith("A part of Fovea stopped unexpectedly") for text in window.notices.texts())


def test_helpers_that_end_normally_leave_no_log(window: MainWindow, qtbot: QtBot) -> None:
    started = {"crash-engine", "crash-pictures", "crash-training"}  # with the window; the last when its page is made
    qtbot.waitUntil(lambda: started <= {log.stem.rpartition("-")[0] for log in logs()}, timeout=PATIENCE_MS)
    window.close()
    qtbot.waitUntil(lambda: logs() == [], timeout=PATIENCE_MS)


def test_a_killed_helper_leaves_no_report(window: MainWindow, qtbot: QtBot) -> None:
    number = window.session.engine.tasks.process_id
    assert number is not None
    os.kill(number, signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    qtbot.waitUntil(lambda: window.session.engine.tasks.process_id not in (None, number), timeout=PATIENCE_MS)
    assert crash_log.collect_reports() is None
