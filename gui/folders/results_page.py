"""The results of a job: a table or gallery of its rows, filters, and an inspector for the current row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QItemSelectionModel, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from core.base.i18n import tr, tr_n
from core.jobs.reviewing import is_left_open, left_open_text
from core.jobs.values import Filter, Group, JobState, JobSummary, Order, Review, Row, Verdict, View
from core.services.job_values import SelectedRows, ViewRequest, ViewUpdate
from gui.folders.job_text import photos_text
from gui.folders.results_widgets import ResultsWidgets
from gui.folders.reviewer import Reviewer, RowReviews
from gui.folders.row_text import copied_text
from gui.folders.rows_gallery import RowsGallery
from gui.folders.rows_table import RowsTable
from gui.widgets import theme
from gui.widgets.basic import label
from gui.widgets.class_chooser import ClassChooser

_FILTERS_FROM: Final = 960
_INSPECTOR_FROM: Final = 700
"""Minimum widths of the page, in pixels, for showing these panels unless the user chose otherwise."""
_MAX_ROWS: Final = 1000
"""How many selected rows are labelled or copied here; the batch process labels larger selections."""


class ResultsPage(QWidget):
    """Shows the results of a job.

    Attributes:
        strip: the progress of the job.
        bar: the actions on its results.
        panels_changed: a panel was shown or hidden, or the layout changed.
        noticed: a message for the user.
    """

    panels_changed = Signal()
    noticed = Signal(str)

    def __init__(self, parts: ResultsWidgets, reviewer: Reviewer, parent: QWidget) -> None:
        super().__init__(parent)
        self._reviewer = reviewer
        self.job_status: JobSummary | None = None
        self._tracked: int | None = None
        self._order, self._descending, self._group = Order.FOUND, False, Group.NONE
        self._excluded = 0
        self._classes: Sequence[str] = ()
        self._chooser: ClassChooser | None = None
        self.rows, self.table, self.gallery = parts.rows, parts.table, parts.gallery
        self.bar, self.strip, self.filters, self.inspector = parts.bar, parts.strip, parts.filters, parts.inspector
        self.status = label(kind="muted")
        self._nothing = label(kind="muted", wrap=True)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._middle = QWidget(self._splitter)
        self._views = QStackedWidget(self._middle)
        self._panels_wanted: dict[QWidget, bool] = {}
        self._place()
        self._connect()

    def _place(self) -> None:
        for view in (self.table, self.gallery, self._nothing):
            self._views.addWidget(view)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.gallery.setSelectionModel(self.table.selectionModel())
        self.gallery.selectionModel().currentChanged.connect(self._on_selection)
        middle = self._middle  # each widget gets its final parent once: reparenting recomputes the style
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._views, 1)
        column.addWidget(self.status)
        for widget in (self.filters, middle, self.inspector):
            self._splitter.addWidget(widget)
        self.filters.setMinimumWidth(264)
        self.inspector.setMinimumWidth(264)
        middle.setMinimumWidth(240)
        self._splitter.setSizes([264, 700, 320])
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setChildrenCollapsible(False)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(theme.GRID)
        page.addWidget(self.bar)
        page.addWidget(self.strip)
        page.addWidget(self._splitter, 1)

    def _connect(self) -> None:
        self.rows.view.updated.connect(self._on_view_updated)
        self.rows.rows_loaded.connect(self._on_rows)
        self.filters.changed.connect(self.open_view)
        self.bar.order_wanted.connect(self._on_order)
        self.table.sort_wanted.connect(self._on_title)
        self.table.activated.connect(self.ask_for_class)
        self.gallery.correction_asked.connect(self.ask_for_class)
        self.inspector.accepted.connect(lambda: self.review(Review(Verdict.ACCEPTED)))
        self.inspector.other_wanted.connect(self.ask_for_class)
        self.inspector.review_removed.connect(lambda: self.review(None))
        self._reviewer.reviewed.connect(self._on_reviewed)
        self._reviewer.reviewed_many.connect(self.rows.mark_stale)
        self.table.selectionModel().selectionChanged.connect(self._show_status)

    # ---- a job

    def open(self, status: JobSummary, classes: Sequence[str]) -> None:
        """Show this job; another one than before starts without filters, in folder order."""
        is_other = self.job_status is None or self.job_status.id != status.id
        self._classes = classes
        self._reviewer.open(status.id)
        self.show_job(status)
        self.filters.prepare()
        if is_other:
            self._tracked = None
            self._order, self._descending, self._group = Order.FOUND, False, Group.NONE
            self.bar.show_order(self._order, self._group, descending=False)
            self.filters.reset()
        else:
            self.open_view()

    def show_job(self, status: JobSummary) -> None:
        """Show the status of the job."""
        self.job_status = status
        self.bar.show_job(status)
        self.strip.show_job(status)

    def close_job(self) -> None:
        """Close the view."""
        self.rows.view.close()

    # ---- the view

    @property
    def view(self) -> View:
        """The current view: filter, order and grouping."""
        return View(self._order, self._descending, self.filters.value(), self._group)

    @property
    def filter(self) -> Filter:
        """The current filter."""
        return self.filters.value()

    @property
    def view_in_use(self) -> RowsTable | RowsGallery:
        """The visible layout: the table or the gallery."""
        return self.gallery if self.bar.shows_gallery else self.table

    def open_view(self) -> None:
        """Request the rows of the current view."""
        if self.job_status is None:
            return
        self.rows.reload()
        self.bar.show_filtered(is_narrow=self.filters.is_narrow)
        self.table.show_order(self._order, descending=self._descending)
        unfiltered, counted_by = self.filters.unfiltered(), self.filters.grouping
        self.rows.view.open(ViewRequest(self.job_status.id, self.view, unfiltered, self._tracked, counted_by))

    def show_as(self, *, gallery: bool) -> None:
        """Show the rows as a gallery or as a table."""
        had_focus = self.view_in_use.hasFocus()
        self.bar.show_layout(gallery=gallery)
        self._show_rows()
        self.view_in_use.scrollTo(self.view_in_use.currentIndex())
        if had_focus:
            self.view_in_use.setFocus()
        self.panels_changed.emit()

    def sort(self, order: Order, *, descending: bool = False, group: Group = Group.NONE) -> None:
        """Show the rows in this order."""
        self._order, self._descending, self._group = order, descending, group
        self.bar.show_order(order, group, descending=descending)
        self.open_view()

    def _on_order(self, order: tuple[Order, bool, Group]) -> None:
        self.sort(order[0], descending=order[1], group=order[2])

    def _on_title(self, order: Order) -> None:
        """Sort by a column; clicking its header again reverses the order."""
        turned = order is self._order and not self._descending and self._group is Group.NONE
        self.sort(order, descending=turned)

    def _on_view_updated(self, updated: ViewUpdate) -> None:
        self.rows.show_view(updated)
        if updated.summary is not None:
            self._excluded = updated.summary.excluded
            self.filters.show_summary(updated.summary)
        self._show_rows()
        if updated.tracked is not None:
            self._select(updated.tracked)
        elif self.rows.rowCount() and not self.table.currentIndex().isValid():
            self._select(0)
        self._show_current()
        self._show_status()

    def _select(self, place: int) -> None:
        index = self.rows.index(place, 0)
        if index != self.table.currentIndex().siblingAtColumn(0):
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.table.selectionModel().setCurrentIndex(index, flags)
            self.view_in_use.scrollTo(index)

    def _show_rows(self) -> None:
        has_rows = self.rows.rowCount() > 0
        self._nothing.setText(_nothing_text(self.job_status, self._excluded, is_narrow=self.filters.is_narrow))
        self._views.setCurrentWidget(self.view_in_use if has_rows else self._nothing)

    # ---- the current row

    def current_row(self) -> Row | None:
        """The current row, if it is loaded."""
        index = self.table.currentIndex()
        return self.rows.row(index.row()) if index.isValid() else None

    def spans(self) -> tuple[tuple[int, int], ...]:
        """The selected rows, as (first place, count) pairs."""
        found = sorted((one.top(), one.bottom() + 1) for one in self.table.selectionModel().selection().toList())
        spans: list[tuple[int, int]] = []
        for top, end in found:
            first = max(top, sum(spans[-1]) if spans else 0)
            if first < end:
                spans.append((first, end - first))
        return tuple(spans)

    def marked(self) -> list[Row] | None:
        """The selected rows, or else the current one; None if some of them are not loaded."""
        spans = self.spans()
        if sum(count for _, count in spans) > _MAX_ROWS:
            return None
        rows = [self.rows.row(place) for first, count in spans for place in range(first, first + count)]
        loaded = [row for row in rows if row is not None]
        if len(loaded) < len(rows):
            return None
        current = self.current_row()
        return loaded or ([current] if current is not None else [])

    def review(self, review: Review | None) -> None:
        """Apply a review to the selected rows; None removes their reviews."""
        rows, status = self.marked(), self.job_status
        if rows is not None:
            self._reviewer.review(rows, review)
            if left_open := left_open_text(sum(is_left_open(row, review) for row in rows)):
                self.noticed.emit(left_open)
        elif status is not None:
            selected = SelectedRows(self.rows.version, status.id, self.spans())
            self._reviewer.review_selected(selected, status.model, review)

    def _on_selection(self) -> None:
        row = self.current_row()
        if row is not None:
            self._tracked = row.number
            self.rows.view.track(row.number)
        self._show_current()

    def _on_rows(self, first: int, count: int) -> None:
        if first <= self.table.currentIndex().row() < first + count:
            self._on_selection()

    def _on_reviewed(self, reviews: RowReviews) -> None:
        self.rows.apply_reviews([(row.number, review) for row, review in reviews])
        self._show_current()

    def _show_current(self) -> None:
        row = self.current_row()
        if row is not None or not self.table.currentIndex().isValid():
            self.inspector.show_row(row)

    def _show_status(self) -> None:
        ranges = self.table.selectionModel().selection().toList()
        marked = sum(one.height() for one in ranges) if self.rows.rowCount() else 0
        parts = [photos_text(self.rows.rowCount())]
        if marked > 1:
            parts.append(tr_n("{count:,} selected", "{count:,} selected", marked))
        if self._excluded:
            parts.append(
                tr_n(
                    "{count:,} photo without similar photos hidden",
                    "{count:,} photos without similar photos hidden",
                    self._excluded,
                )
            )
        self.status.setText(" · ".join(parts))

    # ---- actions

    def step(self, by: int) -> None:
        """Move the current row by this many."""
        last = self.rows.rowCount() - 1
        if last >= 0:
            self._select(min(max(self.table.currentIndex().row() + by, 0), last))

    def copy_answers(self) -> None:
        """Copy the selected rows to the clipboard, one per line."""
        rows = self.marked()
        if rows is None:
            self.noticed.emit(
                tr(
                    "Can't copy more than {maximum:,} photos. To export them to a file, choose “Use results”.",
                    maximum=_MAX_ROWS,
                )
            )
            return
        QGuiApplication.clipboard().setText("\n".join(copied_text(row) for row in rows))

    def ask_for_class(self) -> None:
        """Ask for the class of the selected photos."""
        count = sum(count for _, count in self.spans()) or 1
        current = self.current_row()
        if current is None:
            return
        if self._chooser is None:
            self._chooser = ClassChooser(self.window())
            self._chooser.chosen.connect(lambda name: self.review(Review(Verdict.CORRECTED, name)))
        likely = [score.label for score in current.scores]
        title = tr_n("What is in this photo?", "What is in these {count:,} photos?", count)
        self._chooser.open(self._classes or likely, title=title, likely=likely)

    def find_text(self) -> None:
        """Focus the search field."""
        self.show_panel(self.filters, shown=True)
        self.filters.text.setFocus()
        self.filters.text.selectAll()

    # ---- panels

    def show_panel(self, panel: QWidget, *, shown: bool) -> None:
        """Show or hide the filters or the inspector."""
        self._panels_wanted[panel] = shown
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show the panels that fit; in a narrow page, only those that the user asked for."""
        filtering = self._panels_wanted.get(self.filters, self.width() >= _FILTERS_FROM)
        inspecting = self._panels_wanted.get(
            self.inspector, self.width() >= (_FILTERS_FROM if filtering else _INSPECTOR_FROM)
        )
        for panel, shown in ((self.filters, filtering), (self.inspector, inspecting)):
            if panel.isHidden() == shown:
                panel.setVisible(shown)
                QTimer.singleShot(0, self, self.panels_changed.emit)


def _nothing_text(status: JobSummary | None, excluded: int, *, is_narrow: bool) -> str:
    if excluded:
        return tr("No similar photos found.")
    if is_narrow:
        return tr("No photos match the filters.")
    if (
        status is not None
        and status.state in (JobState.RUNNING, JobState.PAUSED, JobState.EXTERNAL)
        and not status.counts.done
    ):
        return tr("Classifying the first photos…")
    return tr("No photos in this folder. Fovea looks for files such as .jpg, .png, .webp and .heic.")
