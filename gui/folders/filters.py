"""Which results are looked at: text, kind, class or folder, and a range of confidence that can be brushed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSignalBlocker,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from core.base.text import display_path
from core.jobs.values import Filter, Group
from core.services.batch_values import ViewSummary
from gui.plots import warm
from gui.widgets import theme
from gui.widgets.basic import Choice, Panel, label

if TYPE_CHECKING:
    from gui.plots.brush import BrushedHistogram

Index = QModelIndex | QPersistentModelIndex

_NOWHERE: Final = QModelIndex()
_DEBOUNCE_MS: Final = 200
"""So long after the last key the text is searched for."""
_WHOLE: Final = 100
_MIN_ROWS: Final = 5
_MAX_ROWS: Final = 7
"""Groups in sight; to more one scrolls."""
_KINDS: Final[Mapping[str, Callable[[Filter], Filter]]] = {
    "All photos": lambda plain: plain,
    "Answered": lambda plain: replace(plain, failed=False),
    "Unknown, likely none of the classes": lambda plain: replace(plain, unknown=True),
    "Could not be read": lambda plain: replace(plain, failed=True),
    "Not reviewed yet": lambda plain: replace(plain, reviewed=False, failed=False),
    "Reviewed": lambda plain: replace(plain, reviewed=True),
}


class FilterPanel(QScrollArea):
    """What the person chose to see.

    Attributes:
        changed: they chose otherwise.
    """

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Filters")
        self.text = QLineEdit()
        self.text.setPlaceholderText("Find in names and answers")
        self.text.setAccessibleName("Find photos by a part of their path or answer")
        self.text.setClearButtonEnabled(True)
        self._typed = QTimer(self, interval=_DEBOUNCE_MS, singleShot=True)
        self.kind = _choice("Which photos are shown", list(_KINDS))
        self.by = _choice("Counted by", ["By class", "By folder"])
        self.groups = _GroupList(self)
        self.low, self.high = (
            _percent("Least confidence, per cent", 0),
            _percent("Greatest confidence, per cent", _WHOLE),
        )
        self.clear = QPushButton("Clear the filters")
        self.clear.setProperty("kind", "link")
        self.histogram: BrushedHistogram | None = None
        self._summary: ViewSummary | None = None
        self._chosen: tuple[Group, str] | None = None
        self._place()
        self._connect()

    def _place(self) -> None:
        body = QWidget()
        body.setObjectName("inspector")
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(0, 0, theme.GRID, 0)
        self._column.setSpacing(theme.GRID)
        self._column.addWidget(self.text)
        self._column.addWidget(self.kind)
        self._column.addWidget(self.by)
        self._column.addWidget(self.groups)
        self._range = Panel("Confidence")
        self._ends = QWidget()
        row = QHBoxLayout(self._ends)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.low, 1)
        row.addWidget(label("to", "muted"))
        row.addWidget(self.high, 1)
        self._range.body.addWidget(self._ends)
        self._column.addWidget(self._range)
        self._column.addWidget(self.clear, alignment=Qt.AlignmentFlag.AlignLeft)
        self._column.addStretch()
        self.setWidget(body)

    def _connect(self) -> None:
        self.text.textChanged.connect(self._typed.start)
        self.text.returnPressed.connect(self._typed.timeout)
        self._typed.timeout.connect(self.changed)
        self.kind.activated.connect(self.changed)
        self.by.activated.connect(lambda: self.count_by(self.grouping))
        self.groups.group_chosen.connect(self._on_group)
        for box in (self.low, self.high):
            box.valueChanged.connect(self._on_spun)
        self.clear.clicked.connect(self.reset)

    # ---- what is chosen

    @property
    def grouping(self) -> Group:
        """By what the groups are counted."""
        return Group.CLASS if self.by.currentIndex() == 0 else Group.FOLDER

    @property
    def is_narrow(self) -> bool:
        """Whether anything is left out."""
        return self.value() != Filter()

    def unfiltered(self) -> Filter:
        """The filter that was chosen, whichever class or folder."""
        result = _KINDS[self.kind.currentText()](Filter(text=self.text.text().strip()))
        return replace(result, confidence_low=self.low.value() / _WHOLE, confidence_high=self.high.value() / _WHOLE)

    def value(self) -> Filter:
        """The filter that was chosen."""
        result = self.unfiltered()
        match self._chosen:
            case (Group.CLASS, ""):
                return replace(result, failed=True)
            case (Group.CLASS, title):
                return replace(result, labels=(title,))
            case (Group.FOLDER, title):
                return replace(result, folder=Path(title))
        return result

    def reset(self) -> None:
        """Show everything."""
        blocked = [QSignalBlocker(one) for one in (self.kind, self.low, self.high)]
        self.text.clear()  # not blocked: its own button to clear it goes by that signal
        self._typed.stop()
        self.kind.setCurrentIndex(0)
        self.low.setValue(0)
        self.high.setValue(_WHOLE)
        self._chosen = None
        self.groups.choose("")
        del blocked
        self.changed.emit()

    def count_by(self, grouping: Group) -> None:
        """Count by class or by folder."""
        self.by.setCurrentIndex(int(grouping is Group.FOLDER))
        self._chosen = None
        self.groups.choose("")
        self.changed.emit()

    # ---- what is shown

    def show_summary(self, summary: ViewSummary) -> None:
        """Show how many photos there are of each kind."""
        self._summary = summary
        self.groups.show_groups(summary.group_counts, self.grouping)
        if self.histogram is not None:
            self.histogram.show_counts(summary.histogram, self._brushed())

    def prepare(self) -> None:
        """Have the histogram drawn, once what draws it is there."""
        if self.histogram is None:
            warm(self, self._add_histogram)

    def _add_histogram(self) -> None:
        from gui.plots.brush import BrushedHistogram

        result = BrushedHistogram()
        QTimer.singleShot(0, self, lambda: self._place_histogram(result))  # another turn: both together can be felt

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
        chosen = (self.low.value() / _WHOLE, self.high.value() / _WHOLE)
        return None if chosen == (0.0, 1.0) else chosen

    def _on_brushed(self, chosen: tuple[float, float] | None) -> None:
        low, high = chosen or (0.0, 1.0)
        blocked = [QSignalBlocker(one) for one in (self.low, self.high)]
        self.low.setValue(round(low * _WHOLE))
        self.high.setValue(round(high * _WHOLE))
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
    """Classes or folders with how many photos each has; choosing one shows its photos alone.

    Attributes:
        group_chosen: the title of a group; None for all of them.
    """

    group_chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("choices")
        self.setAccessibleName("Groups; choose one to see its photos alone")
        self._rows = _GroupRows(self)
        self.setModel(self._rows)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setHeaderHidden(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        self.header().resizeSection(1, 72)
        self._is_showing = False
        self.selectionModel().currentRowChanged.connect(self._on_current)

    def show_groups(self, groups: Sequence[tuple[str, int]], grouping: Group) -> None:
        """Show these; whichever is chosen stays so, even where it has no photos now."""
        chosen = self._rows.title_at(self.currentIndex().row())
        self._is_showing = True
        self._rows.show(groups, grouping, chosen)
        self.setFixedHeight(min(max(self._rows.rowCount(), _MIN_ROWS), _MAX_ROWS) * self.sizeHintForRow(0) + 2)
        self.choose(chosen or "", is_empty_one=chosen == "")
        self._is_showing = False

    def choose(self, title: str, *, is_empty_one: bool = False) -> None:
        """Mark a group, or all of them; tells nobody."""
        was, self._is_showing = self._is_showing, True
        row = self._rows.row_of(title) if title or is_empty_one else 0
        self.setCurrentIndex(self._rows.index(row, 0))
        self._is_showing = was

    def texts(self) -> list[str]:
        """What is shown, for each row its name and its number."""
        return [
            f"{self._rows.index(row, 0).data()} {self._rows.index(row, 1).data()}"
            for row in range(self._rows.rowCount())
        ]

    def _on_current(self, current: Index) -> None:
        if not self._is_showing and current.isValid():
            self.group_chosen.emit(self._rows.title_at(current.row()))


class _GroupRows(QAbstractTableModel):
    """A row for all, then one for each group."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._groups: list[tuple[str, int]] = []
        self._grouping = Group.CLASS

    def show(self, groups: Sequence[tuple[str, int]], grouping: Group, chosen: str | None) -> None:
        """Show these; the chosen one too, where it has gone."""
        fresh = list(groups)
        if chosen is not None and chosen not in {title for title, _ in fresh}:
            fresh.append((chosen, 0))
        if (fresh, grouping) == (self._groups, self._grouping):
            return
        self.beginResetModel()
        self._groups, self._grouping = fresh, grouping
        self.endResetModel()

    def title_at(self, row: int) -> str | None:
        """The group in a row; None for all."""
        return self._groups[row - 1][0] if 0 < row <= len(self._groups) else None

    def row_of(self, title: str) -> int:
        """Where a group is; 0, where all are, if it is not there."""
        return next((row for row, (known, _) in enumerate(self._groups, start=1) if known == title), 0)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._groups) + 1

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        title = self.title_at(index.row())
        number = sum(count for _, count in self._groups) if title is None else self._groups[index.row() - 1][1]
        name = "All" if title is None else self._name(title)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return f"{number:,}" if index.column() else name
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return f"{name}: {number:,}"
            case Qt.ItemDataRole.TextAlignmentRole if index.column():
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _name(self, title: str) -> str:
        if self._grouping is Group.FOLDER:
            return "The folder itself" if title in ("", ".") else display_path(title)
        return title or "Could not be read"


def _choice(name: str, texts: Sequence[str]) -> Choice:
    box = Choice()
    box.addItems(list(texts))
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


def _percent(name: str, value: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(0, _WHOLE)
    box.setSingleStep(5)
    box.setSuffix(" %")
    box.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)  # arrow keys do, and there is little room
    box.setValue(value)
    box.setAccessibleName(name)
    return box
