"""Opens the wizard from the main window, and reports its training there while it runs in the background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from gui.session.session import Session
from gui.tasks.notice import NoticeKind
from gui.widgets.lazy import Lazy
from gui.widgets.notices import Notices

if TYPE_CHECKING:
    from core.training.request import TrainRequest
    from gui.training.wizard.window import TrainingWizard

_WARNED_MS: Final = 10_000
"""How long a second request to close counts as the answer to the warning."""


class WizardController(QObject):
    """Opens the wizard, which is created ahead of time or when it is first needed.

    Attributes:
        status_changed: the progress of the training, as one line; empty when none is in progress.
        close_wanted: close Fovea although a training is in progress.
        wizard: the wizard; None until it is first shown.
        line: the progress of the training.
    """

    status_changed = Signal(str)
    close_wanted = Signal()

    def __init__(self, session: Session, notices: Notices, parent: QWidget) -> None:
        """The wizard stays above the window of `parent`."""
        super().__init__(parent)
        self._session, self._notices, self._parent = session, notices, parent
        self._made = Lazy(self._make)
        self.wizard: TrainingWizard | None = None
        self.line = ""
        self._is_warned = False

    def open(self, folder: Path | None = None) -> None:
        """Show the wizard, with this folder where one is given."""
        wizard = self._shown()
        if folder is not None:
            wizard.open_folder(folder)

    def open_with(self, classes: Mapping[str, Sequence[Path]], name: str) -> None:
        """Show the wizard with a new dataset of these photos.

        Args:
            classes: the photos of each class; they stay where they are, the dataset links or copies them.
            name: of the dataset; if it is taken, a number is appended.
        """
        self._shown().build(name, classes)

    def can_close(self) -> bool:
        """Whether the window may close now; if that would stop a training, the user is warned first."""
        wizard = self.wizard
        if wizard is None or not wizard.training.is_running or self._is_warned:
            return True
        self._is_warned = True
        QTimer.singleShot(_WARNED_MS, self, self._clear_warned)
        self._notices.show_notice(
            tr(
                "“{name}” is still training. If you close Fovea, the training stops; its progress is saved, and you "
                "can resume it later.",
                name=wizard.training.name,
            ),
            NoticeKind.WARNING,
            action=(tr("Close anyway"), self.close_wanted.emit),
        )
        return False

    def _clear_warned(self) -> None:
        self._is_warned = False

    def _shown(self) -> TrainingWizard:
        if self.wizard is None:
            from gui.plots import warm

            self.wizard = self._made.get()
            warm(self.wizard)
        self.wizard.bring_up()
        return self.wizard

    def prepare(self) -> None:
        """Create the wizard, so that it opens without delay."""
        self._made.get()

    def resume(self, request: TrainRequest) -> None:
        """Show the training step of the wizard and resume this run there, unless another training is in progress."""
        self._shown().resume(request)

    def close(self) -> None:
        """Close the wizard; the progress of an unfinished training is kept."""
        if self.wizard is not None:
            self.wizard.close()

    def _make(self) -> TrainingWizard:
        from gui.training.wizard.window import TrainingWizard

        wizard = TrainingWizard(self._session, self._parent)
        wizard.training.status_changed.connect(self.show_progress)
        wizard.finished.connect(self._on_finished)
        wizard.hid.connect(self._show_hidden)
        return wizard

    def show_progress(self, line: str) -> None:
        """Report the progress of the training."""
        self.line = line
        self.status_changed.emit(line)

    def _on_finished(self, name: str, headline: str) -> None:
        self._session.models.refresh()
        if self.wizard is not None and not self.wizard.isVisible():
            self._notices.show_success(
                tr("“{name}” is trained: {headline}.", name=name, headline=headline), action=(tr("Show"), self.open)
            )

    def _show_hidden(self) -> None:
        self._notices.show_notice(tr("Training continues in the background."))
