"""Take pictures of the real window with the shipped models and sample photos, in light and dark, at 100 % and 200 %.

    xvfb-run -a -s "-screen 0 2600x1800x24" uv run --extra intel python packaging/screenshots.py [FOLDER]

Without a folder the README's picture is made anew. Each picture is taken by a process of its own, because Qt reads the
scale only at its start.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from gui.shell.main_window import MainWindow

HERE = Path(__file__).resolve().parent
README_PICTURE = HERE / "screenshot.png"
PATIENCE_MS = 60_000


def empty(window: MainWindow) -> None:
    """The window as a newcomer finds it."""


def photos(window: MainWindow) -> None:
    """The samples, and whatever FOVEA_PHOTOS names, read."""
    from gui.photos.empty_state import SAMPLES

    more = os.environ.get("FOVEA_PHOTOS")
    window.session.photo_list.add([*SAMPLES, *([Path(more)] if more else [])])


def models(window: MainWindow) -> None:
    """What is installed."""
    from gui.shell.rail import Page

    window.pages.show_page(Page.MODELS)


def palette(window: MainWindow) -> None:
    """An action found by typing."""
    photos(window)
    window.commands.palette.open()


def refused(window: MainWindow) -> None:
    """An image that cannot be read, and a provider that does not work here."""
    from core.base.providers import ProviderPreference

    photos(window)
    window.session.photo_list.add([Path(__file__)])
    window.session.models.open(provider=ProviderPreference.CUDA)


def licences(window: MainWindow) -> QWidget:
    """What Fovea is made of, in a window of its own."""
    from gui.shell.actions import ActionId
    from gui.shell.licences_dialog import LicencesDialog

    window.actions_by_id[ActionId.LICENCES].trigger()
    shown = window.findChildren(LicencesDialog)[0]
    shown.search.setText("libjpeg")
    return shown


SCENES: Mapping[str, Callable[[MainWindow], QWidget | None]] = {
    "empty": empty,
    "photos": photos,
    "models": models,
    "palette": palette,
    "refused": refused,
    "licences": licences,
}


def take(scene: str, theme_name: str, file: Path) -> None:
    """Open the window, set the scene, wait until nothing is left to do, and write the picture."""
    from PySide6.QtCore import QElapsedTimer, QTimer
    from PySide6.QtWidgets import QApplication

    from core.base.settings import Theme
    from gui.shell.main_window import MainWindow
    from gui.widgets import theme

    application = QApplication([])
    application.setStyle("Fusion")
    window = MainWindow()
    window.session.settings.change(theme=Theme(theme_name))
    theme.apply(application, Theme(theme_name))
    window.show()
    clock, poll, shown = QElapsedTimer(), QTimer(interval=200), []
    clock.start()

    def look() -> None:
        session = window.session
        if clock.elapsed() > PATIENCE_MS:
            raise SystemExit(f"{scene}: still busy after {PATIENCE_MS / 1000:.0f} s")
        if session.models.in_use is None or session.models.opening:
            return
        if not shown:
            shown.append(SCENES[scene](window) or window)
            clock.restart()
        elif clock.elapsed() > 2500 and not session.engine.waiting_count and not session.pictures.is_listing:
            poll.stop()
            shown[0].grab().save(str(file))
            window.close()

    poll.timeout.connect(look)
    poll.start()
    application.exec()


def main() -> None:
    """Take every picture, or with `--one` the one asked for."""
    if sys.argv[1:2] == ["--one"]:
        take(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
        return
    wanted = [("photos", "light", 1, README_PICTURE)]
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        wanted = [
            (scene, theme, scale, folder / f"{scene}-{theme}-{scale}00.png")
            for scene in SCENES
            for theme in ("light", "dark")
            for scale in (1, 2)
        ]
    for scene, theme, scale, file in wanted:
        with tempfile.TemporaryDirectory() as home:
            environment = {**os.environ, "FOVEA_HOME": home, "QT_SCALE_FACTOR": str(scale)}
            arguments = [sys.executable, __file__, "--one", scene, theme, str(file)]
            subprocess.run(arguments, env=environment, cwd=HERE.parent, check=True)
        print(file)


if __name__ == "__main__":
    main()
