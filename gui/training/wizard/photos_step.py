"""First step: choose or build a folder, and see its classes and problems."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QStackedWidget, QVBoxLayout, QWidget

from core.base.i18n import tr, tr_n
from core.base.progress import Progress
from core.base.text import display_path
from core.datasets.values import CustomDataset, FolderRead
from gui.tasks.picture_client import PictureClient
from gui.training.wizard.photos_found import PhotosFound
from gui.widgets.basic import ProgressBar, button, label, link
from gui.widgets.counts import photos_in_classes
from gui.widgets.files import ask_for_folder
from gui.widgets.invitation import invitation
from gui.widgets.layouts import SPACE, Placed, vbox
from gui.widgets.lazy import Lazy

_MAX_DATASETS: Final = 4
"""Datasets built before that are offered; older ones can be opened as folders."""


class PhotosStep(QWidget):
    """Shows a folder.

    Attributes:
        chosen: read this folder.
        build_wanted: build a dataset from photos in the window.
        changed: another page of the step is shown.
        found_created: the page with the contents of a folder was created.
    """

    chosen = Signal(object)
    build_wanted = Signal()
    changed = Signal()
    found_created = Signal(PhotosFound)

    def __init__(self, pictures: PictureClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self._pages = QStackedWidget(self)
        self._datasets = QVBoxLayout()
        self._invitation = self._make_invitation()
        self._waiting, self.bar = label(kind="heading"), ProgressBar()
        self._reading = self._make_reading()
        self._found = Lazy(self._make_found)
        for page in (self._invitation, self._reading):
            self._pages.addWidget(page)
        self._pages.currentChanged.connect(self.changed)
        vbox(self._pages, parent=self)

    @property
    def found(self) -> PhotosFound:
        """The contents of a folder; more than half of the widgets, so they are created once a folder is read."""
        return self._found.get()

    def choose(self) -> None:
        """Ask for a folder."""
        ask_for_folder(self, tr("Choose a folder with a subfolder for each class"), self.chosen.emit)

    def show_datasets(self, datasets: Sequence[CustomDataset]) -> None:
        """Offer the datasets that were built before."""
        while (item := self._datasets.takeAt(0)) is not None:
            if (removed := item.widget()) is not None:
                removed.deleteLater()
        for one in datasets[:_MAX_DATASETS]:
            text = tr(
                "Open “{name}”: {contents}",
                name=display_path(one.folder.name),
                contents=photos_in_classes(one.photos, one.classes),
            )
            opener = link(text, partial(self.chosen.emit, one.folder))
            self._datasets.addWidget(opener, alignment=Qt.AlignmentFlag.AlignCenter)

    def show_reading(self, folder: Path) -> None:
        """Show that a folder is being read."""
        self._waiting.setText(tr("Reading “{name}”…", name=display_path(folder.name)))
        self.bar.setRange(0, 0)
        self._pages.setCurrentWidget(self._reading)
        self._found.get()  # now, as showing the contents takes a turn of its own

    def show_progress(self, progress: Progress) -> None:
        """Show how many photos have been read."""
        self.bar.setRange(0, max(1, progress.total))
        self.bar.setValue(progress.step)
        text = tr_n(
            "Reading {step:,} of {count:,} photo",
            "Reading {step:,} of {count:,} photos",
            progress.total,
            step=progress.step,
        )
        self._waiting.setText(text)

    def show_folder(self, read: FolderRead, *, can_undo: bool) -> None:
        """Show the contents of a folder."""
        self.found.show_folder(read, can_undo=can_undo)
        self._pages.setCurrentWidget(self.found)

    @property
    def shows_folder(self) -> bool:
        """Whether the contents of a folder are visible."""
        return self._pages.currentWidget() is self._found.made

    @property
    def chooser(self) -> QPushButton:
        """The button that leads to a folder of photos, or to another one."""
        return self.found.other if self.shows_folder else self.choose_button

    def show_invitation(self) -> None:
        self._pages.setCurrentWidget(self._invitation)

    def _make_invitation(self) -> QWidget:
        lines = (
            tr("Use one subfolder per class, named after the class: photos/cat, photos/dog…"),
            tr("A few dozen photos per class are enough. Training only reads your photos."),
        )
        hint = tr("Create classes and drag photos onto them")
        self.choose_button = button(tr("Choose a folder…"), self.choose, kind="primary")
        build = button(tr("Build classes from photos"), self.build_wanted.emit, hint=hint)
        title, buttons = tr("Drop a folder of photos here"), (self.choose_button, build)
        return invitation("graduation-cap", title, lines, buttons, self._datasets)

    def _make_found(self) -> PhotosFound:
        found = PhotosFound(self._pictures, self._pages)
        found.other_wanted.connect(self.show_invitation)
        self._pages.addWidget(found)
        self.found_created.emit(found)
        return found

    def _make_reading(self) -> QWidget:
        page = QWidget(self._pages)
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.bar.setAccessibleName(tr("Photos read"))
        self.bar.setMaximumWidth(480)
        self.bar.setMinimumWidth(320)
        bar = Placed(self.bar, alignment=Qt.AlignmentFlag.AlignCenter)
        vbox(SPACE, self._waiting, bar, SPACE, parent=page, margins=None)
        return page
