"""The way from the main window into the wizard, and what the main window shows of a training that goes on behind it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from core.images.folders import has_class_folders, printable
from gui.notices import Notices
from gui.relay import Relay
from gui.session import Session

if TYPE_CHECKING:
    from gui.wizard.window import TrainingWizard


class Teaching(QObject):
    """Opens the wizard, which is made when it is first wanted.

    Attributes:
        went_on: how far a training is, as one line; empty when none is under way.
    """

    went_on = Signal(str)

    def __init__(self, session: Session, notices: Notices, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._notices, self._window = session, notices, window
        self.wizard: TrainingWizard | None = None
        self._relay = Relay(self)
        self._looker = ThreadPoolExecutor(1, thread_name_prefix="folders")

    def open(self, folder: Path | None = None) -> None:
        """Show the wizard, with this folder where one is given."""
        if self.wizard is None:
            self.wizard = self._make()
        self.wizard.show()
        self.wizard.raise_()
        self.wizard.activateWindow()
        if folder is not None:
            self.wizard.open_folder(folder)

    def offer(self, dropped: Sequence[Path]) -> None:
        """Offer to learn from a folder that was dropped, if it has subfolders of photos."""
        if len(dropped) == 1:
            self._looker.submit(self._look, dropped[0])

    def close(self) -> None:
        """End what runs beside the window; an unfinished training is kept as it is."""
        self._looker.shutdown(wait=False, cancel_futures=True)
        if self.wizard is not None:
            self.wizard.end()
            self.wizard.close()

    def _make(self) -> TrainingWizard:
        from gui.plots import warm
        from gui.wizard.window import TrainingWizard

        wizard = TrainingWizard(self._session, self._window)
        warm(wizard)
        wizard.went_on.connect(self.went_on)
        wizard.finished.connect(self._session.engine.list_models)
        wizard.hid.connect(self._tell_hidden)
        return wizard

    def _look(self, folder: Path) -> None:  # a thread of its own
        if has_class_folders(folder):
            self._relay.post(self._offer, folder)

    def _offer(self, folder: Path) -> None:
        self._notices.tell(
            f"“{printable(folder.name)}” has a folder for each of several things. Fovea can learn to tell them apart.",
            offer=("Teach a new model", lambda: self.open(folder)),
        )

    def _tell_hidden(self) -> None:
        self._notices.tell("The training goes on in the background.", offer=("Show it", self.open))
