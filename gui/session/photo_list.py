"""The list of photos in the window: photos are added, classified and removed, and removals can be undone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from core.base.i18n import tr_n
from core.models.values import OpenedModel
from core.prediction import Failure, Prediction
from gui.session.arrivals import PhotoListing
from gui.session.model_controller import ModelController
from gui.session.photo_order import Photo
from gui.session.photo_view import Kind, PhotoView
from gui.session.photos_model import PhotosModel
from gui.session.undo import Change, Step
from gui.tasks.engine_client import EngineClient
from gui.tasks.notice import Notice, NoticeKind
from gui.tasks.picture_client import PictureClient


class PhotoListController(QObject):
    """Adds photos to the model, has them classified, and removes them.

    Attributes:
        requested: the user opened these files and folders.
        added: photos were dropped, pasted, opened or restored; the row of the first one, new or not.
        removed: this many photos were removed from the list; `undo_stack` restores them.
        noticed: a notice for the user.
        undo_stack: removals from the list and labels of its photos.
    """

    requested = Signal(object)
    added = Signal(int)
    removed = Signal(int)
    noticed = Signal(object)

    def __init__(
        self,
        photos: PhotosModel,
        engine: EngineClient,
        pictures: PictureClient,
        models: ModelController,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._photos, self._engine, self._pictures, self._models = photos, engine, pictures, models
        self.undo_stack = QUndoStack(self)
        models.opened.connect(self._on_opened)

    def add(self, chosen: Sequence[Path]) -> None:
        """Add files and the images in folders; an unreadable file becomes a row with the reason."""
        requested = tuple(path.absolute() for path in chosen)  # so that no file is listed under two names
        listing, task = PhotoListing(requested), self._pictures.list_images(requested)
        task.progressed.connect(partial(self._on_found, listing))
        self.requested.emit(requested)
        task.succeeded.connect(partial(self._on_listed, listing))

    def _on_found(self, listing: PhotoListing, paths: Sequence[Path]) -> None:
        is_first = listing.is_empty
        fresh = self._photos.add(paths)
        listing.add(paths, (photo.path for photo in fresh))
        self._engine.classify(photo.path for photo in fresh)
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
        if self._photos.row_of(path) is None:
            self._photos.arrange(PhotoView(sort=self._photos.view.sort))
        self.added.emit(self._photos.row_of(path))

    def add_quietly(self, paths: Sequence[Path]) -> None:
        """Add images without taking the user to them, such as those of the last session."""
        self._engine.classify(photo.path for photo in self._photos.add(paths))

    def show_pending(self, paths: frozenset[Path]) -> None:
        """Show photos whose labels no model has learned yet, in the list before or not."""
        self.add_quietly(sorted(paths))
        self._photos.arrange(PhotoView(Kind.PENDING, paths=paths))

    def remove(self, rows: Iterable[int]) -> None:
        """Remove photos from the list; `undo_stack` restores them."""
        self._push_removal(self._photos.photos_in(rows))

    def clear(self) -> None:
        """Remove all photos from the list; `undo_stack` restores them."""
        self._push_removal(self._photos.photos())

    def _push_removal(self, photos: Sequence[Photo]) -> None:
        if photos:
            text = tr_n("remove photo", "remove {count:,} photos", len(photos))
            self.undo_stack.push(Step(text, partial(self._remove, tuple(photos))))
            self.removed.emit(len(photos))

    def _remove(self, photos: Sequence[Photo]) -> Change:
        removed = self._photos.remove(photos)
        if self._photos.photos():
            self._engine.forget(photo.path for photo in removed)
        else:
            self._engine.forget_all()
        return partial(self._restore, removed)

    def _restore(self, removed: Sequence[Photo]) -> None:
        if not removed:
            return
        self._photos.restore(removed)
        self._engine.classify(photo.path for photo in removed if _needs_answer(photo, self._models.in_use))
        self._show(removed[0].path)

    def classify_again(self, photos: Iterable[Photo] | None = None) -> None:
        """Classify these photos, or else all of them, again with the model in use."""
        self._engine.classify(photo.path for photo in (self._photos.photos() if photos is None else photos))

    def _on_opened(self, opened: OpenedModel) -> None:
        photos = self._photos
        photos.version, photos.detection, photos.top_k = opened.version, opened.detection, opened.top_k
        self._engine.classify(one.path for one in photos.photos() if one.outcome and _needs_answer(one, opened))


def _needs_answer(photo: Photo, in_use: OpenedModel | None) -> bool:
    """Whether a photo was not yet classified by the model, the version, the crop and the number of classes in use."""
    if photo.outcome is not None and in_use is not None and photo.detection != in_use.detection:
        return True
    if isinstance(photo.outcome, Prediction) and in_use is not None:
        return (photo.outcome.model, photo.version, photo.top_k) != (in_use.name, in_use.version, in_use.top_k)
    return photo.outcome is None
