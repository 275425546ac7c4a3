"""The menu of recent files and folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from core.base.i18n import tr
from core.base.text import display_path
from core.images.listing import IMAGE_SUFFIXES
from gui.widgets.second_window import window_settings

_MOST: Final = 10
_KEY: Final = "recent"


class RecentMenu(QObject):
    """Remembers what was opened: each folder, and a file that was opened alone."""

    def __init__(self, menu: QMenu, open_: Callable[[list[Path]], object]) -> None:
        """`open_` opens what is chosen in the menu."""
        super().__init__(menu)
        self._menu, self._open = menu, open_
        self._settings = window_settings()
        menu.aboutToShow.connect(self._fill)
        menu.setEnabled(bool(self.paths()))

    def paths(self) -> list[Path]:
        """The remembered files and folders, the latest first."""
        stored = self._settings.value(_KEY)
        texts = stored if isinstance(stored, list) else [stored]  # Qt stores a list of one as a string
        return [Path(one) for one in texts if isinstance(one, str) and one]

    def remember(self, opened: Iterable[Path]) -> None:
        """Remember what was opened."""
        chosen = list(opened)
        alone = len(chosen) == 1
        fresh = [one for one in chosen if alone or one.suffix.lower() not in IMAGE_SUFFIXES]
        self._store([*dict.fromkeys((*fresh, *self.paths()))][:_MOST])

    def _store(self, found: Iterable[Path]) -> None:
        texts = [str(one) for one in found]
        self._settings.setValue(_KEY, texts)
        self._menu.setEnabled(bool(texts))

    def _fill(self) -> None:
        self._menu.clear()
        for path in self.paths():
            self._menu.addAction(display_path(path).replace("&", "&&"), partial(self._open, [path]))
        self._menu.addSeparator()
        self._menu.addAction(tr("&Clear recent"), partial(self._store, ()))
