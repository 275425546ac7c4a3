"""What came of one job: a table or a gallery of its rows, what is chosen of them, and the one looked at, large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QItemSelectionModel, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from core.jobs.reviewing import is_left_open, left_open_text
from core.jobs.values import Filter, Group, Order, Review, Row, Verdict, View
from core.services.batch_messages import Look, ViewTold
from core.services.batch_values import Doing, JobNews
from gui.folders.job_text import photos_text, unlike_text
from gui.folders.results_widgets import NUMBER, ResultsParts
from gui.folders.reviewer import Marked, Reviewer, Said
from gui.folders.row_text import copied_text
from gui.folders.rows_gallery import RowsGallery
from gui.folders.rows_table import RowsTable
from gui.tasks.jobs_client import BatchClient, Spans
from gui.widgets import theme
from gui.widgets.basic import label
from gui.widgets.class_chooser import ClassChooser

_FILTERS_FROM: Final = 960
_INSPECTOR_FROM: Final = 700
"""Widths of the page from which these stand beside the rows unless the person says otherwise."""
_MOST: Final = 1000
"""Marked rows that are asked for to be labelled or copied here; more are labelled where they are."""


class ResultsPage(QWidget):
    """Shows a job.

    Attributes:
        strip: how far the job is.
        bar: what can be done with its results.
        panels_changed: what stands beside the rows, or whether they are a table, changed.
        noticed: something the person should read.
    """

    panels_changed = Signal()
    noticed = Signal(str)

    def __init__(self, parts: ResultsParts, client: BatchClient, reviewer: Reviewer, parent: QWidget) -> None:
        super().__init__(parent)
        self._client, self._reviewer = client, reviewer
        self.news: JobNews | None = None
        self._followed: int | None = None
        self._order, self._descending, self._group = Order.FOUND, False, Group.NONE
        self._left_out = 0
        self._classes: Sequence[str] = ()
        self._chooser: ClassChooser | None = None
        self.rows, self.table, self.gallery = parts.rows, parts.table, parts.gallery
        self.bar, self.strip, self.filters, self.inspector = parts.bar, parts.strip, parts.filters, parts.inspector
        self.status = label(kind="muted")
        self._nothing = label(kind="muted", wrap=True)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._middle = QWidget(self._splitter)
        self._views = QStackedWidget(self._middle)
        self._wishes: dict[QWidget, bool] = {}
        self._place()
        self._connect()

    def _place(self) -> None:
        for view in (self.table, self.gallery, self._nothing):
            self._views.addWidget(view)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.gallery.setSelectionModel(self.table.selectionModel())
        self.gallery.selectionModel().currentChanged.connect(self._on_looked)
        middle = self._middle  # each part comes under its parent once: the style is worked out anew at every move
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
        self._client.view_told.connect(self._on_told)
        self.rows.came.connect(self._on_came)
        self.filters.changed.connect(self.look)
        self.bar.order_wanted.connect(self._on_order)
        self.table.sort_wanted.connect(self._on_title)
        self.table.activated.connect(self.ask_for_class)
        self.gallery.correction_asked.connect(self.ask_for_class)
        self.inspector.accepted.connect(lambda: self.review(Review(Verdict.ACCEPTED)))
        self.inspector.other_wanted.connect(self.ask_for_class)
        self.inspector.taken_back.connect(lambda: self.review(None))
        self._reviewer.said.connect(self._on_said)
        self._reviewer.said_of_many.connect(self.rows.age)
        self.table.selectionModel().selectionChanged.connect(self._show_status)

    # ---- a job

    def open(self, news: JobNews, classes: Sequence[str]) -> None:
        """Show this job, from its beginning and without filters."""
        is_other = self.news is None or self.news.facts.id != news.facts.id
        self._classes = classes
        self._reviewer.open(news.facts.id)
        self.show_news(news)
        self.filters.prepare()
        if is_other:
            self._followed = None
            self._order, self._descending, self._group = Order.FOUND, False, Group.NONE
            self.bar.show_order(self._order, self._group, descending=False)
            self.filters.reset()
        else:
            self.look()

    def show_news(self, news: JobNews) -> None:
        """Show how the job stands."""
        self.news = news
        self.bar.show_news(news)
        self.strip.show_news(news)

    def close_job(self) -> None:
        """Look at nothing any more."""
        self._client.look_away(NUMBER)

    # ---- what is looked at

    @property
    def view(self) -> View:
        """The rows that are shown, in their order."""
        return View(self._order, self._descending, self.filters.value(), self._group)

    @property
    def filter(self) -> Filter:
        """Which rows are shown."""
        return self.filters.value()

    @property
    def view_in_use(self) -> RowsTable | RowsGallery:
        """The table or the gallery, whichever is shown."""
        return self.gallery if self.bar.shows_gallery else self.table

    def look(self) -> None:
        """Ask for the rows that are wanted now."""
        if self.news is None:
            return
        self.rows.renew()
        self.bar.show_filtered(is_narrow=self.filters.is_narrow)
        self.table.show_order(self._order, descending=self._descending)
        around, tallied = self.filters.around(), self.filters.grouping
        self._client.look(Look(NUMBER, self.news.facts.id, self.view, around, self._followed, tallied))

    def show_as(self, *, gallery: bool) -> None:
        """Show the rows as a gallery, or as a table."""
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
        self.look()

    def _on_order(self, wish: tuple[Order, bool, Group]) -> None:
        self.sort(wish[0], descending=wish[1], group=wish[2])

    def _on_title(self, order: Order) -> None:
        """A title clicked again turns the order."""
        turned = order is self._order and not self._descending and self._group is Group.NONE
        self.sort(order, descending=turned)

    def _on_told(self, told: ViewTold) -> None:
        if told.number != NUMBER:
            return
        self.rows.show_view(told)
        if told.facts is not None:
            self._left_out = told.facts.left_out
            self.filters.show_facts(told.facts)
        self._show_rows()
        if told.followed is not None:
            self._stand_on(told.followed)
        elif self.rows.rowCount() and not self.table.currentIndex().isValid():
            self._stand_on(0)
        self._show_looked()
        self._show_status()

    def _stand_on(self, place: int) -> None:
        index = self.rows.index(place, 0)
        if index != self.table.currentIndex().siblingAtColumn(0):
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.table.selectionModel().setCurrentIndex(index, flags)
            self.view_in_use.scrollTo(index)

    def _show_rows(self) -> None:
        has_rows = self.rows.rowCount() > 0
        self._nothing.setText(_nothing_text(self.news, self._left_out, is_narrow=self.filters.is_narrow))
        self._views.setCurrentWidget(self.view_in_use if has_rows else self._nothing)

    # ---- the row looked at

    def current_row(self) -> Row | None:
        """The row the person looks at, if it is here."""
        index = self.table.currentIndex()
        return self.rows.row(index.row()) if index.isValid() else None

    def spans(self) -> Spans:
        """First places and counts of the rows that are marked."""
        found = sorted((one.top(), one.bottom() + 1) for one in self.table.selectionModel().selection().toList())
        spans: list[tuple[int, int]] = []
        for top, end in found:
            first = max(top, sum(spans[-1]) if spans else 0)
            if first < end:
                spans.append((first, end - first))
        return tuple(spans)

    def marked(self) -> list[Row] | None:
        """The rows that are marked, or else the one looked at; None where not all of them are here."""
        spans = self.spans()
        if sum(count for _, count in spans) > _MOST:
            return None
        rows = [self.rows.row(place) for first, count in spans for place in range(first, first + count)]
        here = [row for row in rows if row is not None]
        if len(here) < len(rows):
            return None
        current = self.current_row()
        return here or ([current] if current is not None else [])

    def review(self, said: Review | None) -> None:
        """Say the same of the rows that are marked, however many; None takes back what was said."""
        rows, news = self.marked(), self.news
        if rows is not None:
            self._reviewer.review(rows, said)
            if left_open := left_open_text(sum(is_left_open(row, said) for row in rows)):
                self.noticed.emit(left_open)
        elif news is not None:
            marked = Marked(NUMBER, self.rows.version, self.spans(), news.facts.model)
            self._reviewer.review_marked(marked, said)

    def _on_looked(self) -> None:
        row = self.current_row()
        if row is not None:
            self._followed = row.number
            self._client.follow(NUMBER, row.number)
        self._show_looked()

    def _on_came(self, first: int, count: int) -> None:
        if first <= self.table.currentIndex().row() < first + count:
            self._on_looked()

    def _on_said(self, said: Said) -> None:
        self.rows.say([(row.number, review) for row, review in said])
        self._show_looked()

    def _show_looked(self) -> None:
        row = self.current_row()
        if row is not None or not self.table.currentIndex().isValid():
            self.inspector.show_row(row)

    def _show_status(self) -> None:
        ranges = self.table.selectionModel().selection().toList()
        marked = sum(one.height() for one in ranges) if self.rows.rowCount() else 0
        parts = [photos_text(self.rows.rowCount()), *([f"{marked:,} marked"] if marked > 1 else [])]
        if self._left_out:
            parts.append(f"{unlike_text(self._left_out)} and {'is' if self._left_out == 1 else 'are'} not shown")
        self.status.setText(" · ".join(parts))

    # ---- what can be done

    def step(self, by: int) -> None:
        """Look at the row this many further."""
        last = self.rows.rowCount() - 1
        if last >= 0:
            self._stand_on(min(max(self.table.currentIndex().row() + by, 0), last))

    def copy_answers(self) -> None:
        """Put the marked rows on the clipboard, a line each."""
        rows = self.marked()
        if rows is None:
            self.noticed.emit(f"More than {_MOST:,} photos are too many to copy. “Use results” writes them to a file.")
            return
        QGuiApplication.clipboard().setText("\n".join(copied_text(row) for row in rows))

    def ask_for_class(self) -> None:
        """Let the person say what the marked photos are."""
        count = sum(count for _, count in self.spans()) or 1
        current = self.current_row()
        if current is None:
            return
        if self._chooser is None:
            self._chooser = ClassChooser(self.window())
            self._chooser.chosen.connect(lambda name: self.review(Review(Verdict.CORRECTED, name)))
        likely = [score.label for score in current.scores]
        title = "What is in this photo?" if count == 1 else f"What is in these {count:,} photos?"
        self._chooser.open(self._classes or likely, title=title, likely=likely)

    def find_text(self) -> None:
        """Let the person type what to look for."""
        self.show_panel(self.filters, shown=True)
        self.filters.text.setFocus()
        self.filters.text.selectAll()

    # ---- what stands beside the rows

    def show_panel(self, panel: QWidget, *, shown: bool) -> None:
        """Show the filters or the inspector, or hide them."""
        self._wishes[panel] = shown
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Where there is little room, only what the person asked for stands beside the rows."""
        filtering = self._wishes.get(self.filters, self.width() >= _FILTERS_FROM)
        looking = self._wishes.get(self.inspector, self.width() >= (_FILTERS_FROM if filtering else _INSPECTOR_FROM))
        for panel, shown in ((self.filters, filtering), (self.inspector, looking)):
            if panel.isHidden() == shown:
                panel.setVisible(shown)
                QTimer.singleShot(0, self, self.panels_changed.emit)


def _nothing_text(news: JobNews | None, left_out: int, *, is_narrow: bool) -> str:
    if left_out:
        return f"Here are photos that look nearly the same, together. There are none: {unlike_text(left_out)}."
    if is_narrow:
        return "No photo matches the filters."
    if news is not None and news.doing in (Doing.RUNNING, Doing.PAUSED, Doing.ELSEWHERE) and not news.facts.counts.done:
        return "The first answers come in a moment."
    return "There is no photo in this folder. In folders, photos are files such as .jpg, .png, .webp or .heic."
