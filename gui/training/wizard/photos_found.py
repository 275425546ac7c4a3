"""The contents of a folder: its classes as tiles beside its problems; custom datasets can be edited in place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from core.base.i18n import tr
from core.base.text import display_path
from core.datasets.custom_datasets import AddClass, AddPhotos, Edit, MovePhotos, RemoveClass, RenameClass
from core.datasets.labels import LEFT_OUT
from core.datasets.values import ClassSummary, FolderRead
from core.images.listing import IMAGE_SUFFIXES
from gui.tasks.picture_client import PictureClient
from gui.training.wizard.class_groups import ClassGroups
from gui.training.wizard.class_tiles import LOWEST, ClassTiles
from gui.training.wizard.label_choice import LabelChoice
from gui.training.wizard.problem_list import ProblemList
from gui.widgets import theme
from gui.widgets.basic import button, label, link
from gui.widgets.counts import photo_count, photos_in_classes
from gui.widgets.files import ask_for_files, open_file
from gui.widgets.layouts import TOP, Placed, fill, hbox, vbox
from gui.widgets.thumbnails import PhotoWall

_LOWEST_WALL: Final = 96


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
        self.other = button(tr("Choose another…"), self.other_wanted.emit)
        self.labels = LabelChoice()
        self.groups = ClassGroups()
        self.tiles = ClassTiles(pictures, self)
        self.problems = ProblemList(pictures, self)
        self.tiles.setMinimumHeight(LOWEST)  # one row of them, in the lowest window too
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
        self.class_photos.setVisible(bool(read.classes) or read.is_custom)
        self.undo.setVisible(can_undo)
        self.groups.show_folder(read)
        self.groups.setVisible(not read.labels.is_multi_label)
        self.tiles.setVisible(bool(read.classes) or read.is_custom)
        self.tiles.show_classes(read.classes, editable=read.is_custom)
        self.labels.show_folder(read)
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
        self.class_photos.overridden.connect(self.problems.overridden)
        self.class_photos.class_wanted.connect(self.problems.class_wanted)
        self.class_photos.rename_wanted.connect(lambda: tiles.edit(tiles.currentIndex()))
        self.class_photos.new_wanted.connect(tiles.begin_new_class)

    def _lay_out(self) -> None:
        left = vbox(Placed(self.tiles, 3), Placed(self.class_photos, 2))
        vbox(
            hbox(fill(self.summary), Placed(self.undo, alignment=TOP), Placed(self.other, alignment=TOP)),
            hbox(self.name, fill(self._where)),
            self.labels,
            self.groups,
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
        one = next((one for one in classes if one.name == name), None)
        is_custom = self._read is not None and self._read.is_custom
        can_change = self._read is not None and not is_custom and not self._read.labels.is_multi_label
        self.class_photos.show_class(one, is_custom=is_custom, can_change=can_change)


class ClassPhotos(QWidget):
    """The photos of one class, and the actions on it: a custom dataset is edited, in a folder labels are changed.

    Attributes:
        edited: apply this edit to the dataset.
        overridden: change labels: a mapping from path to class or LEFT_OUT.
        class_wanted: ask for the class of these photos; the photos, and the likely classes.
        rename_wanted: rename the class.
        new_wanted: add a class.
    """

    edited = Signal(object)
    overridden = Signal(object)
    class_wanted = Signal(object, object)
    rename_wanted = Signal()
    new_wanted = Signal()

    def __init__(self, pictures: PictureClient, parent: QWidget) -> None:
        super().__init__(parent)
        self._name = ""
        self._photos: tuple[Path, ...] = ()
        self._is_custom = False
        self.wall = PhotoWall(pictures, tr("Photos of the class"))
        self.wall.setMinimumHeight(_LOWEST_WALL)
        self.wall.setSelectionMode(PhotoWall.SelectionMode.ExtendedSelection)
        self.wall.removal_asked.connect(self._remove)
        self.wall.naming_asked.connect(self._move)
        self.wall.opened.connect(open_file)
        self.wall.itemSelectionChanged.connect(self._show_actions)
        self._title = label(kind="heading")
        vbox(hbox(fill(self._title), *self._make_buttons()), self.wall, parent=self)

    def _make_buttons(self) -> Sequence[QPushButton]:
        self._class_buttons = (
            link(tr("Add photos…"), self._add, hint=tr("Add photos to the class")),
            link(tr("Remove photos"), self._remove, hint=tr("Remove the selected photos from the class (Del)")),
            link(tr("Rename"), self.rename_wanted.emit, hint=tr("Rename the class (F2)")),
            link(
                tr("Remove class"),
                lambda: self._edit(RemoveClass(self._name)),
                hint=tr("Remove the class and its photos from the dataset"),
            ),
        )
        self.new_class = link(tr("New class"), self.new_wanted.emit, hint=tr("Add an empty class"))
        hint = tr("Don't train on the selected photos. The files stay where they are.")
        self.exclude = link(tr("Exclude"), self._remove, hint=hint)
        hint = tr("Use the selected photos for another class. The files stay where they are.")
        self.move_photos = link(tr("Move to class…"), self._move, hint=hint)
        return *self._class_buttons, self.new_class, self.exclude, self.move_photos

    def show_class(self, summary: ClassSummary | None, *, is_custom: bool, can_change: bool) -> None:
        """Show a class, of a custom dataset or of a folder whose labels can be changed or not; None shows none."""
        self._is_custom = is_custom
        name, photos = (summary.name, summary.samples) if summary is not None else ("", ())
        self._title.setText(_class_title(summary) if summary is not None else "")
        for one in (*self._class_buttons, self.new_class):
            one.setVisible(is_custom)
        for one in self._class_buttons:
            one.setEnabled(bool(name))
        for one in (self.exclude, self.move_photos):
            one.setVisible(can_change)
        if (name, tuple(photos)) != (self._name, self._photos):
            self._name, self._photos = name, tuple(photos)
            self.wall.show_photos([(photo, display_path(photo.name)) for photo in photos[:2000]])
        self._show_actions()

    def _show_actions(self) -> None:
        for one in (self.exclude, self.move_photos):
            one.setEnabled(bool(self.wall.chosen()))

    def _edit(self, edit: Edit) -> None:
        if self._name:
            self.edited.emit(edit)

    def _remove(self) -> None:
        chosen = self.wall.chosen()
        if chosen and self._is_custom:
            self.edited.emit(MovePhotos(tuple(chosen), None))
        elif chosen:
            self.overridden.emit(dict.fromkeys(chosen, LEFT_OUT))

    def _move(self) -> None:
        chosen = self.wall.chosen()
        if chosen and not self._is_custom:
            self.class_wanted.emit(chosen, [self._name])

    def _add(self) -> None:
        suffixes = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        kinds = tr("Photos ({patterns})", patterns=suffixes), tr("All files (*)")
        title = tr("Add photos to “{name}”", name=self._name)
        ask_for_files(self, title, kinds, lambda photos: self._edit(AddPhotos(self._name, tuple(photos))))


def _class_title(summary: ClassSummary) -> str:
    name, shown = display_path(summary.name), len(summary.samples)
    if shown < summary.images:
        return tr("{name}: {shown:,} of {count:,} photos", name=name, shown=shown, count=summary.images)
    return tr("{name}: {photos}", name=name, photos=photo_count(summary.images))


def _summary(read: FolderRead) -> str:
    if read.is_custom:
        return photos_in_classes(sum(one.images for one in read.classes), len(read.classes))
    if read.error is not None:
        return read.error.what
    return photos_in_classes(read.images, len(read.classes))
