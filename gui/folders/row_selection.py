"""The current and the selected rows of a job's results, and what the user does with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr, tr_n
from core.jobs.reviewing import groups_of, is_left_open, left_open_text
from core.jobs.values import Review, Row, Verdict
from core.services.job_values import RowGroup
from gui.folders.reviewer import Reviewer
from gui.folders.row_text import copied_text
from gui.folders.rows_model import RowsModel
from gui.tasks.notice import Notice
from gui.widgets.class_chooser import ClassChooser

_MAX_ROWS: Final = 1000
"""How many selected rows are labelled or copied here; the batch process labels larger selections."""
_WHOLE_ROW: Final = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows


class RowSelection(QObject):
    """Reviews and copies the selected rows, or else the current one.

    Attributes:
        model: the name of the model that made most of the predictions.
        classes: those to choose from; empty if the model is gone.
        chooser: the class chooser, created on first use.
        current_changed: another row is current, or the current one was loaded.
        noticed: a message for the user.
    """

    current_changed = Signal()
    noticed = Signal(object)

    def __init__(self, rows: RowsModel, selection: QItemSelectionModel, reviewer: Reviewer, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows, self._selection, self._reviewer, self._page = rows, selection, reviewer, parent
        self.model = ""
        self.classes: Sequence[str] = ()
        self.chooser: ClassChooser | None = None
        selection.currentChanged.connect(self._on_current)
        rows.rows_loaded.connect(self._on_loaded)

    def open(self, job: str, classes: Sequence[str]) -> None:
        """Review the rows of this job; the classes are those of its model, and empty if it is gone."""
        self.classes = classes
        self._reviewer.open(job)

    # ---- rows

    @property
    def current(self) -> Row | None:
        """The current row, if it is loaded."""
        index = self._selection.currentIndex()
        return self._rows.row(index.row()) if index.isValid() else None

    @property
    def place(self) -> int:
        """The place of the current row; -1 if there is none."""
        return self._selection.currentIndex().row()

    @property
    def has_current(self) -> bool:
        """Whether there is a current row, loaded or not."""
        return self._selection.currentIndex().isValid()

    def spans(self) -> tuple[tuple[int, int], ...]:
        """The selected rows, as (first place, count) pairs."""
        found = sorted((one.top(), one.bottom() + 1) for one in self._selection.selection().toList())
        spans: list[tuple[int, int]] = []
        for top, end in found:
            first = max(top, sum(spans[-1]) if spans else 0)
            if first < end:
                spans.append((first, end - first))
        return tuple(spans)

    @property
    def count(self) -> int:
        """The number of selected rows."""
        return sum(count for _, count in self.spans())

    @property
    def group_count(self) -> int:
        """The number of selected rows, or of those in the group of the only one."""
        group = self._group()
        return self.count if group is None else group.count

    def select_group(self) -> None:
        """Select all rows in the group of the selected row, if it is the only one."""
        group = self._group()
        if group is not None:
            first, last = (self._rows.index(place, 0) for place in (group.first, group.first + group.count - 1))
            self._selection.select(QItemSelection(first, last), _WHOLE_ROW)

    def _group(self) -> RowGroup | None:
        placed = self._rows.pages.row(self.place) if self.count == 1 and self.place >= 0 else None
        return placed.group if placed else None

    def loaded(self) -> list[Row] | None:
        """The selected rows, or else the current one; None if they are too many or some are not loaded."""
        if self.count > _MAX_ROWS:
            return None
        rows = [self._rows.row(place) for first, count in self.spans() for place in range(first, first + count)]
        loaded = [row for row in rows or [self.current] if row is not None]
        return None if len(loaded) < len(rows) else loaded

    def select(self, place: int, *, alone: bool = False) -> None:
        """Select this row; if it is current already, others stay selected unless `alone`."""
        index = self._rows.index(place, 0)
        if index != self._selection.currentIndex().siblingAtColumn(0) or (alone and self.count > 1):
            self._selection.setCurrentIndex(index, _WHOLE_ROW)

    def step(self, by: int) -> None:
        """Select the row this many places further."""
        last = self._rows.rowCount() - 1
        if last >= 0:
            self.select(min(max(self._selection.currentIndex().row() + by, 0), last))

    def _on_current(self) -> None:
        row = self.current
        if row is not None:
            self._rows.view.track(row.number)
        self.current_changed.emit()

    def _on_loaded(self, first: int, count: int) -> None:
        if first <= self._selection.currentIndex().row() < first + count:
            self._on_current()

    # ---- actions

    def review(self, review: Review | None) -> None:
        """Apply a review to the rows; None removes their reviews."""
        rows = self.loaded()
        if rows is None:
            self._reviewer.review_selected(self._rows.selected(self.spans()), self.model, review)
            return
        self._reviewer.review(rows, review)
        if left_open := left_open_text(sum(is_left_open(row, review) for row in rows)):
            self.noticed.emit(Notice(left_open))

    def ask_for_class(self) -> None:
        """Ask for the class of the rows."""
        current = self.current
        if current is None:
            return
        if self.chooser is None:
            self.chooser = ClassChooser(self._page.window())
            self.chooser.chosen.connect(lambda name: self.review(Review(Verdict.CORRECTED, name)))
        likely = [score.label for score in current.scores]
        title = tr_n("What is in this photo?", "What is in these {count:,} photos?", self.count or 1)
        several = current.final_classes if current.prediction and current.prediction.labels is not None else None
        classes = *(self.classes or likely), *groups_of(current)
        self.chooser.open(classes, title=title, likely=likely, several=several)

    def copy(self) -> None:
        """Copy the rows to the clipboard, one per line."""
        rows = self.loaded()
        if rows is not None:
            QGuiApplication.clipboard().setText("\n".join(copied_text(row) for row in rows))
            return
        text = tr(
            "Can't copy more than {maximum:,} photos. To export them to a file, choose “Use results”.",
            maximum=_MAX_ROWS,
        )
        self.noticed.emit(Notice(text))
