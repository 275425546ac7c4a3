"""The bar above a job's results: back, layout, order, export and review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from core.base.i18n import mark, tr, tr_n
from core.base.text import display_path
from core.jobs.values import Group, JobSummary, Order, View
from gui.folders.job_text import place_text, title_text
from gui.widgets import icons, theme
from gui.widgets.basic import Choice, ToolButton, button
from gui.widgets.elided import ElidedLabel
from gui.widgets.layouts import fill, hbox, vbox

_ORDERS: Final = {
    mark("Folder order"): View(),
    mark("Lowest confidence first"): View(Order.CONFIDENCE),
    mark("Highest confidence first"): View(Order.CONFIDENCE, descending=True),
    mark("By class"): View(Order.LABEL),
    mark("By folder"): View(Order.FOLDER),
    mark("Newest first"): View(Order.TIME, descending=True),
    mark("Oldest first"): View(Order.TIME),
    mark("Most useful to label first"): View(Order.USEFULNESS),
    mark("Look-alikes together"): View(group=Group.LIKENESS),
    mark("Near duplicates"): View(group=Group.SIMILARITY),
}
"""Orders by their titles, which are marked for translation."""
_ORDER_WIDTH: Final = 112
"""The least width of their box, in pixels: in a narrow window the name of the job matters more."""


class ResultsBar(QWidget):
    """Shows the job's name and the actions on its results.

    Attributes:
        order_wanted: the user chose the order and groups of this view.
    """

    order_wanted = Signal(View)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._title, self._place = ElidedLabel("heading"), ElidedLabel("muted", Qt.TextElideMode.ElideMiddle)
        self.order = Choice(tr("Sort order"))
        self.order.setMinimumWidth(_ORDER_WIDTH)
        self.order.setPlaceholderText(tr("Custom order"))  # as a header can reverse some orders
        self.order.addItems([tr(title) for title in _ORDERS])
        self.order.activated.connect(lambda index: self.order_wanted.emit(list(_ORDERS.values())[index]))
        self.review = button(tr("Review"), kind="primary")
        self.export = button(tr("Use results"), name=tr("Export, write keywords or sort into folders"))
        self._filters = ToolButton()

    def fill(
        self, back: QAction, layouts: Sequence[QAction], review: QAction, made_of: QMenu, filters: QAction
    ) -> None:
        """Add buttons for the window's actions."""
        self._filters = self._sign(filters, "list-filter")
        self.review.setToolTip(review.shortcut().toString())
        self.review.clicked.connect(review.trigger)
        self.export.setMenu(made_of)
        hbox(
            self._sign(back, "arrow-left"),
            fill(vbox(self._title, self._place, spacing=0)),
            self._filters,
            *(self._sign(action, sign) for action, sign in zip(layouts, ("table", "layout-grid"), strict=True)),
            self.order,
            self.export,
            self.review,
            parent=self,
            margins=(4, 0, 0, 0),
            spacing=theme.GRID,
        )

    def _sign(self, action: QAction, name: str) -> ToolButton:
        text, sign = action.text().replace("&", ""), ToolButton()
        sign.setCheckable(action.isCheckable())
        sign.setIcon(icons.icon(name, "text"))
        sign.setIconSize(QSize(20, 20))
        sign.setAccessibleName(text)
        sign.setToolTip(f"{text}  ({action.shortcut().toString()})")
        sign.clicked.connect(action.trigger)
        action.changed.connect(lambda: sign.setChecked(action.isChecked()))
        return sign

    def show_job(self, job: JobSummary) -> None:
        """Show the name and folder of the job."""
        self._title.setText(title_text(job))
        self._place.setText(place_text(job))
        self._place.setToolTip(display_path(job.folder))

    def show_order(self, view: View) -> None:
        """Show the order and groups of a view that has no filter."""
        with QSignalBlocker(self.order):
            known = list(_ORDERS.values())
            self.order.setCurrentIndex(known.index(view) if view in known else -1)

    def show_filters(self, active: int) -> None:
        """Show the number of active filters."""
        self._filters.setText(tr_n("{count} filter", "{count} filters", active) if active else "")
        style = Qt.ToolButtonStyle
        self._filters.setToolButtonStyle(style.ToolButtonTextBesideIcon if active else style.ToolButtonIconOnly)
