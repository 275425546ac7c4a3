"""What is in the folder: its classes as tiles, beside them what to know; a set built here can be changed in place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from core.base.text import display_path
from core.datasets.custom_datasets import AddClass, AddPhotos, Edit, MovePhotos, RemoveClass, RenameClass
from core.images.listing import IMAGE_SUFFIXES
from core.services.folder_values import FolderRead
from gui.tasks.picture_client import PictureClient
from gui.training.wizard.class_tiles import ClassTiles
from gui.training.wizard.problem_list import ProblemList
from gui.widgets import theme
from gui.widgets.basic import label
from gui.widgets.thumbnails import PhotoWall


class PhotosFound(QWidget):
    """Shows a folder that was read.

    Attributes:
        edited: a set is to be changed so.
        class_named: the set is to be called so.
        undo_wanted: what was changed last is to be taken back.
        other_wanted: another folder is to be chosen.
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
        self.name.setAccessibleName("Name of the set of photos")
        self.name.setMaximumWidth(320)
        self.name.editingFinished.connect(lambda: self.class_named.emit(self.name.text().strip()))
        self.undo = QPushButton("Undo")
        self.undo.setToolTip("Take back what you changed last (Ctrl+Z)")
        self.undo.clicked.connect(self.undo_wanted)
        QShortcut(QKeySequence.StandardKey.Undo, self, self.undo.click)
        self.tiles = ClassTiles(pictures, self)
        self.problems = ProblemList(pictures, self)
        self.class_photos = ClassPhotos(pictures, self)
        self._connect()
        self._lay_out()

    def show_folder(self, read: FolderRead, *, can_undo: bool) -> None:
        """Show what was found."""
        self._read = read
        self.summary.setText(_summary(read))
        self._where.setText(
            "Drop photos on a class, from the main window or from anywhere. The originals stay where they are."
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
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        head = QHBoxLayout()
        head.addWidget(self.summary, 1)
        other = QPushButton("Choose another…")
        other.clicked.connect(self.other_wanted)
        for button in (self.undo, other):
            head.addWidget(button, alignment=Qt.AlignmentFlag.AlignTop)
        column.addLayout(head)
        line = QHBoxLayout()
        line.addWidget(self.name)
        line.addWidget(self._where, 1)
        column.addLayout(line)
        body = QHBoxLayout()
        body.setSpacing(2 * theme.GRID)
        left = QVBoxLayout()
        left.addWidget(self.tiles, 3)
        left.addWidget(self.class_photos, 2)
        body.addLayout(left, 3)
        body.addWidget(self.problems, 2)
        column.addLayout(body, 1)

    def _on_dropped(self, name: str, paths: Sequence[Path]) -> None:
        """Photos dropped on no class make one, called as their folder or with a number."""
        self.edited.emit(AddPhotos(name or self._free_name(paths), tuple(paths)))

    def _free_name(self, paths: Sequence[Path]) -> str:
        taken = {one.name for one in self._read.classes} if self._read else set()
        if len(paths) == 1 and paths[0].suffix.lower() not in IMAGE_SUFFIXES:
            return paths[0].name
        return next(name for number in range(1, len(taken) + 2) if (name := f"class {number}") not in taken)

    def _show_class(self) -> None:
        name = self.tiles.label_at(self.tiles.currentIndex())
        classes = self._read.classes if self._read else ()
        photos = next((one.samples for one in classes if one.name == name), ())
        self.class_photos.show_class(name, photos)


class ClassPhotos(QWidget):
    """The photos of one class of a set, and what can be done about it."""

    edited = Signal(object)
    rename_wanted = Signal()
    new_wanted = Signal()

    def __init__(self, pictures: PictureClient, parent: QWidget) -> None:
        super().__init__(parent)
        self._name = ""
        self._photos: tuple[Path, ...] = ()
        self.wall = PhotoWall(pictures, "Photos of the class")
        self.wall.setSelectionMode(PhotoWall.SelectionMode.ExtendedSelection)
        self.wall.removal_asked.connect(self._remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        self._title = label(kind="heading")
        row.addWidget(self._title, 1)
        buttons = (
            ("Add photos…", self._add, "Add photos to the class"),
            ("Take out", self._remove, "Take the marked photos out of the class (Del)"),
            ("Rename", self.rename_wanted.emit, "Call the class otherwise (F2)"),
            ("Remove class", lambda: self._edit(RemoveClass(self._name)), "Take the class out, with its photos"),
        )
        self.buttons: dict[str, QPushButton] = {}
        for text, does, tip in buttons:
            button = self.buttons[text] = QPushButton(text)
            button.setProperty("kind", "link")
            button.setToolTip(tip)
            button.clicked.connect(does)
            row.addWidget(button)
        new = self.buttons["New class"] = QPushButton("New class")
        new.setProperty("kind", "link")
        new.clicked.connect(self.new_wanted)
        row.addWidget(new)
        column.addLayout(row)
        column.addWidget(self.wall)

    def show_class(self, name: str, photos: Sequence[Path]) -> None:
        """Show a class; an empty name shows none."""
        self._title.setText(display_path(name))
        for text, button in self.buttons.items():
            button.setEnabled(bool(name) or text == "New class")
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
        dialog = QFileDialog(self, f"Photos of {self._name}", str(Path.home()), f"Photos ({suffixes});;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self._edit(AddPhotos(self._name, tuple(map(Path, names)))))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def _summary(read: FolderRead) -> str:
    if read.is_custom:
        photos = sum(one.images for one in read.classes)
        classes = len(read.classes)
        return f"{photos:,} photos in {classes:,} class{'' if classes == 1 else 'es'}"
    if read.error is not None:
        return read.error.what
    return f"{read.images:,} photos in {len(read.classes):,} classes"
