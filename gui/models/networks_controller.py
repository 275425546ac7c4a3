"""Opens the comparison of networks from *Models* or the menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from gui.plots import warm
from gui.session.session import Session
from gui.widgets.notices import Notices

if TYPE_CHECKING:
    from gui.models.networks_window import NetworksWindow


class NetworksController(QObject):
    """Opens the window *Compare networks*, which is created when it is first needed."""

    def __init__(self, session: Session, notices: Notices, parent: QWidget) -> None:
        """The window stays above the window of `parent`."""
        super().__init__(parent)
        self._session, self._notices, self._parent = session, notices, parent
        self.window: NetworksWindow | None = None
        session.closing.connect(self._close)
        session.library.changed.connect(self._refresh)

    def open(self) -> None:
        """Show the window, once the plots can be drawn."""
        warm(self, self._show)

    def _show(self) -> None:
        if self.window is None:
            from gui.models.networks_window import NetworksWindow

            self.window = NetworksWindow(self._session.library.tasks, self._parent)
            self.window.noticed.connect(self._notices.show_one)
        self.window.refresh()
        self.window.bring_up()

    def _refresh(self) -> None:
        if self.window is not None and self.window.isVisible():
            self.window.refresh()

    def _close(self) -> None:
        if self.window is not None:
            self.window.close()
