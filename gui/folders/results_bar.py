"""Above a job's results: the way back, how they are shown and ordered, and what can be made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from core.base.text import display_path
from core.jobs.values import Group, Order
from core.services.batch_values import JobStatus
from gui.folders.job_text import pattern_text, title_text
from gui.widgets import icons, theme
from gui.widgets.basic import Choice, label

_ORDERS: Final[dict[str, tuple[Order, bool, Group]]] = {
    "As they lie in the folder": (Order.FOUND, False, Group.NONE),
    "Least sure first": (Order.CONFIDENCE, False, Group.NONE),
    "Surest first": (Order.CONFIDENCE, True, Group.NONE),
    "By answer": (Order.LABEL, False, Group.NONE),
    "By folder": (Order.FOLDER, False, Group.NONE),
    "Newest first": (Order.TIME, True, Group.NONE),
    "Oldest first": (Order.TIME, False, Group.NONE),
    "Look-alikes together": (Order.FOUND, False, Group.SIMILARITY),
}


class ResultsBar(QWidget):
    """Names the job and offers what can be done.

    Attributes:
        order_wanted: an `Order`, whether descending, and a `Group`.
    """

    order_wanted = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.shows_gallery = False
        self._title, self._place = label(kind="heading"), label(kind="muted")
        self.order = Choice()
        self.order.setAccessibleName("Order of the results")
        self.order.addItems(list(_ORDERS))
        self.order.activated.connect(lambda: self.order_wanted.emit(_ORDERS[self.order.currentText()]))
        self.review, self.export = QPushButton("Review"), QPushButton("Use results")
        self._signs: list[tuple[QToolButton, str]] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(4, 0, 0, 0)
        self._row.setSpacing(theme.GRID)

    def fill(
        self, back: QAction, layouts: Sequence[QAction], review: QAction, made_of: QMenu, filters: QAction
    ) -> None:
        """Put the window's actions where they are at hand."""
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
        self.export.setAccessibleName("Export, write keywords, or sort into folders")
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

    def show_job(self, status: JobStatus) -> None:
        """Name the job."""
        place, pattern = display_path(status.summary.folder), pattern_text(status)
        self._title.setText(title_text(status))
        self._place.setText(
            self._place.fontMetrics().elidedText(
                f"{place}  ({pattern})" if pattern else place, Qt.TextElideMode.ElideMiddle, 320
            )
        )
        self._place.setToolTip(place)

    def show_order(self, order: Order, group: Group, *, descending: bool) -> None:
        """Show the order in use."""
        wanted = (order, descending, group)
        with QSignalBlocker(self.order):
            known = list(_ORDERS.values())
            self.order.setCurrentIndex(known.index(wanted) if wanted in known else -1)

    def show_layout(self, *, gallery: bool) -> None:
        """Show whether the rows are a gallery."""
        self.shows_gallery = gallery

    def show_filtered(self, *, is_narrow: bool) -> None:
        """Show that not everything is shown."""
        sign = next(button for button, name in self._signs if name == "list-filter")
        sign.setProperty("marked", is_narrow)
        sign.style().unpolish(sign)
        sign.style().polish(sign)
