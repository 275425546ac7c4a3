"""The bar above a job's results: back, layout, order, export and review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from core.base.i18n import mark, tr
from core.base.text import display_path
from core.jobs.values import Group, JobSummary, Order
from gui.folders.job_text import pattern_text, title_text
from gui.widgets import icons, theme
from gui.widgets.basic import Choice, label

_ORDERS: Final[dict[str, tuple[Order, bool, Group]]] = {
    mark("Folder order"): (Order.FOUND, False, Group.NONE),
    mark("Lowest confidence first"): (Order.CONFIDENCE, False, Group.NONE),
    mark("Highest confidence first"): (Order.CONFIDENCE, True, Group.NONE),
    mark("By class"): (Order.LABEL, False, Group.NONE),
    mark("By folder"): (Order.FOLDER, False, Group.NONE),
    mark("Newest first"): (Order.TIME, True, Group.NONE),
    mark("Oldest first"): (Order.TIME, False, Group.NONE),
    mark("Similar photos"): (Order.FOUND, False, Group.SIMILARITY),
}
"""Orders by their titles, which are marked for translation."""


class ResultsBar(QWidget):
    """Shows the job's name and the actions on its results.

    Attributes:
        order_wanted: an `Order`, whether descending, and a `Group`.
    """

    order_wanted = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.shows_gallery = False
        self._title, self._place = label(kind="heading"), label(kind="muted")
        self.order = Choice()
        self.order.setAccessibleName(tr("Sort order"))
        self.order.addItems([tr(title) for title in _ORDERS])
        self.order.activated.connect(lambda index: self.order_wanted.emit(list(_ORDERS.values())[index]))
        self.review, self.export = QPushButton(tr("Review")), QPushButton(tr("Use results"))
        self._signs: list[tuple[QToolButton, str]] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(4, 0, 0, 0)
        self._row.setSpacing(theme.GRID)

    def fill(
        self, back: QAction, layouts: Sequence[QAction], review: QAction, made_of: QMenu, filters: QAction
    ) -> None:
        """Add buttons for the window's actions."""
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self._title)
        names.addWidget(self._place)
        self._row.addWidget(self._sign(back, "arrow-left"))
        self._row.addLayout(names, 1)
        self._row.addWidget(self._sign(filters, "list-filter"))
        for action, sign in zip(layouts, ("table", "layout-grid"), strict=True):
            self._row.addWidget(self._sign(action, sign))
        self._row.addWidget(self.order)
        self.review.setToolTip(review.shortcut().toString())
        self.review.clicked.connect(review.trigger)
        self.review.setProperty("kind", "primary")
        self.export.setMenu(made_of)
        self.export.setAccessibleName(tr("Export, write keywords or sort into folders"))
        self._row.addWidget(self.export)
        self._row.addWidget(self.review)

    def _sign(self, action: QAction, name: str) -> QToolButton:
        button = QToolButton()
        button.setProperty("kind", "plain")
        button.setCheckable(action.isCheckable())
        button.setIcon(icons.icon(name, "text"))
        button.setIconSize(QSize(20, 20))
        button.setAccessibleName(action.text().replace("&", ""))
        button.setToolTip(f"{action.text().replace('&', '')}  ({action.shortcut().toString()})")
        button.clicked.connect(action.trigger)
        action.changed.connect(lambda: button.setChecked(action.isChecked()))
        self._signs.append((button, name))
        return button

    def show_job(self, job: JobSummary) -> None:
        """Show the name and folder of the job."""
        place, pattern = display_path(job.folder), pattern_text(job)
        self._title.setText(title_text(job))
        self._place.setText(
            self._place.fontMetrics().elidedText(
                f"{place}  ({pattern})" if pattern else place, Qt.TextElideMode.ElideMiddle, 320
            )
        )
        self._place.setToolTip(place)

    def show_order(self, order: Order, group: Group, *, descending: bool) -> None:
        """Show the current order."""
        wanted = (order, descending, group)
        with QSignalBlocker(self.order):
            known = list(_ORDERS.values())
            self.order.setCurrentIndex(known.index(wanted) if wanted in known else -1)

    def show_layout(self, *, gallery: bool) -> None:
        """Remember whether the rows are shown as a gallery."""
        self.shows_gallery = gallery

    def show_filtered(self, *, is_narrow: bool) -> None:
        """Show whether filters are active."""
        sign = next(button for button, name in self._signs if name == "list-filter")
        sign.setProperty("marked", is_narrow)
        sign.style().unpolish(sign)
        sign.style().polish(sign)
