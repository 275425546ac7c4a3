"""The problems of a folder, each with what can be done about it, and the changes that the user made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLabel,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from core.base.i18n import tr, tr_n
from core.datasets.labels import LEFT_OUT, OverriddenImage, summarize
from core.datasets.problems import Problem, ProblemKind, format_path
from core.datasets.values import FolderRead
from core.images.listing import IMAGE_SUFFIXES
from gui.tasks.picture_client import PictureClient
from gui.widgets import theme
from gui.widgets.basic import Panel, ScrollColumn, label, link
from gui.widgets.files import open_file
from gui.widgets.flow import FlowRow
from gui.widgets.indexes import Index
from gui.widgets.layouts import SPACE, TOP, Placed, fill, hbox
from gui.widgets.painting import paint_photo
from gui.widgets.thumbnails import SIDE

_SHOWN: Final = 40
"""Problems, and changed photos, that are shown at first."""
_BATCH_SIZE: Final = 1
"""Rows made per turn of the event loop: all at once they would block it."""
_FILES: Final = 20
_SIMILAR: Final = frozenset(
    {ProblemKind.DUPLICATE, ProblemKind.CONFLICT, ProblemKind.NEAR_DUPLICATE, ProblemKind.NEAR_CONFLICT}
    | {ProblemKind.LEAK}
)
"""Problems of similar photos, where the action applies to one of them, not to all."""
_PATH: Final = Qt.ItemDataRole.UserRole


class ProblemList(ScrollColumn):
    """Shows problems and label overrides.

    Attributes:
        overridden: change labels: a mapping from path to class, LEFT_OUT, or None to undo.
        class_wanted: ask for the class of these photos; the photos, and the likely classes.
    """

    overridden = Signal(object)
    class_wanted = Signal(object, object)

    def __init__(self, pictures: PictureClient, parent: QWidget | None = None) -> None:
        super().__init__(tr("Check these photos"), parent)
        self.pictures = pictures
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._making: Iterator[QWidget] = iter(())
        self._maker = QTimer(self, interval=0)
        self._maker.timeout.connect(self._make_some)
        self._rows: QVBoxLayout | None = None
        self._scrolled = 0

    def show_folder(self, read: FolderRead) -> None:
        """Show a folder; the scroll position is kept."""
        self._scrolled = self.verticalScrollBar().value()
        self._rows = self.show_column(SPACE)
        self._making = self._make(read)
        self._make_some()
        self._maker.start()

    def _make_some(self) -> None:
        result = list(islice(self._making, _BATCH_SIZE))
        for widget in result:
            assert self._rows is not None
            self._rows.insertWidget(self._rows.count() - 1, widget)
        if not result:
            self._maker.stop()
            self.verticalScrollBar().setValue(self._scrolled)

    def _make(self, read: FolderRead) -> Iterator[QWidget]:
        if read.overridden:
            yield from self._make_overrides(read.overridden)
        yield label(tr("Problems"), "heading")
        if read.error is not None:
            yield label(read.error.hint, "danger", wrap=True)
        elif not read.problems:
            yield label(tr("No problems found."), "muted", wrap=True)
        yield from self._make_problems(read.problems[:_SHOWN], read.folder)
        if len(read.problems) > _SHOWN:
            yield self._make_more(read)

    def _make_problems(self, problems: Sequence[Problem], folder: Path) -> Iterator[QWidget]:
        """The problems of each kind together; what can be done about several is said once, above them."""
        hints = dict.fromkeys(one.hint for one in problems)
        for hint in hints:
            alike = [one for one in problems if one.hint == hint]
            if len(alike) > 1:
                yield label(hint, "muted", wrap=True)
            for problem in alike:
                yield _Problem(problem, folder, self, hint=hint if len(alike) == 1 else "")

    def _make_more(self, read: FolderRead) -> QWidget:
        """A button that shows the rest of the problems."""
        rest = read.problems[_SHOWN:]

        def show() -> None:
            more.hide()
            self._making = self._make_problems(rest, read.folder)
            self._maker.start()

        more = link(tr_n("Show {count:,} more", "Show {count:,} more", len(rest)), show)
        return more

    def _make_overrides(self, overridden: Sequence[OverriddenImage]) -> Iterator[QWidget]:
        yield label(tr("Your changes"), "heading")
        undo_all = link(tr("Undo all"), lambda: self.overridden.emit({one.path: None for one in overridden}))
        yield _line(label(summarize(overridden), wrap=True), undo_all)
        for one in overridden[:_SHOWN]:
            yield self._make_override(one)

    def _make_override(self, one: OverriddenImage) -> QWidget:
        photo = format_path(one.path)
        if one.label is None:
            text = tr("{photo}: excluded", photo=photo)
        else:
            text = tr("{photo}: moved to “{name}”", photo=photo, name=one.label)
        name = tr("Undo {change}", change=text)
        undo = link(tr("Undo"), lambda: self.overridden.emit({one.path: None}), name=name)
        return _line(label(text, "muted", wrap=True), undo)


class _Problem(Panel):
    """One problem with the photos it concerns, and actions on the selected ones."""

    def __init__(self, problem: Problem, folder: Path, owner: ProblemList, *, hint: str) -> None:
        """`hint` says what to do; it is empty if that is said for several problems together."""
        super().__init__()
        self._problem, self._folder, self._owner = problem, folder, owner
        self.body.addWidget(label(problem.message, "danger" if problem.is_fatal else "plain", wrap=True))
        if hint:
            self.body.addWidget(label(hint, "muted", wrap=True))
        images = [path for path in problem.paths if path.suffix.lower() in IMAGE_SUFFIXES]
        self._files = _FileList(owner.pictures, images[:_FILES], self) if images else None
        if self._files is not None:
            self._files.select_rows(range(1, 2) if problem.kind in _SIMILAR else range(len(images)))
            self._files.itemActivated.connect(lambda item: open_file(item.data(_PATH)))
            self.body.addWidget(self._files)
        self.body.addLayout(self._make_actions())

    def _make_actions(self) -> FlowRow:
        actions: list[QPushButton] = []
        if self._files is not None:
            hint = tr("Don't train on the selected photos. The files stay where they are.")
            self._exclude = link(tr("Exclude"), self._exclude_selected, hint=hint)
            hint = tr("Use the selected photos for another class. The files stay where they are.")
            self._move = link(tr("Move to class…"), self._ask_class, hint=hint)
            actions += [self._exclude, self._move]
            self._files.itemSelectionChanged.connect(self._name_actions)
            self._name_actions()
        return FlowRow(*actions, self._make_open(), spacing=0)

    def _make_open(self) -> QPushButton:
        shown = format_path(self._problem.paths[0]) if self._problem.paths else self._folder.name
        name, hint = tr("Open {name}", name=shown), tr("Open the selected photos, or the folder, in their default app")
        return link(tr("Open"), self._open, name=name, hint=hint)

    def _name_actions(self) -> None:
        """Show how many of the photos are selected."""
        assert self._files is not None
        selected, count = self._files.selected_paths(), self._files.count()
        names = ", ".join(format_path(path) for path in selected[:3])
        if count > 1:
            self._exclude.setText(tr("Exclude {count} selected", count=len(selected)))
        self._exclude.setAccessibleName(tr("Exclude: {photos}", photos=names))
        self._move.setAccessibleName(tr("Move to another class: {photos}", photos=names))
        for one in (self._exclude, self._move):
            one.setEnabled(bool(selected))

    def _exclude_selected(self) -> None:
        assert self._files is not None
        self._owner.overridden.emit(dict.fromkeys(self._files.selected_paths(), LEFT_OUT))

    def _ask_class(self) -> None:
        assert self._files is not None
        likely = list(dict.fromkeys(path.parent.name for path in self._problem.paths if path.parent != self._folder))
        self._owner.class_wanted.emit(self._files.selected_paths(), likely)

    def _open(self) -> None:
        selected = self._files.selected_paths() if self._files is not None else self._problem.paths[:1]
        for path in (selected or [self._folder])[:5]:
            open_file(path)


class _FileList(QListWidget):
    """A row of photos that can be selected."""

    def __init__(self, pictures: PictureClient, paths: Sequence[Path], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("files")
        self.setAccessibleName(tr("Affected photos"))
        self.setItemDelegate(_FileDelegate(pictures, self))
        self.setFlow(QListView.Flow.LeftToRight)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setFixedHeight(SIDE + 22)
        for path in paths:
            item = QListWidgetItem(format_path(path), self)
            item.setData(_PATH, path)
            item.setToolTip(format_path(path))
        self._paths = frozenset(paths)
        pictures.rendered.connect(self._on_drawn)

    def select_rows(self, rows: range) -> None:
        last = min(rows.stop, self.count()) - 1
        self.setCurrentRow(max(0, min(rows.start, last)))
        for row in range(self.count()):
            self.item(row).setSelected(row in rows or (row == last and rows.start > last))

    def selected_paths(self) -> list[Path]:
        return [self.item(row).data(_PATH) for row in range(self.count()) if self.item(row).isSelected()]

    def _on_drawn(self, path: Path, side: int) -> None:
        if path in self._paths:
            self.viewport().update()


class _FileDelegate(QStyledItemDelegate):
    """Paints a photo, with a frame if it is selected."""

    def __init__(self, pictures: PictureClient, parent: QWidget) -> None:
        super().__init__(parent)
        self._pictures = pictures

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(SIDE + 8, SIDE + 8)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        box = option.rect.adjusted(4, 4, -4, -4)
        paint_photo(painter, box, self._pictures.thumbnail(index.data(_PATH)))
        if option.state & QStyle.StateFlag.State_Selected:
            strong = option.state & QStyle.StateFlag.State_HasFocus
            painter.setPen(QPen(QColor(theme.current().accent), 3 if strong else 2))
            painter.drawRoundedRect(QRectF(box).adjusted(-2, -2, 2, 2), 6, 6)
        painter.restore()


def _line(text: QLabel, action: QPushButton) -> QWidget:
    line = QWidget()
    hbox(fill(text), Placed(action, alignment=TOP), parent=line)
    return line
