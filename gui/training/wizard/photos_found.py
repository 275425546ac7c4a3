"""The contents of a folder: its classes as tiles beside its problems; custom datasets can be edited in place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLineEdit, QWidget

from core.base.i18n import tr
from core.base.text import display_path
from core.datasets.custom_datasets import AddClass, AddPhotos, Edit, MovePhotos, RemoveClass, RenameClass
from core.datasets.values import FolderRead
from core.images.listing import IMAGE_SUFFIXES
from gui.tasks.picture_client import PictureClient
from gui.training.wizard.class_tiles import ClassTiles
from gui.training.wizard.problem_list import ProblemList
from gui.widgets import theme
from gui.widgets.basic import button, label
from gui.widgets.counts import photos_in_classes
from gui.widgets.files import ask_for_files
from gui.widgets.layouts import TOP, Placed, fill, hbox, vbox
from gui.widgets.thumbnails import PhotoWall


class PhotosFound(QWidget):
    """Shows a folder that was read.

    Attributes:
        edited: apply this edit to the dataset.
        class_named: rename the dataset.
        undo_wanted: undo the last change.
        other_wanted: choose another folder.
    """

    edited = Signal(object)
    class_named = Signal(str)
    undo_wanted = Signal()
    other_wanted = Signal()

    def __init__(self, pictures: PictureClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._read: FolderRead | None = None
        self.summary, self._where = label(kind="title", wrap=True), label(kind="muted", wrap=True)
        self.name = QLineEdit()
        self.name.setAccessibleName(tr("Dataset name"))
        self.name.setMaximumWidth(320)
        self.name.editingFinished.connect(lambda: self.class_named.emit(self.name.text().strip()))
        self.undo = button(tr("Undo"), self.undo_wanted.emit, hint=tr("Undo your last change (Ctrl+Z)"))
        QShortcut(QKeySequence.StandardKey.Undo, self, self.undo.click)
        self.tiles = ClassTiles(pictures, self)
        self.problems = ProblemList(pictures, self)
        self.class_photos = ClassPhotos(pictures, self)
        self._connect()
        self._lay_out()

    def show_folder(self, read: FolderRead, *, can_undo: bool) -> None:
        """Show the contents of a folder."""
        self._read = read
        self.summary.setText(_summary(read))
        self._where.setText(
            tr("Drop photos on a class, from Fovea or another app. The originals stay where they are.")
            if read.is_custom
            else display_path(read.folder)
        )
        with QSignalBlocker(self.name):
            self.name.setText(read.folder.name)
        self.name.setVisible(read.is_custom)
        self.class_photos.setVisible(read.is_custom)
        self.undo.setVisible(can_undo)
        self.tiles.setVisible(bool(read.classes) or read.is_custom)
        self.tiles.show_classes(read.classes, editable=read.is_custom)
        self.problems.show_folder(read)
        self._show_class()

    def _connect(self) -> None:
        tiles = self.tiles
        tiles.dropped.connect(self._on_dropped)
        tiles.added.connect(lambda name: self.edited.emit(AddClass(name)))
        tiles.renamed.connect(lambda old, new: self.edited.emit(RenameClass(old, new)))
        tiles.removal_asked.connect(lambda name: self.edited.emit(RemoveClass(name)))
        tiles.chosen.connect(lambda _: self._show_class())
        self.class_photos.edited.connect(self.edited)
        self.class_photos.rename_wanted.connect(lambda: tiles.edit(tiles.currentIndex()))
        self.class_photos.new_wanted.connect(tiles.begin_new_class)

    def _lay_out(self) -> None:
        other = button(tr("Choose another…"), self.other_wanted.emit)
        left = vbox(Placed(self.tiles, 3), Placed(self.class_photos, 2))
        vbox(
            hbox(fill(self.summary), Placed(self.undo, alignment=TOP), Placed(other, alignment=TOP)),
            hbox(self.name, fill(self._where)),
            fill(hbox(Placed(left, 3), Placed(self.problems, 2), spacing=2 * theme.GRID)),
            parent=self,
            spacing=theme.GRID,
        )

    def _on_dropped(self, name: str, paths: Sequence[Path]) -> None:
        """Add photos to a class; without a name, to a new one, named after their folder or numbered."""
        self.edited.emit(AddPhotos(name or self._free_name(paths), tuple(paths)))

    def _free_name(self, paths: Sequence[Path]) -> str:
        taken = {one.name for one in self._read.classes} if self._read else set()
        if len(paths) == 1 and paths[0].suffix.lower() not in IMAGE_SUFFIXES:
            return paths[0].name
        return next(
            name for number in range(1, len(taken) + 2) if (name := tr("class {number}", number=number)) not in taken
        )

    def _show_class(self) -> None:
        name = self.tiles.label_at(self.tiles.currentIndex())
        classes = self._read.classes if self._read else ()
        photos = next((one.samples for one in classes if one.name == name), ())
        self.class_photos.show_class(name, photos)


class ClassPhotos(QWidget):
    """The photos of one class of a dataset, and the actions on it."""

    edited = Signal(object)
    rename_wanted = Signal()
    new_wanted = Signal()

    def __init__(self, pictures: PictureClient, parent: QWidget) -> None:
        super().__init__(parent)
        self._name = ""
        self._photos: tuple[Path, ...] = ()
        self.wall = PhotoWall(pictures, tr("Photos of the class"))
        self.wall.setSelectionMode(PhotoWall.SelectionMode.ExtendedSelection)
        self.wall.removal_asked.connect(self._remove)
        self._title = label(kind="heading")
        self._class_buttons = (
            button(tr("Add photos…"), self._add, kind="link", hint=tr("Add photos to the class")),
            button(
                tr("Remove photos"),
                self._remove,
                kind="link",
                hint=tr("Remove the selected photos from the class (Del)"),
            ),
            button(tr("Rename"), self.rename_wanted.emit, kind="link", hint=tr("Rename the class (F2)")),
            button(
                tr("Remove class"),
                lambda: self._edit(RemoveClass(self._name)),
                kind="link",
                hint=tr("Remove the class and its photos from the dataset"),
            ),
        )
        self.new_class = button(tr("New class"), self.new_wanted.emit, kind="link", hint=tr("Add an empty class"))
        vbox(hbox(fill(self._title), *self._class_buttons, self.new_class), self.wall, parent=self)

    def show_class(self, name: str, photos: Sequence[Path]) -> None:
        """Show a class; an empty name shows none."""
        self._title.setText(display_path(name))
        for one in self._class_buttons:
            one.setEnabled(bool(name))
        if (name, tuple(photos)) != (self._name, self._photos):
            self._name, self._photos = name, tuple(photos)
            self.wall.show_photos([(photo, display_path(photo.name)) for photo in photos[:2000]])

    def _edit(self, edit: Edit) -> None:
        if self._name:
            self.edited.emit(edit)

    def _remove(self) -> None:
        chosen = self.wall.chosen()
        if chosen:
            self.edited.emit(MovePhotos(tuple(chosen), None))

    def _add(self) -> None:
        suffixes = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        kinds = tr("Photos ({patterns})", patterns=suffixes), tr("All files (*)")
        title = tr("Add photos to “{name}”", name=self._name)
        ask_for_files(self, title, kinds, lambda photos: self._edit(AddPhotos(self._name, tuple(photos))))


def _summary(read: FolderRead) -> str:
    if read.is_custom:
        return photos_in_classes(sum(one.images for one in read.classes), len(read.classes))
    if read.error is not None:
        return read.error.what
    return photos_in_classes(read.images, len(read.classes))
