"""Real programs for drags between them, which print a line of JSON for each event.

`source FILE...` is a window to drag files from; `target` is Fovea, reporting predictions; `look FILE` reports the text
in the clipboard and saves a picture of the screen.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, Qt, QTimer, QUrl
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QLabel

LOOK_S = 3


class Source(QLabel):
    """A small window from which files can be dragged, as from a file manager."""

    def __init__(self, files: list[str]) -> None:
        super().__init__("drag me")
        self._files = files
        self.setGeometry(900, 40, 200, 120)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        drag = QDrag(self)
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(name) for name in self._files])
        drag.setMimeData(mime)
        action = drag.exec(Qt.DropAction.CopyAction)
        report(dropped=action is Qt.DropAction.CopyAction)


def report(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def run_source(files: list[str]) -> None:
    application = QApplication([])
    window = Source(files)
    window.show()
    QTimer.singleShot(500, lambda: report(ready=True))
    application.exec()


def run_target() -> None:
    from gui.shell.main_window import MainWindow

    application = QApplication([])
    application.setStyle("Fusion")
    window = MainWindow()
    window.move(QPoint(0, 0))
    window.resize(860, 700)
    window.session.models.changed.connect(lambda: report(ready=window.session.models.in_use is not None))
    window.session.photos.outcome_changed.connect(
        lambda row: report(answer=window.session.photos.index(row).data(), page=window.photos_page.gallery.isVisible())
    )
    window.show()
    application.exec()


def look(picture: str) -> None:
    """Report the text in the clipboard once there is some or `LOOK_S` are over; save a picture of the whole screen."""
    application = QApplication([])
    screen = application.primaryScreen()
    end = time.monotonic() + LOOK_S

    def report_text() -> None:
        text = application.clipboard().text()
        if text or time.monotonic() > end:
            screen.grabWindow(0).save(picture)
            report(clipboard=text)
            application.quit()

    timer = QTimer(application)
    timer.timeout.connect(report_text)
    timer.start(50)
    application.exec()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["source", *names]:
            run_source([str(Path(name).absolute()) for name in names])
        case ["look", name]:
            look(name)
        case _:
            run_target()
