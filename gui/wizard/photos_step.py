"""First step: a folder is chosen, and what is in it is shown, class by class, with everything that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.images.folders import printable
from core.services.folder_messages import FolderProgress, FolderRead
from core.services.training_values import ClassFacts, FoundProblem
from gui import theme
from gui.picture_client import PictureClient
from gui.widgets import Panel, label
from gui.wizard.thumbnails import Strip
from gui.wizard.tiles import Tiles

_TILE: Final = 264
_MOST_TILES: Final = 200
"""Classes that are shown one by one; of more only the count is told."""
_MOST_PROBLEMS: Final = 100


class PhotosStep(QWidget):
    """Shows a folder.

    Attributes:
        chosen: the person wants this folder to be looked at.
        changed: whether one can go on may have changed.
    """

    chosen = Signal(object)
    changed = Signal()

    def __init__(self, pictures: PictureClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self.read: FolderRead | None = None
        self._pages = QStackedWidget()
        self._invitation = self._make_invitation()
        self._waiting, self.bar = label(kind="heading"), QProgressBar()
        self._reading = self._make_reading()
        self._found: QWidget | None = None
        self._pages.addWidget(self._invitation)
        self._pages.addWidget(self._reading)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._pages)

    def choose(self) -> None:
        """Ask for a folder, beside the event loop."""
        dialog = QFileDialog(self, "A folder of photos, with a subfolder for each class", str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.filesSelected.connect(lambda names: self.chosen.emit(Path(names[0])))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def begin(self, folder: Path) -> None:
        """Show that a folder is being looked at."""
        self.read = None
        self._waiting.setText(f"Looking at {printable(folder.name)} …")
        self.bar.setRange(0, 0)
        self._pages.setCurrentWidget(self._reading)
        self.changed.emit()

    def show_progress(self, progress: FolderProgress) -> None:
        """Show how many photos were looked at."""
        self.bar.setRange(0, max(1, progress.total))
        self.bar.setValue(progress.done)
        self._waiting.setText(f"Looking at {progress.done:,} of {progress.total:,} photos")

    def show_folder(self, read: FolderRead) -> None:
        """Show what was found."""
        self.read = read
        if self._found is not None:
            self._pages.removeWidget(self._found)
            self._found.deleteLater()
        self._found = self._make_found(read)
        self._pages.addWidget(self._found)
        self._pages.setCurrentWidget(self._found)
        self.changed.emit()

    @property
    def can_go_on(self) -> bool:
        """Whether something can be learnt from the folder."""
        return self.read is not None and self.read.error is None

    def _make_invitation(self) -> QWidget:
        zone = QFrame()
        zone.setObjectName("dropzone")
        column = QVBoxLayout(zone)
        column.setSpacing(2 * theme.GRID)
        column.addStretch()
        for text, kind in (
            ("Drop a folder of photos here", "display"),
            ("One subfolder for each class, named as the class: photos/cat, photos/dog …", "plain"),
            ("A few dozen photos of each class teach it well; Fovea only reads them.", "muted"),
        ):
            line = label(text, kind, wrap=True)  # type: ignore[arg-type]
            line.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(line)
        column.addWidget(self._chooser("Choose a folder…", primary=True), alignment=Qt.AlignmentFlag.AlignCenter)
        column.addStretch()
        return zone

    def _make_reading(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.addStretch()
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.bar.setAccessibleName("Photos looked at")
        self.bar.setTextVisible(False)
        self.bar.setMaximumWidth(480)
        column.addWidget(self._waiting)
        column.addWidget(self.bar, alignment=Qt.AlignmentFlag.AlignCenter)
        column.addStretch()
        return page

    def _chooser(self, text: str, *, primary: bool = False) -> QPushButton:
        button = QPushButton(text)
        if primary:
            button.setProperty("kind", "primary")
        button.clicked.connect(self.choose)
        return button

    def _make_found(self, read: FolderRead) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * theme.GRID)
        head = QHBoxLayout()
        head.addWidget(label(_summary(read), "title", wrap=True), 1)
        head.addWidget(self._chooser("Choose another…"), alignment=Qt.AlignmentFlag.AlignTop)
        column.addLayout(head)
        column.addWidget(label(printable(read.folder), "muted", wrap=True))
        body = QHBoxLayout()
        body.setSpacing(2 * theme.GRID)
        if read.classes:
            body.addWidget(_scrolling(self._make_tiles(read.classes)), 3)
        body.addWidget(_scrolling(_make_problems(read)), 2)
        column.addLayout(body, 1)
        return page

    def _make_tiles(self, classes: Sequence[ClassFacts]) -> QWidget:
        box = Tiles([self._make_tile(one) for one in classes[:_MOST_TILES]], _TILE)
        if len(classes) > _MOST_TILES:
            box.add_last(label(f"and {len(classes) - _MOST_TILES:,} more classes", "muted"))
        return box

    def _make_tile(self, facts: ClassFacts) -> QWidget:
        tile = Panel(printable(facts.name))
        tile.body.addWidget(label(f"{facts.images:,} photo{'' if facts.images == 1 else 's'}", "muted"))
        tile.body.addWidget(Strip(self._pictures, facts.samples))
        tile.setAccessibleName(f"Class {facts.name}, {facts.images:,} photos")
        return tile


def _summary(read: FolderRead) -> str:
    if read.error is not None:
        return read.error.what
    return f"{read.images:,} photos in {len(read.classes):,} classes"


def _make_problems(read: FolderRead) -> QWidget:
    """Everything that is wrong, with what can be done about it; or that nothing is."""
    panel = Panel("What to know about these photos")
    if read.error is not None:
        panel.body.addWidget(label(read.error.hint, "danger", wrap=True))
    if not read.problems:
        panel.body.addWidget(label("Nothing is wrong with them.", "muted", wrap=True))
    for problem in read.problems[:_MOST_PROBLEMS]:
        panel.body.addWidget(_make_problem(problem))
    if read.problem_count > _MOST_PROBLEMS:
        panel.body.addWidget(label(f"and {read.problem_count - _MOST_PROBLEMS:,} more", "muted"))
    panel.body.addStretch()
    return panel


def _make_problem(problem: FoundProblem) -> QWidget:
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 4, 0, 4)
    texts = QVBoxLayout()
    texts.setSpacing(2)
    texts.addWidget(label(problem.message, "danger" if problem.is_fatal else "plain", wrap=True))
    texts.addWidget(label(problem.hint, "muted", wrap=True))
    line.addLayout(texts, 1)
    if problem.paths:
        place = problem.paths[0]
        show = QPushButton("Show")
        show.setProperty("kind", "link")
        show.setToolTip(f"Open the folder of {place.name}")
        show.setAccessibleName(f"Show {place.name}")
        show.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(place.parent))))
        line.addWidget(show, alignment=Qt.AlignmentFlag.AlignTop)
    return row


def _scrolling(widget: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(widget)
    return area
