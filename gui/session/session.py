"""The state behind the window: the photos in it, the model in use, and the helper processes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer, Signal

from core.base.errors import FoveaError, TrainerDiedError
from core.base.i18n import tr
from core.datasets.labels import shared_classes
from gui.session.correction_store import CorrectionStore
from gui.session.explaining import Explaining
from gui.session.forgetting import Forgetting
from gui.session.library_watch import LibraryWatch
from gui.session.model_controller import ModelController
from gui.session.pasted_images import PastedImages
from gui.session.photo_list import PhotoListController
from gui.session.photo_list_store import PhotoListStore
from gui.session.photos_model import PhotosModel
from gui.session.settings_store import SettingsStore
from gui.tasks.engine_client import EngineClient
from gui.tasks.notice import Notice, NoticeKind
from gui.tasks.picture_client import PictureClient

if TYPE_CHECKING:
    from gui.session.library_controller import LibraryController
    from gui.tasks.task import Tasks

_PROGRESS_INTERVAL_MS: Final = 200


class Session(QObject):
    """The state of one run of the window.

    Attributes:
        progressed: counts, speed or latency changed; emitted at most a few times a second.
        noticed: a notice for the user.
        closing: the window closes; whatever runs in the background stops now.
        photos: the photos, in the order of their rows.
        photo_list: adds and removes them.
        explaining: where the model looked.
        forgetting: forgets training photos.
    """

    progressed = Signal()
    noticed = Signal(object)
    closing = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.settings = SettingsStore(self)
        self.corrections = CorrectionStore(self)
        self.engine = EngineClient(self)
        self.explaining = Explaining(self.engine, self)
        self.pictures = PictureClient(self)
        self.models = ModelController(self.engine, self.settings, self)
        self.forgetting = Forgetting(lambda: self.training, self.models, self.corrections, self.settings, self)
        self.photos = PhotosModel(self.pictures, self.corrections, self)
        self.photo_list = PhotoListController(self.photos, self.engine, self.pictures, self.models, self)
        self.kept_list = PhotoListStore(self.photos, self)
        self.pasted = PastedImages(self)
        self.watch = LibraryWatch(self)
        self._is_closed = False
        self._progress_timer = QTimer(self, interval=_PROGRESS_INTERVAL_MS, singleShot=True)
        self._progress_timer.timeout.connect(self.progressed)
        self._connect()

    def _connect(self) -> None:
        for notices in (self.models.noticed, self.engine.noticed, self.forgetting.noticed, self.photo_list.noticed):
            notices.connect(self.noticed)
        for warnings in (self.settings.damaged, self.engine.tasks.warned):
            warnings.connect(self._on_warned)
        for errors in (self.settings.failed, self.corrections.failed, self.pasted.failed, self.kept_list.failed):
            errors.connect(self._emit_error)
        self.models.changed.connect(self._on_models_changed)
        self.engine.classified.connect(self.photos.set_outcome)
        self.engine.waiting_changed.connect(self._emit_progress)
        self.engine.tasks.failed.connect(self._on_failed)
        self.pictures.tasks.failed.connect(self._on_failed)
        self.kept_list.found.connect(self.photo_list.add_quietly)
        self.pasted.saved.connect(lambda file: self.photo_list.add((file,)))
        self.watch.changed.connect(self.models.refresh)
        self.watch.settings_written.connect(self.settings.read_again)
        self.settings.changed_elsewhere.connect(self._on_changed_elsewhere)

    def start(self) -> None:
        """Start the helper processes and open the model, without blocking; does nothing after `close`."""
        if self._is_closed:
            return
        self.models.refresh()
        self.pictures.start()
        self.kept_list.start()
        self.watch.start()
        self.models.open()

    def close(self) -> None:
        """Stop all background work."""
        self._is_closed = True
        self.photo_list.undo_stack.clear()  # now, as it would signal that while it is deleted
        self.closing.emit()
        self.pasted.close()
        self.kept_list.close()
        self.watch.close()
        self.engine.tasks.close()
        self.pictures.tasks.close()
        self.corrections.close()
        self.settings.close()

    # ---- the model in use

    def _on_models_changed(self) -> None:
        opening, opened = self.models.opening, self.models.in_use
        if opening:
            self.photos.show_in_use(opening, None)
        elif opened is not None:
            self.photos.show_in_use(opened.name, opened.version, opened.detection)
        shared = {name: shared_classes(model.card) for name, model in self.models.installed.items()}
        self.corrections.set_classes(shared)

    def _on_changed_elsewhere(self, names: frozenset[str]) -> None:
        """Follow `fovea models use` in a terminal."""
        if names & {"model", "provider", "precision", "crop", "count_objects"}:
            self.models.open()

    def _emit_progress(self) -> None:
        if not self._progress_timer.isActive():
            self._progress_timer.start()

    # ---- helper processes

    @cached_property
    def library(self) -> LibraryController:
        """The model library, created on first use."""
        from gui.session.library_controller import LibraryController

        result = LibraryController(self.models, self)
        result.tasks.warned.connect(self._on_warned)
        self.closing.connect(result.tasks.close)
        return result

    @cached_property
    def training(self) -> Tasks:
        """The training process, created on first use."""
        from core.services.processes import serve_training
        from gui.tasks.task import Tasks

        result = Tasks(serve_training, _training_exit_error(), self)
        result.warned.connect(self._on_warned)
        self.closing.connect(result.close)
        return result

    def _on_failed(self) -> None:
        text = tr("A part of Fovea couldn't start. Run `fovea doctor` to see what is missing, or install Fovea again.")
        self.noticed.emit(Notice(text, NoticeKind.ERROR))

    def _on_warned(self, text: str) -> None:
        self.noticed.emit(Notice(text, NoticeKind.WARNING))

    def _emit_error(self, error: FoveaError) -> None:
        self.noticed.emit(Notice.of(error))


def _training_exit_error() -> TrainerDiedError:
    return TrainerDiedError(
        tr("The training process stopped unexpectedly."),
        hint=tr("Try again: finished work is kept. If it happens again, close other programs to free memory."),
    )
