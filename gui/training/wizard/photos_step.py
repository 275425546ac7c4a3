"""First step: a folder is chosen or built, and what is in it is shown, class by class, with all there is to know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.base.progress import Progress
from core.base.text import display_path
from core.services.folder_values import FolderRead
from core.services.training_values import CustomDataset
from gui.tasks.picture_client import PictureClient
from gui.training.wizard.photos_found import PhotosFound
from gui.widgets import theme
from gui.widgets.basic import Kind, ProgressBar, label

_SETS: Final = 4
"""Sets built before that are offered; the others lie beside them."""


class PhotosStep(QWidget):
    """Shows a folder.

    Attributes:
        chosen: the person wants this folder to be looked at.
        build_wanted: they want to put classes together in the window.
        changed: whether one can go on may have changed.
    """

    chosen = Signal(object)
    build_wanted = Signal()
    changed = Signal()

    def __init__(self, pictures: PictureClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.read: FolderRead | None = None
        self._pages = QStackedWidget(self)
        self._datasets = QVBoxLayout()
        self._invitation = self._make_invitation()
        self._waiting, self.bar = label(kind="heading"), ProgressBar()
        self._reading = self._make_reading()
        self.found = PhotosFound(pictures, self._pages)
        self.found.other_wanted.connect(self._show_invitation)
        for page in (self._invitation, self._reading, self.found):
            self._pages.addWidget(page)
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

    def show_datasets(self, datasets: Sequence[CustomDataset]) -> None:
        """Offer the sets that were built before."""
        while (item := self._datasets.takeAt(0)) is not None:
            if (removed := item.widget()) is not None:
                removed.deleteLater()
        for one in datasets[:_SETS]:
            text = f"Open “{display_path(one.folder.name)}”: {one.photos:,} photos in {one.classes:,} classes"
            self._datasets.addWidget(_link(text, self._opener(one.folder)), alignment=Qt.AlignmentFlag.AlignCenter)

    def begin(self, folder: Path) -> None:
        """Show that a folder is being looked at; one that is shown already stays in sight."""
        if self.read is None or self.read.folder != folder:
            self.read = None
            self._waiting.setText(f"Looking at {display_path(folder.name)} …")
            self.bar.setRange(0, 0)
            self._pages.setCurrentWidget(self._reading)
        self.changed.emit()

    def show_progress(self, progress: Progress) -> None:
        """Show how many photos were looked at."""
        self.bar.setRange(0, max(1, progress.total))
        self.bar.setValue(progress.step)
        self._waiting.setText(f"Looking at {progress.step:,} of {progress.total:,} photos")

    def show_folder(self, read: FolderRead, *, can_undo: bool) -> None:
        """Show what was found."""
        self.read = read
        self.found.show_folder(read, can_undo=can_undo)
        self._pages.setCurrentWidget(self.found)
        self.changed.emit()

    @property
    def can_continue(self) -> bool:
        """Whether something can be learnt from the folder."""
        return self.read is not None and self.read.error is None and self._pages.currentWidget() is self.found

    def _show_invitation(self) -> None:
        self._pages.setCurrentWidget(self._invitation)
        self.changed.emit()

    def _opener(self, folder: Path) -> Callable[[], None]:
        return lambda: self.chosen.emit(folder)

    def _make_invitation(self) -> QWidget:
        zone = QFrame(self._pages)
        zone.setObjectName("dropzone")
        column = QVBoxLayout(zone)
        column.setSpacing(2 * theme.GRID)
        column.addStretch()
        words: tuple[tuple[str, Kind], ...] = (
            ("Drop a folder of photos here", "display"),
            ("One subfolder for each class, named as the class: photos/cat, photos/dog …", "plain"),
            ("A few dozen photos of each class teach it well; Fovea only reads them.", "muted"),
        )
        for text, kind in words:
            line = label(text, kind, wrap=True)
            line.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(line)
        row = QHBoxLayout()
        choose, build = QPushButton("Choose a folder…"), QPushButton("Build classes from photos")
        choose.setProperty("kind", "primary")
        choose.clicked.connect(self.choose)
        build.setToolTip("Put classes together by dragging photos onto them")
        build.clicked.connect(self.build_wanted)
        row.addStretch()
        row.addWidget(choose)
        row.addWidget(build)
        row.addStretch()
        column.addLayout(row)
        column.addLayout(self._datasets)
        column.addStretch()
        return zone

    def _make_reading(self) -> QWidget:
        page = QWidget(self._pages)
        column = QVBoxLayout(page)
        column.addStretch()
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.bar.setAccessibleName("Photos looked at")
        self.bar.setMaximumWidth(480)
        self.bar.setMinimumWidth(320)
        column.addWidget(self._waiting)
        column.addWidget(self.bar, alignment=Qt.AlignmentFlag.AlignCenter)
        column.addStretch()
        return page


def _link(text: str, action: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("kind", "link")
    button.clicked.connect(action)
    return button
