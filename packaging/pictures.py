"""Waiting in a live window, and taking pictures of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QWidget

PATIENCE_S: Final = 600.0


class Walk:
    """A walk through a window, whose pictures go to a folder."""

    def __init__(self, application: QApplication, shown: QWidget, folder: Path) -> None:
        self.folder = folder
        self._application, self._shown = application, shown

    def wait(self, until: Callable[[], bool]) -> None:
        """Let the window live until something is so."""
        end = time.monotonic() + PATIENCE_S
        while not until():
            if time.monotonic() > end:
                raise SystemExit(f"not done after {PATIENCE_S:.0f} s")
            self._application.processEvents()
            time.sleep(0.01)

    def take(self, name: str, after_s: float = 1.5) -> None:
        """Take a picture when everything is drawn."""
        end = time.monotonic() + after_s
        self.wait(lambda: time.monotonic() > end)
        self._shown.grab().save(str(self.folder / f"{name}.png"))
