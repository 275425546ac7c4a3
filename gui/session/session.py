"""The state behind the window: the photos in it, the model in use, and the helper processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from core.base.errors import FoveaError, TrainerDiedError
from core.base.i18n import tr, tr_n
from core.models.values import OpenedModel
from core.prediction import Failure, Prediction
from gui.session.arrivals import PhotoListing
from gui.session.correction_store import CorrectionStore
from gui.session.explaining import Explaining
from gui.session.forgetting import Forgetting
from gui.session.library_watch import LibraryWatch
from gui.session.model_controller import ModelController
from gui.session.pasted_images import PastedImages
from gui.session.photo_list_store import PhotoListStore
from gui.session.photo_view import Kind, PhotoView
from gui.session.photos_model import Photo, PhotosModel
from gui.session.settings_store import SettingsStore
from gui.session.undo import Step
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
        photos_added: photos were dropped, pasted, opened or restored; the row of the first one, new or not.
        noticed: a notice for the user.
        requested: the user opened these files and folders.
        removed: this many photos were removed from the list; `undo` restores them.
        closing: the window closes; whatever runs in the background stops now.
        photos: the photos, in the order of their rows.
        explaining: where the model looked.
        forgetting: forgets training photos.
        undo_stack: removals from the list and labels of its photos.
    """

    progressed = Signal()
    photos_added = Signal(int)
    noticed = Signal(object)
    requested = Signal(object)
    removed = Signal(int)
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
        self.kept_list = PhotoListStore(self.photos, self)
        self.pasted = PastedImages(self)
        self.watch = LibraryWatch(self)
        self.undo_stack = QUndoStack(self)
        self._is_closed = False
        self._progress_timer = QTimer(self, interval=_PROGRESS_INTERVAL_MS, singleShot=True)
        self._progress_timer.timeout.connect(self.progressed)
        self._connect()

    def _connect(self) -> None:
        for notices in (self.models.noticed, self.engine.noticed, self.forgetting.noticed):
            notices.connect(self.noticed)
        for warnings in (self.settings.damaged, self.engine.tasks.warned):
            warnings.connect(self._on_warned)
        for errors in (self.settings.failed, self.corrections.failed, self.pasted.failed, self.kept_list.failed):
            errors.connect(self._emit_error)
        self.models.changed.connect(self._on_models_changed)
        self.models.opened.connect(self._on_opened)
        self.engine.classified.connect(self.photos.set_outcome)
        self.engine.waiting_changed.connect(self._emit_progress)
        self.engine.tasks.failed.connect(self._on_failed)
        self.pictures.tasks.failed.connect(self._on_failed)
        self.kept_list.found.connect(self._on_kept)
        self.pasted.saved.connect(lambda file: self.add((file,)))
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
        self.undo_stack.clear()  # now, as it would signal that while it is deleted
        self.closing.emit()
        self.pasted.close()
        self.kept_list.close()
        self.watch.close()
        self.engine.tasks.close()
        self.pictures.tasks.close()
        self.corrections.close()
        self.settings.close()

    # ---- photos

    def add(self, chosen: Sequence[Path]) -> None:
        """Add files and the images in folders; an unreadable file becomes a row with the reason."""
        requested = tuple(path.absolute() for path in chosen)  # so that no file is listed under two names
        listing, task = PhotoListing(requested), self.pictures.list_images(requested)
        task.progressed.connect(partial(self._on_found, listing))
        self.requested.emit(requested)
        task.succeeded.connect(partial(self._on_listed, listing))

    def _on_found(self, listing: PhotoListing, paths: Sequence[Path]) -> None:
        is_first = listing.is_empty
        fresh = self.photos.add(paths)
        listing.add(paths, (photo.path for photo in fresh))
        self.engine.classify(photo.path for photo in fresh)
        if is_first:
            self._show(paths[0])

    def _on_listed(self, listing: PhotoListing, failures: Sequence[Failure]) -> None:
        """Report what could not be read, or why fewer photos were added than the user may expect."""
        for failure in failures:
            self.noticed.emit(Notice(f"{failure.message} {failure.hint}", NoticeKind.WARNING))
        summary = listing.summary()
        if summary and not (failures and listing.is_empty):
            self.noticed.emit(Notice(summary))

    def _show(self, path: Path) -> None:
        """Report that a photo was added; if the view hides it, all are shown."""
        if self.photos.row_of(path) is None:
            self.photos.arrange(PhotoView(sort=self.photos.view.sort))
        self.photos_added.emit(self.photos.row_of(path))

    def _on_kept(self, paths: Sequence[Path]) -> None:
        """Continue with the photos of the last session, without taking the user to them."""
        self.engine.classify(photo.path for photo in self.photos.add(paths))

    def show_pending(self, paths: frozenset[Path]) -> None:
        """Show photos whose labels no model has learned yet, in the list before or not."""
        self.engine.classify(photo.path for photo in self.photos.add(sorted(paths)))
        self.photos.arrange(PhotoView(Kind.PENDING, paths=paths))

    def remove(self, rows: Iterable[int]) -> None:
        """Remove photos from the list; `undo` restores them."""
        self._push_removal(self.photos.photos_in(rows))

    def clear(self) -> None:
        """Remove all photos from the list; `undo` restores them."""
        self._push_removal(self.photos.photos())

    def _push_removal(self, photos: Sequence[Photo]) -> None:
        if photos:
            text = tr_n("remove photo", "remove {count:,} photos", len(photos))
            self.undo_stack.push(Step(text, partial(self._remove, tuple(photos))))
            self.removed.emit(len(photos))

    def _remove(self, photos: Sequence[Photo]) -> Callable[[], object]:
        removed = self.photos.remove(photos)
        if self.photos.photos():
            self.engine.forget(photo.path for photo in removed)
        else:
            self.engine.forget_all()
        return partial(self._restore, removed)

    def _restore(self, removed: Sequence[Photo]) -> None:
        if not removed:
            return
        self.photos.restore(removed)
        self.engine.classify(photo.path for photo in removed if _needs_answer(photo, self.models.in_use))
        self._show(removed[0].path)

    # ---- predictions

    def classify_again(self, photos: Iterable[Photo] | None = None) -> None:
        """Classify these photos, or else all of them, again with the model in use."""
        self.engine.classify(photo.path for photo in (self.photos.photos() if photos is None else photos))

    def stop(self) -> None:
        """Cancel the classification of waiting photos."""
        self.engine.forget_all()

    def _on_models_changed(self) -> None:
        opening, opened = self.models.opening, self.models.in_use
        if opening:
            self.photos.show_in_use(opening, None)
        elif opened is not None:
            self.photos.show_in_use(opened.name, opened.version)
        self.corrections.set_classes({name: model.card.classes for name, model in self.models.installed.items()})

    def _on_changed_elsewhere(self, names: frozenset[str]) -> None:
        """Follow `fovea models use` in a terminal."""
        if names & {"model", "provider", "precision"}:
            self.models.open()

    def _on_opened(self, opened: OpenedModel) -> None:
        self.photos.version = opened.version
        self.engine.classify(one.path for one in self.photos.photos() if one.outcome and _needs_answer(one, opened))

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


def _needs_answer(photo: Photo, in_use: OpenedModel | None) -> bool:
    """Whether a photo was not yet classified, or by another model or version than the one in use."""
    if isinstance(photo.outcome, Prediction) and in_use is not None:
        return (photo.outcome.model, photo.version) != (in_use.name, in_use.version)
    return photo.outcome is None


def _training_exit_error() -> TrainerDiedError:
    return TrainerDiedError(
        tr("The training process stopped unexpectedly."),
        hint=tr("Try again: finished work is kept. If it happens again, close other programs to free memory."),
    )
