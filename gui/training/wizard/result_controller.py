"""Last step: the new model is put to use or exported, and labels that its mistakes show to be wrong are corrected."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget

from core.base.i18n import tr
from core.datasets.values import FolderRead
from gui.session.session import Session
from gui.tasks.notice import NoticeKind
from gui.training.wizard.photos_controller import PhotosController
from gui.training.wizard.result_step import ResultStep
from gui.training.wizard.training_controller import TrainingController
from gui.widgets.files import show_in_folder
from gui.widgets.notices import Notices


class ResultController(QObject):
    """Decides what becomes of the new model.

    Attributes:
        again_wanted: train again; whether to repeat the training at once with the changed labels.
        finished: the new model is in use, and the keyboard focus is to move on.
    """

    finished = Signal()
    again_wanted = Signal(bool)

    def __init__(
        self,
        session: Session,
        photos: PhotosController,
        training: TrainingController,
        notices: Notices,
        pages: QStackedWidget,
    ) -> None:
        super().__init__(pages)
        self._session, self._photos, self._training = session, photos, training
        self._notices, self._pages = notices, pages

    @cached_property
    def step(self) -> ResultStep:
        """What the user sees."""
        session = self._session
        step = ResultStep(session.pictures, session.library.tasks, session.models.title_of, self._pages)
        step.noticed.connect(self._notices.show_one)
        step.use_wanted.connect(self._use)
        step.finished.connect(self.finished)
        step.again_wanted.connect(self.again_wanted)
        step.overridden.connect(self._photos.override_labels)
        step.class_wanted.connect(self._photos.choose_class)
        step.undo_wanted.connect(self._photos.undo)
        step.exported.connect(self._on_exported)
        step.view.map_created.connect(lambda it: session.explaining.serve_version(it, session.library.tasks))
        session.closing.connect(step.exporting.strip.stop)
        self._pages.addWidget(step)
        return step

    def show_labels(self, read: FolderRead) -> None:
        """Show which labels were changed, and how many of the changes the model was not trained on."""
        new = len(_labels(read) ^ _labels(self._training.read))
        self.step.show_overrides(read.overridden, read.confirmed, new=new, can_undo=self._photos.can_undo)

    def _use(self) -> None:
        summary = self.step.result
        assert summary is not None
        if summary.in_use:
            self._session.models.open(model=summary.name)
            self.step.show_in_use()
        else:
            task = self._session.library.activate(summary.name, summary.version)
            task.succeeded.connect(self.step.show_in_use)
            task.failed.connect(self._notices.show_error)

    def _on_exported(self, text: str, file: Path | None) -> None:
        offer = None if file is None else (tr("Open folder"), lambda: show_in_folder(file))
        self._notices.show_notice(text, NoticeKind.ERROR if file is None else NoticeKind.SUCCESS, action=offer)


def _labels(read: FolderRead | None) -> frozenset[tuple[Path, str | None]]:
    """The labels that the user changed."""
    return frozenset((one.path, one.label) for one in read.overridden) if read is not None else frozenset()
