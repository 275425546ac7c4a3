"""The results of a job: a table or gallery of its rows, filters, and an inspector for the current row."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from core.base.i18n import tr, tr_n
from core.jobs.values import JobState, JobSummary, Order, Review, Verdict, View
from core.services.job_values import ViewRequest, ViewUpdate
from gui.folders.arranging import Arranging
from gui.folders.new_class import LOOK_ALIKES, NewClass
from gui.folders.results_widgets import ResultsWidgets
from gui.folders.reviewer import Reviewer, RowReviews
from gui.folders.row_selection import RowSelection
from gui.folders.row_viewing import RowViewing
from gui.folders.rows_gallery import RowsGallery
from gui.folders.rows_table import RowsTable
from gui.folders.side_panels import SidePanels
from gui.widgets import theme
from gui.widgets.basic import label
from gui.widgets.counts import photo_count
from gui.widgets.layouts import fill, vbox


class ResultsPage(QWidget):
    """Shows the results of a job.

    Attributes:
        job: the job; None before the first one.
        strip: the progress of the job.
        bar: the actions on its results.
        selection: the current and the selected rows, and what can be done with them.
        new_class: makes a class of selected photos.
        viewing: the large view of the current row.
        panels: the filters and the inspector beside the rows.
        shows_gallery: whether the rows are shown as a gallery rather than as a table.
        panels_changed: a panel was shown or hidden, or the layout changed.
    """

    panels_changed = Signal()

    def __init__(self, parts: ResultsWidgets, reviewer: Reviewer, arranging: Arranging, parent: QWidget) -> None:
        super().__init__(parent)
        while parts.make_next():
            pass
        self.job: JobSummary | None = None
        self.shows_gallery = False
        self._view = View()
        self._excluded = 0
        self._active_version: int | None = None
        self._is_learning = False
        self.rows, self.table, self.gallery = parts.rows, parts.table, parts.gallery
        self.bar, self.strip, self.filters, self.inspector = parts.bar, parts.strip, parts.filters, parts.inspector
        self.learn, self._arranging, self._title_of = parts.learn, arranging, parts.title_of
        self.selection = RowSelection(self.rows, self.table.selectionModel(), reviewer, self)
        self.new_class = NewClass(self.selection, self)
        self.viewing = RowViewing(parts.pictures, self.rows, self.selection, self.inspector.map, self)
        self.status = label(kind="muted")
        self._nothing = label(kind="muted", wrap=True)
        middle = QWidget(self)
        self.panels = SidePanels(self.filters, middle, self.inspector, self)
        self._views = QStackedWidget(middle)
        self._place(middle)
        self._connect(reviewer)

    def _place(self, middle: QWidget) -> None:
        for view in (self.table, self.gallery, self._nothing):
            self._views.addWidget(view)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.gallery.setSelectionModel(self.table.selectionModel())
        vbox(fill(self._views), self.status, parent=middle, spacing=4)
        below = self._arranging.strip, self.learn
        self._column = vbox(self.bar, self.strip, fill(self.panels), *below, parent=self, spacing=theme.GRID)

    def _connect(self, reviewer: Reviewer) -> None:
        self.rows.updated.connect(self._on_updated)
        self.filters.changed.connect(self.open_view)
        self.bar.order_wanted.connect(self.sort)
        self.table.sort_wanted.connect(self._on_title)
        self.learn.together_wanted.connect(lambda: self.sort(LOOK_ALIKES))
        for rows in (self.table, self.gallery):
            rows.correction_asked.connect(self.selection.ask_for_class)
            rows.viewing_asked.connect(self.viewing.open)
        self.inspector.accepted.connect(lambda: self.selection.review(Review(Verdict.ACCEPTED)))
        self.inspector.other_wanted.connect(self.selection.ask_for_class)
        self.inspector.photo.viewing_wanted.connect(self.viewing.open)
        self.inspector.review_removed.connect(lambda: self.selection.review(None))
        self.selection.current_changed.connect(self._show_current)
        self.table.selectionModel().selectionChanged.connect(self._show_status)
        self.table.selectionModel().selectionChanged.connect(self._show_current)
        self.panels.panels_changed.connect(self.panels_changed)
        reviewer.reviewed.connect(self._on_reviewed)
        reviewer.reviewed_many.connect(self.rows.mark_stale)

    # ---- a job

    def show_job(self, job: JobSummary) -> None:
        """Show the state of a job; another one than before starts without filters, in folder order."""
        if self.job is None or self.job.id != job.id:
            self.filters.prepare()
            self.filters.forget()
            self._view = View()
        self.job = job
        self.selection.model = job.model
        self.bar.show_job(job)
        self.table.show_objects(on=bool(job.detection))
        self.table.show_others(tuple(map(self._title_of, job.models[1:])))
        self.strip.show_job(job)

    def close_job(self) -> None:
        """Close the view."""
        self.rows.view.close()
        self._arranging.abandon()

    # ---- the view

    @property
    def view(self) -> View:
        """The current view: filter, order and grouping."""
        return replace(self._view, filter=self.filters.value())

    @property
    def view_in_use(self) -> RowsTable | RowsGallery:
        """The visible layout: the table or the gallery."""
        return self.gallery if self.shows_gallery else self.table

    def open_view(self) -> None:
        """Request the rows of the current view."""
        if self.job is None:
            return
        self.bar.show_filters(self.filters.active)
        self.bar.show_order(self._view)
        self.table.show_order(self._view)
        unfiltered, counted_by = self.filters.unfiltered(), self.filters.grouping
        self.rows.view.open(ViewRequest(self.job.id, self.view, unfiltered, counted_by=counted_by))
        self._arranging.arrange(self.job.id, self.view)

    def show_as(self, *, gallery: bool) -> None:
        """Show the rows as a gallery or as a table."""
        had_focus = self.view_in_use.hasFocus()
        self.shows_gallery = gallery
        self._show_rows()
        self.view_in_use.scrollTo(self.view_in_use.currentIndex())
        if had_focus:
            self.view_in_use.setFocus()
        self.panels_changed.emit()

    def sort(self, wanted: View) -> None:
        """Show the rows in the order and groups of this view, with the filters as they are."""
        self._view = wanted
        self.open_view()

    def show_unknown(self) -> None:
        """Show the unknown photos only, those that look alike together."""
        self.filters.show_unknown()
        self.sort(LOOK_ALIKES)

    def find_text(self) -> None:
        """Focus the search field."""
        self.panels.show_panel(self.filters, shown=True)
        self.filters.text.setFocus()
        self.filters.text.selectAll()

    def _on_title(self, order: Order) -> None:
        """Sort by a column; clicking its header again reverses the order."""
        self.sort(View(order, descending=self._view == View(order)))

    def _on_updated(self, updated: ViewUpdate) -> None:
        if updated.summary is not None:
            self._excluded = updated.summary.excluded
            self.filters.show_summary(updated.summary)
        self._show_rows()
        if updated.tracked is not None:
            self.selection.select(updated.tracked)
        elif updated.count and not self.selection.has_current:
            self.selection.select(0)
        self._show_current()
        self._show_status()

    def _show_rows(self) -> None:
        has_rows = self.rows.rowCount() > 0
        self._nothing.setText(_nothing_text(self.job, self._excluded, is_narrow=self.filters.active > 0))
        self._views.setCurrentWidget(self.view_in_use if has_rows else self._nothing)

    def _on_reviewed(self, reviews: RowReviews) -> None:
        self.rows.apply_reviews(reviews)
        self._show_current()

    def _show_current(self) -> None:
        """Show the current row in the inspector; until it is loaded, the one before stays."""
        row = self.selection.current
        self._show_offers()
        if row is not None or not self.selection.has_current:
            self.inspector.show_row(row, self.selection.count)
            self.viewing.show_row(row)

    def show_active_version(self, version: int | None) -> None:
        """Show whether another version of the job's model is active now; None if it is not installed."""
        self._active_version = version
        self._show_offers()

    def _show_offers(self) -> None:
        job, active = self.job, self._active_version
        is_outdated = job is not None and job.state is JobState.FINISHED and active not in (None, job.version)
        chosen = self.selection.group_count
        if self._is_learning:
            self.learn.hide()
        else:
            self.learn.show_state(self.view, self.rows.rowCount(), chosen, is_outdated=is_outdated)

    def add_below(self, widget: QWidget) -> None:
        """Show a widget below everything else."""
        self._column.addWidget(widget)

    def show_learning(self, *, is_learning: bool) -> None:
        """Offer no new class and no newer predictions while a model is being retrained."""
        self._is_learning = is_learning
        self._show_offers()

    def _show_status(self) -> None:
        parts, selected = [photo_count(self.rows.rowCount())], self.selection.count
        if selected > 1:
            parts.append(tr_n("{count:,} selected", "{count:,} selected", selected))
        if self._excluded:
            parts.append(
                tr_n(
                    "{count:,} photo without similar photos hidden",
                    "{count:,} photos without similar photos hidden",
                    self._excluded,
                )
            )
        self.status.setText(" · ".join(parts))


def _nothing_text(job: JobSummary | None, excluded: int, *, is_narrow: bool) -> str:
    if excluded:
        return tr("No similar photos found.")
    if is_narrow:
        return tr("No photos match the filters.")
    if job is not None and job.state in (JobState.RUNNING, JobState.PAUSED, JobState.EXTERNAL) and not job.counts.done:
        return tr("Classifying the first photos…")
    return tr("No photos in this folder. Fovea looks for files such as .jpg, .png, .webp and .heic.")
