"""The steps of a plan as a table of any length, which loads only the steps in use."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from core.base.i18n import mark, tr
from core.base.text import display_path
from core.services.batch_messages import StepsFetched
from core.services.batch_values import PlannedStep
from gui.folders.row_cache import RowPages
from gui.tasks.jobs_client import BatchClient

Index = QModelIndex | QPersistentModelIndex
_NOWHERE: Final = QModelIndex()
_TITLES: Final = (mark("Photo"), mark("Step"), mark("Result"))
_HEIGHT: Final = 32


class StepsModel(QAbstractTableModel):
    """The steps of one plan.

    Attributes:
        reset_done: steps were loaded.
    """

    reset_done = Signal()

    def __init__(self, client: BatchClient, parent: QObject) -> None:
        super().__init__(parent)
        self._client = client
        self._pages: RowPages[PlannedStep] = RowPages(
            lambda first, count: client.fetch_steps(self._ticket, first, count)
        )
        self._ticket = self._count = 0
        client.steps_fetched.connect(self._on_steps)

    def show_plan(self, ticket: int, count: int) -> None:
        """Show the steps of a plan."""
        self.beginResetModel()
        self._pages.clear()
        self._ticket, self._count = ticket, count
        self.endResetModel()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else self._count

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(_TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return tr(_TITLES[section]) if orientation is Qt.Orientation.Horizontal else f"{section + 1:,}"
        if role == Qt.ItemDataRole.TextAlignmentRole and orientation is Qt.Orientation.Horizontal:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        step = self._pages.row(index.row())
        if step is None:
            return "…" if index.column() == 0 else None
        return display_path((step.file, step.action, step.outcome)[index.column()])

    def _on_steps(self, fetched: StepsFetched) -> None:
        if fetched.ticket == self._ticket:
            self._pages.put(fetched.first, fetched.steps)
            self.reset_done.emit()


class StepsTable(QTableView):
    """Shows a `StepsModel`."""

    def __init__(self, model: StepsModel) -> None:
        super().__init__()
        self.setObjectName("twin")
        self.setAccessibleName(tr("Planned steps"))
        self.setModel(model)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(_HEIGHT)
        self.verticalHeader().hide()
        titles = self.horizontalHeader()
        titles.setHighlightSections(False)
        titles.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        titles.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        titles.resizeSection(1, 176)
        model.reset_done.connect(self.viewport().update)
