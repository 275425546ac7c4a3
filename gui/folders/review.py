"""Reviewing predictions by keyboard, most useful or least confident first: a photo, its prediction, other classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from core.base.i18n import mark, tr
from core.base.label_sets import classes_of
from core.jobs.reviewing import groups_of
from core.jobs.values import Filter, Order, Review, Row, View
from core.services.job_values import ViewRequest
from gui.folders.arranging import Arranging
from gui.folders.job_view import JobView
from gui.folders.review_choices import ReviewChoices
from gui.folders.review_end import ReviewEnd, ReviewTally
from gui.folders.reviewer import Reviewer, RowReviews
from gui.folders.row_text import folder_text, name_text, percent_text, reviewed_text
from gui.folders.rows_model import RowsModel
from gui.tasks.picture_client import PREVIEW_SIDE, PictureClient
from gui.widgets import theme
from gui.widgets.announcing import announce
from gui.widgets.basic import Choice, ProgressBar, button, label
from gui.widgets.class_chooser import ClassChooser
from gui.widgets.key_button import KeyButton
from gui.widgets.layouts import SPACE, TOP, Placed, fill, hbox, vbox
from gui.widgets.neighbours import NeighbourStrip
from gui.widgets.photo_map import PhotoMap
from gui.widgets.photo_panel import PhotoPreview, headline_text, prediction_text

_PREFETCH: Final = 3
_ORDERS: Final = {
    Order.CONFIDENCE: mark("Least confident first"),
    Order.USEFULNESS: mark("Most useful first"),
}
"""The titles of orders, marked for translation."""
_MIN_HEIGHT: Final = 120
"""The minimum height of the photo, in pixels."""


class ReviewPage(QWidget):
    """Shows the unreviewed rows of a view, one at a time.

    Attributes:
        closed: the user left the review.
    """

    closed = Signal()

    def __init__(
        self, view: JobView, pictures: PictureClient, reviewer: Reviewer, arranging: Arranging, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Review predictions"))
        self._pictures, self._reviewer, self._arranging = pictures, reviewer, arranging
        self.rows = RowsModel(view, pictures, self)
        self._job, self._filter = "", Filter()
        self._classes: tuple[str, ...] = ()
        self._can_retrain = False
        self._reviews: dict[int, tuple[Row, Review]] = {}
        self._at = 0
        self._shown: Row | None = None
        self._announced: int | None = None
        self._chooser: ClassChooser | None = None
        self.view, self.map = PhotoPreview(pictures), PhotoMap()
        self.view.setMinimumHeight(_MIN_HEIGHT)
        self.choices = ReviewChoices()
        self.progress, self._bar = label(kind="number"), ProgressBar()
        self._name, self.trace = label(kind="muted"), label()
        self.order = Choice(tr("Order of the review"), _ORDERS)
        self.back_step = KeyButton(tr("Undo"), reviewer.undo_stack.undo, tr("Ctrl+Z"), "")
        self.neighbours = NeighbourStrip(pictures)
        self.end = ReviewEnd()
        self._stack = QStackedWidget()
        self._place()
        self._connect()

    def _place(self) -> None:
        back = button(tr("Back to results"), self.leave, hint=tr("Esc"))
        back.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._bar.setAccessibleName(tr("Photos reviewed"))
        self.order.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.trace.setAccessibleName(tr("Last review"))
        photo = QWidget()
        evidence = hbox(Placed(self.map, 1, TOP), Placed(self.neighbours, 1, TOP), spacing=16)
        hbox(fill(vbox(fill(self.view), self._name, evidence)), self.choices, parent=photo, spacing=16)
        self._stack.addWidget(photo)
        self._stack.addWidget(self.end)
        head = hbox(back, self.progress, fill(self._bar), self.order, spacing=16)
        keys = label(tr("Type to find a class · F7: where the model looked · Esc: back"), "muted")
        foot = hbox(self.back_step, self.trace, SPACE, keys, spacing=16)
        vbox(head, self._arranging.strip, fill(self._stack), foot, parent=self, spacing=theme.GRID)

    def _connect(self) -> None:
        self.map.changed.connect(self.view.show_map)
        self.rows.rows_loaded.connect(self._on_rows)
        self.rows.updated.connect(self._show)
        self._reviewer.reviewed.connect(self._on_reviewed)
        self._reviewer.undo_stack.canUndoChanged.connect(self.back_step.setEnabled)
        self.choices.accepted.connect(self.accept)
        self.choices.chosen.connect(self.choose)
        self.choices.other_wanted.connect(self.ask_for_class)
        self.choices.skipped.connect(self.skip)
        self.end.closed.connect(self.leave)
        self.order.activated.connect(self._start)
        self._arranging.ended.connect(self._open_rows)

    def open(self, job: str, view: View, classes: Sequence[str], *, can_retrain: bool) -> None:
        """Review the unreviewed photos of a view.

        Args:
            job: the job.
            view: the filter of the photos; the most useful ones come first if they do there, else the least confident.
            classes: the classes to choose from; empty if the model is gone.
            can_retrain: whether to offer at the end to retrain the model.
        """
        self._job, self._filter = job, replace(view.filter, reviewed=False, failed=False)
        self._classes, self._can_retrain = tuple(classes), can_retrain
        self._reviews.clear()
        self.trace.clear()
        self.order.setCurrentIndex(int(view.order is Order.USEFULNESS))
        self._start()

    def _start(self) -> None:
        """Go through the photos in the chosen order, from the first one that is not reviewed."""
        self._at, self._shown, self._announced = 0, None, None
        self.back_step.setEnabled(self._reviewer.undo_stack.canUndo())
        self.progress.setText(tr("Looking for unreviewed photos…"))
        self.setFocus()
        if not self._arranging.arrange(self._job, self._wanted):
            self._open_rows()

    @property
    def _wanted(self) -> View:
        return View(Order(self.order.currentData()), filter=self._filter)

    def _open_rows(self) -> None:
        self.rows.view.open(ViewRequest(self._job, self._wanted, is_frozen=True))

    def leave(self) -> None:
        """Leave the review; all reviews are saved."""
        self._arranging.abandon()
        self.rows.view.close()
        self.closed.emit()

    # ---- reviewing

    def accept(self) -> None:
        """Confirm the prediction, or label the photo with the classes chosen instead.

        An unknown photo has none to confirm, and stays visible.
        """
        if self._shown is None:
            return
        if self.choices.chosen_label in (None, self._shown.label):
            self._reviewer.accept(self._shown)
        else:
            self._reviewer.label(self._shown, self.choices.chosen_label or "")

    def choose(self, name: str) -> None:
        """Label the photo with this class, or what stands for several."""
        if self._shown is not None:
            self._reviewer.label(self._shown, name)

    def skip(self) -> None:
        """Skip the photo."""
        if self._shown is not None:
            self._reviewer.skip(self._shown)

    def ask_for_class(self, typed: str = "") -> None:
        """Let the user choose from all classes."""
        if self._shown is None:
            return
        if self._chooser is None:
            self._chooser = ClassChooser(self.window())
            self._chooser.chosen.connect(self.choose)
        likely, groups = [score.label for score in self._shown.scores], groups_of(self._shown)
        self._chooser.open(
            (*(self._classes or likely), *groups),
            title=tr("What is in this photo?"),
            about=_prediction_text(self._shown),
            likely=likely,
            several=None if self.choices.chosen_label is None else classes_of(self.choices.chosen_label),
        )
        if typed:
            self._chooser.line.setText(typed)

    def event(self, event: QEvent) -> bool:
        """Keep letters from the menus: they find a class."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_letter(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, typed = Qt.Key(event.key()), event.text()
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            event.ignore()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.accept()
        elif key is Qt.Key.Key_Escape:
            self.leave()
        elif key is Qt.Key.Key_F2:
            self.ask_for_class()
        elif key is Qt.Key.Key_Right:
            self.skip()
        elif typed.isdecimal():
            self.choices.choose(int(typed))
        elif typed.isalpha():
            self.ask_for_class(typed)
        else:
            event.ignore()

    # ---- display

    def _on_rows(self, first: int, count: int) -> None:
        if self._shown is None and first <= self._at < first + count:
            self._show()

    def _on_reviewed(self, reviews: RowReviews) -> None:
        """Show the next photo once this one is reviewed, wherever that happened; go back to one that is so no more."""
        self.rows.apply_reviews(reviews)
        for row, review in reviews:
            if review is None:
                self._reviews.pop(row.number, None)
            else:
                self._reviews[row.number] = row, review
        self.trace.setText(reviewed_text(*reviews[-1]))
        open_before = {row.number: review is None for row, review in reviews}
        before = self.rows.row(self._at - 1) if self._at else None
        if self._shown is not None and open_before.get(self._shown.number) is False:
            self._at += 1
            self._show()
        elif before is not None and open_before.get(before.number):
            self._at -= 1
            self._show()

    def _show(self) -> None:
        count = self.rows.rowCount()
        self._show_progress(min(self._at, count), count)
        self._shown = self.rows.row(self._at) if self._at < count else None
        self._stack.setCurrentIndex(int(self._at >= count))
        if self._at >= count:
            self.end.show_tally(count, self._tally(), can_retrain=self._can_retrain)
            self._announce(count, self.end.accessibleName())
            return
        self._prefetch_pictures()
        self.view.show_photo(None if self._shown is None else self._shown.path)
        if self._shown is not None:
            row = self._shown
            self.map.show_photo(row.path, row.outcome, row.model_version)
            self.choices.show_row(row, self._classes)
            evidence = row.prediction.evidence if row.prediction else None
            self.neighbours.show_neighbours(evidence.nearest if evidence else (), row.model)
            folder = folder_text(row)
            self._name.setText(f"{folder} / {name_text(row)}" if folder else name_text(row))
            self._announce(self._at, f"{headline_text(row.outcome)}, {percent_text(row)}")

    def _tally(self) -> ReviewTally:
        return ReviewTally.of(self._reviews.values())

    def _show_progress(self, passed: int, count: int) -> None:
        self._bar.setRange(0, max(1, count))
        self._bar.setValue(passed)
        skipped = self._tally().skipped
        text = tr("{done:,} of {total:,} reviewed", done=passed - skipped, total=count)
        if skipped:
            text = tr("{progress}, {count:,} skipped", progress=text, count=skipped)
        self.progress.setText(text)

    def _announce(self, place: int, text: str) -> None:
        """Have a screen reader say what the last key did, and what is shown in this place now."""
        if place != self._announced:
            self._announced = place
            announce(self, ". ".join(part for part in (self.trace.text(), text) if part))

    def _prefetch_pictures(self) -> None:
        """Render the next photos in advance. The current one is requested last, so it is rendered first."""
        for place in range(min(self._at + _PREFETCH, self.rows.rowCount() - 1), self._at, -1):
            row = self.rows.row(place)
            if row is not None:
                self._pictures.picture(row.path, PREVIEW_SIDE)


def _is_letter(event: QKeyEvent) -> bool:
    return event.text().isalpha() and not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier


def _prediction_text(row: Row) -> str:
    return prediction_text(row.prediction) if row.prediction else ""
