"""Opens the comparison of models from the main window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from gui.session.session import Session
from gui.widgets.notices import Notices

if TYPE_CHECKING:
    from gui.models.compare import CompareWindow


class CompareController(QObject):
    """Opens the window *Compare*, which is created when it is first needed."""

    def __init__(self, session: Session, notices: Notices, parent: QWidget) -> None:
        """The window *Compare* stays above the window of `parent`."""
        super().__init__(parent)
        self._session, self._notices, self._parent = session, notices, parent
        self.window: CompareWindow | None = None

    def open(self, reference: str = "") -> None:
        """Show the window, and compare this model, `name` or `name@version`, if one is given."""
        is_new = self.window is None
        self.window = self.window or self._make()
        self.window.bring_up()
        if reference or is_new:
            self.window.choose(reference)

    def close(self) -> None:
        """Close the window together with the main window."""
        if self.window is not None:
            self.window.close()

    def _make(self) -> CompareWindow:
        from gui.models.compare import CompareWindow
        from gui.plots import warm

        result = CompareWindow(self._session, self._parent)
        warm(result)
        result.noticed.connect(self._notices.show_one)
        return result
