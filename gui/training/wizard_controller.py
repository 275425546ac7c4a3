"""The way from the main window into the wizard, and what the main window shows of a training that goes on behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from core.base.text import display_path
from core.images.listing import has_class_folders
from gui.session.session import Session
from gui.tasks.main_thread import Dispatcher
from gui.widgets.notices import Notices

if TYPE_CHECKING:
    from core.training.request import TrainRequest
    from gui.training.wizard.window import TrainingWizard

_WARNED_MS: Final = 10_000
"""How long a second wish to close is taken for an answer to what was told."""


class WizardController(QObject):
    """Opens the wizard, which is made when it is first wanted.

    Attributes:
        resumed: how far a training is, as one line; empty when none is under way.
        line: that line.
    """

    resumed = Signal(str)

    def __init__(self, session: Session, notices: Notices, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._notices, self._window = session, notices, window
        self.wizard: TrainingWizard | None = None
        self.line = ""
        self._is_warned = False
        self._dispatcher = Dispatcher(self)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="folders")

    def open(self, folder: Path | None = None) -> None:
        """Show the wizard, with this folder where one is given."""
        wizard = self._shown()
        if folder is not None:
            wizard.open_folder(folder)

    def open_with(self, classes: Mapping[str, Sequence[Path]], name: str) -> None:
        """Show the wizard with a set of photos that is put together now.

        Args:
            classes: the photos of each class; they stay where they are, the set links or copies them.
            name: what the set is called; where that is taken, it gets a number.
        """
        self._shown().build(name, classes)

    def can_close(self) -> bool:
        """Whether the window may close now; where a training would end with it, the person is told and asked first."""
        wizard = self.wizard
        if wizard is None or not wizard.run.is_running or self._is_warned:
            return True
        self._is_warned = True
        QTimer.singleShot(_WARNED_MS, self, self._clear_warned)
        self._notices.show_notice(
            f"The training of “{wizard.run.name}” is under way. If Fovea closes, it ends; what it has learnt so far is "
            "kept, and the same training goes on from there another time.",
            action=("Close all the same", self._window.close),
        )
        return False

    def _clear_warned(self) -> None:
        self._is_warned = False

    def _shown(self) -> TrainingWizard:
        if self.wizard is None:
            self.wizard = self._make()
        self.wizard.show()
        self.wizard.raise_()
        self.wizard.activateWindow()
        return self.wizard

    def resume(self, request: TrainRequest) -> None:
        """Show the wizard where it trains, and have it go on with what was begun, unless it trains something else."""
        from gui.training.wizard.window import WizardStep

        wizard = self._shown()
        if not wizard.run.is_running:
            wizard.run.begin(request, images=0)
        wizard.go_to(WizardStep.TRAINING)

    def offer(self, dropped: Sequence[Path]) -> None:
        """Offer to learn from a folder that was dropped, if it has subfolders of photos."""
        if len(dropped) == 1:
            self._executor.submit(self._check_folder, dropped[0])

    def close(self) -> None:
        """End what runs beside the window; an unfinished training is kept as it is."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self.wizard is not None:
            self.wizard.end()
            self.wizard.close()

    def _make(self) -> TrainingWizard:
        from gui.plots import warm
        from gui.training.wizard.window import TrainingWizard

        wizard = TrainingWizard(self._session, self._window)
        warm(wizard)
        wizard.resumed.connect(self.show_progress)
        wizard.finished.connect(self._on_finished)
        wizard.hid.connect(self._show_hidden)
        return wizard

    def _check_folder(self, folder: Path) -> None:  # a thread of its own
        if has_class_folders(folder):
            self._dispatcher.post(self._offer, folder)

    def _offer(self, folder: Path) -> None:
        self._notices.show_notice(
            f"“{display_path(folder.name)}” has a folder for each of several things. Fovea can learn to tell them "
            "apart.",
            action=("Teach a new model", lambda: self.open(folder)),
        )

    def show_progress(self, line: str) -> None:
        """Say how far the training is."""
        self.line = line
        self.resumed.emit(line)

    def _on_finished(self, name: str, headline: str) -> None:
        self._session.engine.list_models()
        if self.wizard is not None and not self.wizard.isVisible():
            self._notices.show_notice(f"“{name}” is trained. {headline}.", action=("Show it", self.open))

    def _show_hidden(self) -> None:
        self._notices.show_notice("The training goes on in the background.", action=("Show it", self.open))
