"""The list of jobs; activating one opens its results."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from core.base.i18n import tr
from core.base.text import display_path
from core.jobs.values import JobState, JobSummary
from gui.folders.job_text import counts_text, place_text, progress_text, started_text, state_text, title_text
from gui.widgets import icons, theme
from gui.widgets.basic import action_button, label
from gui.widgets.indexes import Index
from gui.widgets.invitation import invitation
from gui.widgets.layouts import fill, hbox, vbox
from gui.widgets.painting import RIGHT, paint_text

_STATUS: Final = Qt.ItemDataRole.UserRole + 1
_HEIGHT: Final = 96
_MIN_TITLES: Final = 72
"""The least room for titles of models, in pixels; with less, there are none."""
_MIDDLE: Final = Qt.TextElideMode.ElideMiddle


class JobsPage(QWidget):
    """Lists jobs, the newest first.

    Attributes:
        opened: the user opened a job; its id.
    """

    opened = Signal(str)

    def __init__(self, classify: QAction, title_of: Callable[[str], str], parent: QWidget) -> None:
        """`title_of` is the title of the model of a name."""
        super().__init__(parent)
        self.list = QListWidget()
        self.list.setObjectName("jobs")
        self.list.setAccessibleName(tr("Classified folders"))
        self.list.setItemDelegate(_JobDelegate(title_of, self.list))
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.setUniformItemSizes(True)
        self.list.itemActivated.connect(self._open)
        self.list.itemClicked.connect(self._open)
        self._stack = QStackedWidget(self)
        waiting = label(tr("Reading the list of folders…"), "muted")
        waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack.addWidget(waiting)  # until it is known whether there are jobs
        self._stack.addWidget(_make_invitation(classify))
        self._stack.addWidget(self._make_list(classify))
        vbox(self._stack, parent=self)

    def _make_list(self, classify: QAction) -> QWidget:
        page = QWidget()
        begin = action_button(classify, "primary")
        head = hbox(fill(label(tr("Folders"), "title")), begin)
        vbox(head, fill(self.list), parent=page, margins=(4, 4, 4, 0), spacing=16)
        QWidget.setTabOrder(self.list, begin)  # the first one has the focus when the page is shown
        return page

    @property
    def is_known(self) -> bool:
        """Whether the jobs were listed."""
        return self._stack.currentIndex() > 0

    def show_jobs(self, jobs: Iterable[JobSummary]) -> None:
        """Show these; the selected one stays selected."""
        shown = list(jobs)
        known = [self._job(row).id for row in range(self.list.count())]
        if [job.id for job in shown] != known:
            self._fill(shown)
        else:
            for row, job in enumerate(shown):
                _update_item(self.list.item(row), job)
        was_known = self.is_known
        self._stack.setCurrentIndex(2 if shown else 1)
        if shown and not was_known and self.isVisible():
            self.list.setFocus()

    def _fill(self, shown: list[JobSummary]) -> None:
        """Rebuild the rows; if the selected job is gone, select its neighbour."""
        selected, row = self.current(), max(self.list.currentRow(), 0)
        self.list.clear()
        for job in shown:
            _update_item(QListWidgetItem(self.list), job)
        self.list.setCurrentRow(min(row, len(shown) - 1))
        if selected is not None:
            self.select(selected.id)

    def select(self, job: str) -> None:
        """Select this job if it is in the list."""
        for row in range(self.list.count()):
            if self._job(row).id == job:
                self.list.setCurrentRow(row)

    def current(self) -> JobSummary | None:
        """The selected job."""
        row = self.list.currentRow()
        return self._job(row) if row >= 0 else None

    def texts(self) -> list[str]:
        """The accessible text of each job."""
        return [str(self.list.item(row).data(Qt.ItemDataRole.AccessibleTextRole)) for row in range(self.list.count())]

    def _job(self, row: int) -> JobSummary:
        job = self.list.item(row).data(_STATUS)
        assert isinstance(job, JobSummary)
        return job

    def _open(self, item: QListWidgetItem) -> None:
        self.opened.emit(item.data(_STATUS).id)


def _update_item(item: QListWidgetItem, job: JobSummary) -> None:
    item.setData(_STATUS, job)
    item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{title_text(job)}: {state_text(job)}, {_line(job)}")
    item.setToolTip(display_path(job.folder))


def _line(job: JobSummary) -> str:
    return counts_text(job.counts) if job.state is JobState.FINISHED else progress_text(job)


def _make_invitation(classify: QAction) -> QWidget:
    page = QWidget()
    lines = (
        tr("Fovea classifies every photo in it. Then sort, filter, review and export the results."),
        tr("You can also write keywords, or sort the photos into folders. They are not changed unless you ask for it."),
    )
    zone = invitation("folder-search", tr("Drop a folder here"), lines, (action_button(classify, "primary"),))
    vbox(zone, parent=page, margins=(28, 20, 28, 20))
    return page


class _JobDelegate(QStyledItemDelegate):
    """Paints a card: name, folder and progress on the left, state, start time and model on the right."""

    def __init__(self, title_of: Callable[[str], str], parent: QWidget) -> None:
        super().__init__(parent)
        self._title_of = title_of

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, _HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        job: JobSummary = index.data(_STATUS)
        colours, state = theme.current(), option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card = QRectF(option.rect).adjusted(1, 1, -1, -theme.GRID)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        hovered = colours.muted if state & QStyle.StateFlag.State_MouseOver else colours.border
        painter.setBrush(QColor(colours.accent_soft if selected else colours.surface))
        painter.setPen(QPen(QColor(colours.accent if selected else hovered), 2 if focused else 1))
        painter.drawRoundedRect(card, theme.RADIUS, theme.RADIUS)
        box = card.toRect().adjusted(16, 10, -16, -10)
        icons.paint(painter, "folders", QRectF(box.left(), box.top() + 4, 24, 24), colours.muted)
        titles = ", ".join(map(self._title_of, job.models))
        _paint_job(painter, box.adjusted(40, 0, 0, 0), job, titles)
        painter.restore()


def _paint_job(painter: QPainter, box: QRect, job: JobSummary, titles: str) -> None:
    colours = theme.current()
    is_wrong = job.state in (JobState.MISSING, JobState.STOPPED)
    state_colour = colours.warning if is_wrong else colours.muted if job.state is JobState.FINISHED else colours.accent
    first, second, third = (QRect(box.left(), box.top() + down, box.width(), 20) for down in (0, 22, 44))
    width = paint_text(painter, first, state_text(job), state_colour, bold=True, side=RIGHT) + 16
    paint_text(painter, first.adjusted(0, 0, -width, 0), title_text(job), colours.text, bold=True, elide=_MIDDLE)
    paint_text(painter, second, place_text(job), colours.muted, elide=_MIDDLE)
    width = paint_text(painter, third, _line(job), colours.text) + 16
    beside = third.adjusted(width, 0, 0, 0)
    paint_text(
        painter, beside, started_within(painter.fontMetrics(), beside.width(), job, titles), colours.muted, side=RIGHT
    )


def started_within(font: QFontMetrics, width: int, job: JobSummary, titles: str) -> str:
    """When a job was started, and the titles of its models, as far as there is room; `width` is in pixels."""
    time = started_text(job)
    if font.horizontalAdvance(time) > width:
        return ""
    text = tr("{time} · {models}", time=time, models=titles)
    has_room = font.horizontalAdvance(time) + _MIN_TITLES <= width
    return font.elidedText(text, Qt.TextElideMode.ElideRight, width) if has_room else time
