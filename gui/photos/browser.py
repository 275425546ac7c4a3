"""The window's actions on photos, applied to the selected photos of the *Photos* page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtGui import QGuiApplication, QUndoStack

from core.base.i18n import tr, tr_n
from core.base.label_sets import label_text
from core.base.text import display_path
from gui.photos.correcting import about_text, chosen_classes, label_changes, predictions_of
from gui.photos.gallery import Gallery
from gui.photos.inspector import Inspector
from gui.photos.photo_viewing import PhotoViewing
from gui.session.correction_store import MAX_AT_ONCE
from gui.session.photo_order import Photo
from gui.session.photo_text import outcome_text
from gui.session.session import Session
from gui.session.undo import Step
from gui.tasks.notice import Notice
from gui.widgets.announcing import announce
from gui.widgets.class_chooser import ClassChooser


class PhotosBrowser:
    """Acts on the selected photos, or else on the current one.

    Attributes:
        chooser: the class chooser, created on first use.
    """

    def __init__(self, session: Session, gallery: Gallery, inspector: Inspector, viewing: PhotoViewing) -> None:
        self._session, self._gallery, self._inspector, self._viewing = session, gallery, inspector, viewing
        self.chooser: ClassChooser | None = None
        self._photos: list[Photo] = []

    def correct(self) -> None:
        """Let the user choose the class of the selected photos; those without a prediction are skipped."""
        self._photos = self.selected()
        predictions, model = predictions_of(self._photos), self._session.models.current
        if not predictions or model is None:
            self._session.noticed.emit(Notice(tr("Select a classified photo first, then correct it.")))
            return
        if self.chooser is None:
            self.chooser = ClassChooser(self._gallery.window())
            self.chooser.chosen.connect(lambda name: self.label(self._photos, name))
        corrections, only = self._session.corrections, predictions[0] if len(predictions) == 1 else None
        label = corrections.of(only.path, only.model) if only else None
        self.chooser.open(
            corrections.classes_of(model.card.name, model.card.classes),
            title=tr_n("What is in this photo?", "What is in these {count:,} photos?", len(predictions)),
            about=about_text(predictions, label, model),
            likely=[score.label for score in only.scores] if only else [],
            current=label.label if label else "",
            several=chosen_classes(predictions, label),
            beside=self._viewing.shown or self._inspector,
        )

    def remove_correction(self) -> None:
        """Remove the corrections of the selected photos."""
        self.label(self.selected(), None)

    def label_selected(self, name: str) -> None:
        """Label the selected photos with a class."""
        self.label(self.selected(), name)

    def label(self, photos: Sequence[Photo], label: str | None) -> None:
        """Label photos with a class, or what stands for several; those without a prediction are skipped.

        Args:
            photos: the photos.
            label: see `core.base.label_sets`; None removes their labels.
        """
        predictions, corrections = predictions_of(photos), self._session.corrections
        is_few = len(predictions) <= MAX_AT_ONCE
        if label is None and is_few:
            predictions = [one for one in predictions if corrections.of(one.path, one.model) is not None]
        count, make = len(predictions), partial(label_changes, predictions, label)
        if not count:
            return
        name = label_text(label or "")
        text = tr_n("label “{label}”", "label “{label}” on {count:,} photos", count, label=name)
        if label is None:
            text = tr_n("remove label", "remove labels of {count:,} photos", count)
        update = partial(corrections.update, make()) if is_few else partial(corrections.update_many, make)
        self.undo_stack.push(Step(text, update))
        if label is not None:
            done = tr_n("Labelled “{label}”", "{count:,} photos labelled “{label}”", count, label=name)
            announce(self._gallery, done)
        if not is_few:
            text = tr("Saving the labels of {count:,} photos…", count=count)
            self._session.noticed.emit(Notice(text))

    @property
    def selected_count(self) -> int:
        """The number of selected photos, counting the current one if none is selected."""
        return self._gallery.selected_count() or int(self._gallery.current_row() >= 0)

    def remove_selected(self) -> None:
        """Remove the selected photos from the list and select the one that follows."""
        rows = self._gallery.selected_rows()
        self._session.photo_list.remove(rows)
        left = self._session.photos.rowCount()
        if rows and left:
            self._gallery.select_row(min(rows[0], left - 1))

    def copy_answers(self) -> None:
        """Copy the names, predictions and labels of the selected photos to the clipboard, one line each."""
        photos = self._session.photos.photos_in(self._gallery.selected_rows())
        QGuiApplication.clipboard().setText("\n".join(self._line(photo) for photo in photos))

    def select_all(self) -> None:
        """Select all photos."""
        self._gallery.selectAll()

    def resize_photos(self, step: int) -> None:
        """Show photos larger (1) or smaller (-1)."""
        self._gallery.resize_photos(step)

    @property
    def shows_inspector(self) -> bool:
        """Whether the inspector is visible."""
        return not self._inspector.isHidden()

    def toggle_inspector(self) -> None:
        """Show or hide the inspector."""
        self._inspector.setVisible(self._inspector.isHidden())

    @property
    def undo_stack(self) -> QUndoStack:
        """The removals and corrections."""
        return self._session.photo_list.undo_stack

    @property
    def has_selection(self) -> bool:
        """Whether there is a photo to act on."""
        return self.selected_count > 0

    def selected_paths(self) -> list[Path]:
        """The files of the selected photos, or else of the current one."""
        return [photo.path for photo in self.selected()]

    def classify_selected(self) -> None:
        """Classify the selected photos again."""
        self._session.photo_list.classify_again(self.selected())

    def step(self, by: int) -> None:
        """Select the photo this many rows further."""
        last = self._session.photos.rowCount() - 1
        if last >= 0:
            self._gallery.select_row(min(max(self._gallery.current_row() + by, 0), last))

    def selected(self) -> list[Photo]:
        """The selected photos, or the current one if none is selected."""
        rows = self._gallery.selected_rows() or [row for row in (self._gallery.current_row(),) if row >= 0]
        return self._session.photos.photos_in(rows)

    def _line(self, photo: Photo) -> str:
        label = self._session.photos.correction(photo)
        own = [label_text(label.label)] if label else []
        cells = [display_path(photo.path.name), outcome_text(photo.outcome, None), *own]
        return "\t".join(cells)
