"""Filters for results: text, kind, class or folder, and a range of confidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import (
    QAbstractTableModel,
    QObject,
    QSignalBlocker,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtWidgets import QHeaderView, QTreeView, QWidget

from core.base.i18n import mark, tr
from core.base.text import display_path
from core.jobs.values import Filter, Group
from core.services.job_values import UNKNOWN_GROUP, ViewSummary
from gui.folders.acceptance_panel import AcceptancePanel
from gui.plots import warm
from gui.widgets.basic import Choice, Panel, PercentBox, ScrollColumn, as_list, label, link, search_field
from gui.widgets.indexes import NOWHERE, Index
from gui.widgets.layouts import LEFT, SPACE, Placed, fill, hbox

if TYPE_CHECKING:
    from gui.plots.brush import BrushedHistogram


_DEBOUNCE_MS: Final = 200
"""Delay between the last key press and the search."""
_MIN_ROWS: Final = 5
_MAX_ROWS: Final = 7
"""Number of visible groups; longer lists scroll."""
_UNKNOWN: Final = mark("Unknown (none of the classes)")
_KINDS: Final[Mapping[str, Callable[[Filter], Filter]]] = {
    mark("All photos"): lambda plain: plain,
    mark("Classified"): lambda plain: replace(plain, failed=False),
    _UNKNOWN: lambda plain: replace(plain, unknown=True),
    mark("Unreadable"): lambda plain: replace(plain, failed=True),
    mark("Not reviewed"): lambda plain: replace(plain, reviewed=False, failed=False),
    mark("Reviewed"): lambda plain: replace(plain, reviewed=True),
}
"""What each kind, by its title marked for translation, adds to a filter."""


class FilterPanel(ScrollColumn):
    """Lets the user filter the results.

    Attributes:
        changed: the filter changed.
    """

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(tr("Filters"), parent)
        self.text = search_field(tr("Search names and classes"), tr("Search photos by path or class"))
        self._typed = QTimer(self, interval=_DEBOUNCE_MS, singleShot=True)
        self.kind = Choice(tr("Show"), {kind: kind for kind in _KINDS})
        self.by = Choice(tr("Group counts"), {Group.CLASS: mark("By class"), Group.FOLDER: mark("By folder")})
        for choice in (self.kind, self.by):
            choice.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.groups = _GroupList(self)
        self.low = PercentBox(0, tr("Minimum confidence, percent"))
        self.high = PercentBox(1, tr("Maximum confidence, percent"))
        self.clear = link(tr("Clear filters"), self.reset)
        self.acceptance = AcceptancePanel()
        self.histogram: BrushedHistogram | None = None
        self._summary: ViewSummary | None = None
        self._chosen: tuple[Group, str] | None = None
        self._place()
        self._connect()

    def _place(self) -> None:
        self._ends = QWidget()
        hbox(fill(self.low), label(tr("to"), "muted"), fill(self.high), parent=self._ends)
        self._range = Panel(tr("Confidence"))
        self._range.body.addWidget(self._ends)
        clear = Placed(self.clear, alignment=LEFT)
        self.clear.hide()
        self._column = self.show_column(
            self.text, self.kind, self.by, self.groups, self._range, clear, self.acceptance, SPACE
        )

    def _connect(self) -> None:
        self.text.textChanged.connect(self._typed.start)
        self.text.returnPressed.connect(self._typed.timeout)
        self._typed.timeout.connect(self.changed)
        self.kind.activated.connect(self.changed)
        self.changed.connect(lambda: self.clear.setVisible(self.active > 0))
        self.by.activated.connect(lambda: self.count_by(self.grouping))
        self.groups.group_chosen.connect(self._on_group)
        for box in (self.low, self.high):
            box.valueChanged.connect(self._on_spun)

    # ---- the filter

    @property
    def grouping(self) -> Group:
        """Whether the list counts classes or folders."""
        return Group.CLASS if self.by.currentIndex() == 0 else Group.FOLDER

    @property
    def active(self) -> int:
        """The number of active filters."""
        confidence = (self.low.fraction(), self.high.fraction()) != (0.0, 1.0)
        parts = (self.text.text().strip(), self.kind.currentIndex() > 0, self._chosen is not None, confidence)
        return sum(map(bool, parts))

    def unfiltered(self) -> Filter:
        """The filter without the selected class or folder."""
        narrowed = list(_KINDS.values())[self.kind.currentIndex()]
        result = narrowed(Filter(text=self.text.text().strip()))
        return replace(result, confidence_low=self.low.fraction(), confidence_high=self.high.fraction())

    def value(self) -> Filter:
        """The current filter."""
        result = self.unfiltered()
        match self._chosen:
            case (Group.CLASS, ""):
                return replace(result, failed=True)
            case (Group.CLASS, title) if title == UNKNOWN_GROUP:
                return replace(result, unknown=True)
            case (Group.CLASS, title):
                return replace(result, labels=(title,), unknown=result.unknown or False)
            case (Group.FOLDER, title):
                return replace(result, folder=Path(title))
        return result

    def reset(self) -> None:
        """Clear all filters."""
        self.forget()
        self.changed.emit()

    def forget(self) -> None:
        """Clear all filters without reporting it."""
        blocked = [QSignalBlocker(one) for one in (self.kind, self.low, self.high)]
        self.text.clear()  # not blocked: its clear button depends on this signal
        self._typed.stop()
        self.kind.setCurrentIndex(0)
        self.low.show_fraction(0)
        self.high.show_fraction(1)
        self._chosen = None
        self.groups.choose("")
        self.clear.hide()
        del blocked

    def show_unknown(self) -> None:
        """Choose the unknown photos only, without other filters; `changed` is not emitted."""
        self.forget()
        blocked = QSignalBlocker(self.kind)
        self.kind.setCurrentIndex(list(_KINDS).index(_UNKNOWN))
        self.clear.show()
        del blocked

    def count_by(self, grouping: Group) -> None:
        """Count photos by class or by folder."""
        self.by.setCurrentIndex(int(grouping is Group.FOLDER))
        self._chosen = None
        self.groups.choose("")
        self.changed.emit()

    # ---- the counts

    def show_summary(self, summary: ViewSummary) -> None:
        """Show the counts of groups and the histogram of confidence."""
        self._summary = summary
        self.acceptance.show_acceptance(summary.acceptance)
        self.groups.show_groups(summary.group_counts, self.grouping, summary.total)
        if self.histogram is not None:
            self.histogram.show_counts(summary.histogram, self._brushed())

    def prepare(self) -> None:
        """Create the histogram once its modules are loaded."""
        if self.histogram is None:
            warm(self, self._add_histogram)

    def _add_histogram(self) -> None:
        from gui.plots.brush import BrushedHistogram

        result = BrushedHistogram()
        QTimer.singleShot(0, self, lambda: self._place_histogram(result))  # in two turns, or the window would stall

    def _place_histogram(self, result: BrushedHistogram) -> None:
        if self.histogram is not None:
            return
        self.histogram = result
        self.histogram.brushed.connect(self._on_brushed)
        self.histogram.add_below(self._ends)
        self._column.replaceWidget(self._range, self.histogram)
        self._range.hide()
        if self._summary is not None:
            self.show_summary(self._summary)

    def _brushed(self) -> tuple[float, float] | None:
        chosen = (self.low.fraction(), self.high.fraction())
        return None if chosen == (0.0, 1.0) else chosen

    def _on_brushed(self, chosen: tuple[float, float] | None) -> None:
        low, high = chosen or (0.0, 1.0)
        blocked = [QSignalBlocker(one) for one in (self.low, self.high)]
        self.low.show_fraction(low)
        self.high.show_fraction(high)
        del blocked
        self.changed.emit()

    def _on_spun(self) -> None:
        if self.low.value() > self.high.value():
            other = self.high if self.sender() is self.low else self.low
            with QSignalBlocker(other):
                other.setValue(self.low.value() if other is self.high else self.high.value())
        if self.histogram is not None and self._summary is not None:
            self.histogram.show_counts(self._summary.histogram, self._brushed())
        self._typed.start()

    def _on_group(self, title: str | None) -> None:
        self._chosen = None if title is None else (self.grouping, title)
        self.changed.emit()


class _GroupList(QTreeView):
    """Classes or folders with their counts of photos; selecting one filters by it.

    Attributes:
        group_chosen: the title of the selected group; None for all.
    """

    group_chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        as_list(self, tr("Groups; select one to show only its photos"))
        self._rows = _GroupRows(self)
        self.setModel(self._rows)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        self.header().resizeSection(1, 72)
        self._is_showing = False
        self.selectionModel().currentRowChanged.connect(self._on_current)

    def show_groups(self, groups: Sequence[tuple[str, int]], grouping: Group, total: int) -> None:
        """Show these groups of `total` photos, of which some may be in several.

        The selected one stays selected, even if it has no photos now.
        """
        chosen = self._rows.title_at(self.currentIndex().row())
        self._is_showing = True
        self._rows.show(groups, grouping, chosen, total)
        self.setFixedHeight(min(max(self._rows.rowCount(), _MIN_ROWS), _MAX_ROWS) * self.sizeHintForRow(0) + 2)
        self.choose(chosen or "", is_empty_one=chosen == "")
        self._is_showing = False

    def choose(self, title: str, *, is_empty_one: bool = False) -> None:
        """Select a group, or all, without emitting a signal."""
        was, self._is_showing = self._is_showing, True
        row = self._rows.row_of(title) if title or is_empty_one else 0
        self.setCurrentIndex(self._rows.index(row, 0))
        self._is_showing = was

    def texts(self) -> list[str]:
        return [
            f"{self._rows.index(row, 0).data()} {self._rows.index(row, 1).data()}"
            for row in range(self._rows.rowCount())
        ]

    def _on_current(self, current: Index) -> None:
        if not self._is_showing and current.isValid():
            self.group_chosen.emit(self._rows.title_at(current.row()))


class _GroupRows(QAbstractTableModel):
    """One row for all photos, then one for each group."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._groups: list[tuple[str, int]] = []
        self._grouping, self._total = Group.CLASS, 0

    def show(self, groups: Sequence[tuple[str, int]], grouping: Group, chosen: str | None, total: int) -> None:
        """Show these groups, and the selected one even if it is gone."""
        fresh = list(groups)
        if chosen is not None and chosen not in {title for title, _ in fresh}:
            fresh.append((chosen, 0))
        if (fresh, grouping, total) == (self._groups, self._grouping, self._total):
            return
        self.beginResetModel()
        self._groups, self._grouping, self._total = fresh, grouping, total
        self.endResetModel()

    def title_at(self, row: int) -> str | None:
        """The group in a row; None for the row of all photos."""
        return self._groups[row - 1][0] if 0 < row <= len(self._groups) else None

    def row_of(self, title: str) -> int:
        """The row of a group; 0, the row of all photos, if it does not exist."""
        return next((row for row, (known, _) in enumerate(self._groups, start=1) if known == title), 0)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._groups) + 1

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        title = self.title_at(index.row())
        number = self._total if title is None else self._groups[index.row() - 1][1]
        name = tr("All") if title is None else self._name(title)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return f"{number:,}" if index.column() else name
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return tr("{group}: {number:,}", group=name, number=number)
            case Qt.ItemDataRole.TextAlignmentRole if index.column():
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _name(self, title: str) -> str:
        if self._grouping is Group.FOLDER:
            return tr("Top folder") if title in ("", ".") else display_path(title)
        return tr("Unknown") if title == UNKNOWN_GROUP else title or tr("Unreadable")
