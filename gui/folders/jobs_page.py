"""All jobs: what was classified, what still is, and what stopped; each opens its results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFont, QPainter, QPen
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from core.base.text import printable
from core.services.batch_values import Doing, JobNews
from gui.folders.job_text import begun_text, counts_text, doing_text, pattern_text, progress_text, title_text
from gui.widgets import icons, theme
from gui.widgets.basic import Icon, label

Index = QModelIndex | QPersistentModelIndex

_NEWS: Final = Qt.ItemDataRole.UserRole + 1
_HEIGHT: Final = 96
_PROMISE: Final = (
    "Every photo in it gets an answer that you can sort, filter, review, export, write into the photos as keywords, or "
    "sort into folders. The photos are only read until you say otherwise."
)


class JobsPage(QWidget):
    """Lists jobs, the newest first.

    Attributes:
        opened: the person wants to see this job's results; its id.
    """

    opened = Signal(str)

    def __init__(self, classify: QAction, parent: QWidget) -> None:
        super().__init__(parent)
        self.list = QListWidget()
        self.list.setObjectName("jobs")
        self.list.setAccessibleName("Folders that were classified")
        self.list.setItemDelegate(_JobDelegate(self.list))
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.setUniformItemSizes(True)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.list.itemActivated.connect(self._open)
        self.list.itemClicked.connect(self._open)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._make_invitation(classify))
        self._stack.addWidget(self._make_list(classify))
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.addWidget(self._stack)

    def _make_invitation(self, classify: QAction) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(28, 20, 28, 20)
        zone = QFrame()
        zone.setObjectName("dropzone")
        inside = QVBoxLayout(zone)
        inside.setContentsMargins(24, 24, 24, 24)
        inside.setSpacing(16)
        inside.addStretch()
        inside.addWidget(Icon("folder-search", "accent", 64), alignment=Qt.AlignmentFlag.AlignHCenter)
        inside.addWidget(label("Classify a whole folder", "display"), alignment=Qt.AlignmentFlag.AlignHCenter)
        promise = label(_PROMISE, "muted", wrap=True)
        promise.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        promise.setMinimumWidth(520)
        promise.setMinimumHeight(promise.heightForWidth(520))  # a layout that centres it would cut a line off
        inside.addWidget(promise, alignment=Qt.AlignmentFlag.AlignHCenter)
        inside.addWidget(_button(classify), alignment=Qt.AlignmentFlag.AlignHCenter)
        inside.addStretch()
        column.addWidget(zone)
        return page

    def _make_list(self, classify: QAction) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(4, 4, 4, 0)
        column.setSpacing(16)
        head = QHBoxLayout()
        head.addWidget(label("Folders", "title"), 1)
        head.addWidget(_button(classify))
        column.addLayout(head)
        column.addWidget(self.list, 1)
        return page

    def show_jobs(self, jobs: Iterable[JobNews]) -> None:
        """Show these; the selected one stays selected."""
        shown = list(jobs)
        known = [self._news(row).facts.id for row in range(self.list.count())]
        if [news.facts.id for news in shown] != known:
            self._fill(shown)
        else:
            for row, news in enumerate(shown):
                _dress(self.list.item(row), news)
        self._stack.setCurrentIndex(bool(shown))

    def _fill(self, shown: list[JobNews]) -> None:
        """Make the rows again; where the selected job is gone, its neighbour is selected."""
        selected, row = self.current(), max(self.list.currentRow(), 0)
        self.list.clear()
        for news in shown:
            _dress(QListWidgetItem(self.list), news)
        self.list.setCurrentRow(min(row, len(shown) - 1))
        if selected is not None:
            self.select(selected.facts.id)

    def select(self, job: str) -> None:
        """Select this job, if it is in the list."""
        for row in range(self.list.count()):
            if self._news(row).facts.id == job:
                self.list.setCurrentRow(row)

    def current(self) -> JobNews | None:
        """The selected job."""
        row = self.list.currentRow()
        return self._news(row) if row >= 0 else None

    def texts(self) -> list[str]:
        """What is shown of each job, as a screen reader says it."""
        return [str(self.list.item(row).data(Qt.ItemDataRole.AccessibleTextRole)) for row in range(self.list.count())]

    def _news(self, row: int) -> JobNews:
        news = self.list.item(row).data(_NEWS)
        assert isinstance(news, JobNews)
        return news

    def _open(self, item: QListWidgetItem) -> None:
        self.opened.emit(item.data(_NEWS).facts.id)


def _dress(item: QListWidgetItem, news: JobNews) -> None:
    item.setData(_NEWS, news)
    item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{title_text(news)}: {doing_text(news)}, {_line(news)}")
    item.setToolTip(printable(news.facts.folder))


def _line(news: JobNews) -> str:
    return counts_text(news.facts.counts) if news.doing is Doing.FINISHED else progress_text(news)


def _button(classify: QAction) -> QPushButton:
    button = QPushButton(classify.text().replace("&", ""))
    button.setProperty("kind", "primary")
    button.setToolTip(classify.shortcut().toString())
    button.clicked.connect(classify.trigger)
    return button


class _JobDelegate(QStyledItemDelegate):
    """Paints a card: name and place, how far, and what it does at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, _HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        news: JobNews = index.data(_NEWS)
        colours, state = theme.current(), option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card = QRectF(option.rect).adjusted(1, 1, -1, -theme.GRID)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        pointed_at = colours.muted if state & QStyle.StateFlag.State_MouseOver else colours.border
        painter.setBrush(QColor(colours.accent_soft if selected else colours.surface))
        painter.setPen(QPen(QColor(colours.accent if selected else pointed_at), 2 if focused else 1))
        painter.drawRoundedRect(card, theme.RADIUS, theme.RADIUS)
        box = card.toRect().adjusted(16, 10, -16, -10)
        icons.paint(painter, "folders", QRectF(box.left(), box.top() + 4, 24, 24), colours.muted)
        _paint_job(painter, box.adjusted(40, 0, 0, 0), news)
        painter.restore()


def _paint_job(painter: QPainter, box: QRect, news: JobNews) -> None:
    colours = theme.current()
    is_wrong = news.doing in (Doing.MISSING, Doing.STOPPED)
    state_colour = colours.warning if is_wrong else colours.muted if news.doing is Doing.FINISHED else colours.accent
    width = _paint(painter, box, doing_text(news), state_colour, bold=True, right=True) + 16
    rest = box.adjusted(0, 0, -width, 0)
    _paint(painter, rest, title_text(news), colours.text, bold=True)
    place = printable(news.facts.folder)
    pattern = pattern_text(news)
    _paint(painter, rest.translated(0, 22), f"{place}  ({pattern})" if pattern else place, colours.muted)
    when = box.translated(0, 44)
    width = _paint(painter, when, begun_text(news), colours.muted, right=True) + 16
    _paint(painter, when.adjusted(0, 0, -width, 0), _line(news), colours.text)


def _paint(painter: QPainter, box: QRect, text: str, colour: str, *, bold: bool = False, right: bool = False) -> int:
    """One line of text; how wide it came out."""
    font = QFont(painter.font())
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    line = QRect(box.left(), box.top(), box.width(), 20)
    told = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, line.width())
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    painter.drawText(line, side | Qt.AlignmentFlag.AlignVCenter, told)
    return painter.fontMetrics().horizontalAdvance(told)
