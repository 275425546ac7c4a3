"""The steps of a plan as a table of any length, which loads only the steps in use."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QAbstractTableModel, QObject, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from core.api import jobs as api
from core.base.i18n import mark, tr
from core.base.text import display_path
from core.services.job_values import PlannedStep, PlannedSteps
from gui.folders.row_cache import RowPages
from gui.tasks.task import Tasks
from gui.widgets.indexes import NOWHERE, Index

_TITLES: Final = (mark("Photo"), mark("Step"), mark("Result"))
_HEIGHT: Final = 32


class StepsModel(QAbstractTableModel):
    """The steps of one plan.

    Attributes:
        reset_done: steps were loaded.
    """

    reset_done = Signal()

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._pages: RowPages[PlannedStep] = RowPages(self._fetch)
        self._plan: PlannedSteps | None = None

    def show_plan(self, plan: PlannedSteps | None) -> None:
        """Show the steps of a plan; None for none."""
        self.beginResetModel()
        self._pages.clear()
        self._plan = plan
        self.endResetModel()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() or self._plan is None else self._plan.count

    def columnCount(self, parent: Index = NOWHERE) -> int:
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

    def _fetch(self, first: int, count: int) -> None:
        if self._plan is not None:
            task = self._tasks.start(api.fetch_steps, self._plan.id, first, count)
            task.succeeded.connect(partial(self._on_steps, self._plan, first))

    def _on_steps(self, plan: PlannedSteps, first: int, steps: tuple[PlannedStep, ...]) -> None:
        if plan is self._plan and steps:  # an expired plan has none
            self._pages.put(first, steps)
            self.reset_done.emit()


class StepsTable(QTableView):
    """Shows a `StepsModel`."""

    def __init__(self, model: StepsModel) -> None:
        super().__init__()
        self.setObjectName("data")
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
        titles.setTextElideMode(Qt.TextElideMode.ElideRight)
        titles.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        titles.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        titles.resizeSection(1, 176)
        model.reset_done.connect(self.viewport().update)
