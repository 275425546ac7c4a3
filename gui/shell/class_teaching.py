"""Teaches a model the class that the user made of photos on the *Folders* page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.base.i18n import tr
from gui.folders.page import FoldersPage
from gui.folders.results_page import ResultsPage
from gui.photos.page import PhotosPage
from gui.photos.retrain_strip import RetrainStrip
from gui.photos.retraining import Phase
from gui.session.session import Session
from gui.tasks.notice import Notice
from gui.training.wizard_controller import WizardController


class ClassTeaching(QObject):
    """Retrains the model of a job, or has a new model trained that keeps its classes.

    Attributes:
        photos_wanted: show the *Photos* page.
        strip: how the retraining goes, on the page of results; None until that is created.
    """

    photos_wanted = Signal()

    def __init__(self, session: Session, photos: PhotosPage, folders: FoldersPage, wizard: WizardController) -> None:
        super().__init__(folders)
        self._session, self._photos, self._folders, self._wizard = session, photos, folders, wizard
        self.strip: RetrainStrip | None = None
        self._asked: tuple[str, str, Sequence[Path]] | None = None
        folders.stack.results_created.connect(self._on_results)
        session.models.changed.connect(self._go_on)

    def _on_results(self, results: ResultsPage) -> None:
        strip = self.strip = RetrainStrip(self._photos.retraining, results)
        strip.changes_wanted.connect(self._photos.show_changes)
        strip.labels_wanted.connect(self.photos_wanted)
        strip.labels_wanted.connect(self._photos.strip.labels_wanted)
        strip.training_wanted.connect(self._photos.strip.training_wanted)
        results.add_below(strip)
        retraining = self._photos.retraining
        retraining.changed.connect(lambda: results.show_learning(is_learning=retraining.phase is Phase.RUNNING))
        results.new_class.given.connect(self.teach)

    def teach(self, label: str, paths: Sequence[Path]) -> None:
        """Have the model of the job learn a class from labelled photos; it is opened first if another is in use."""
        job, models = self._folders.job, self._session.models
        if job is None:
            return
        if job.model not in models.installed:
            text = tr("The photos are labelled, but the model “{name}” is not installed any more.", name=job.model)
            self._session.noticed.emit(Notice(text))
            return
        self._asked = job.model, label, paths
        if models.name != job.model:
            models.open(model=job.model)
        self._go_on()

    def _go_on(self) -> None:
        """Train, once the model of the job is in use."""
        model = self._session.models.current
        if self._asked is None or model is None or self._session.models.opening or model.card.name != self._asked[0]:
            return
        (_, label, paths), self._asked = self._asked, None
        if model.has_training_data:
            self._photos.retraining.start()
        else:
            self._wizard.open_with({label: paths}, label)
