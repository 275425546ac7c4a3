"""First step: a folder is opened or built, and read again after each change; changes are undone in reverse order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget

from core import api
from core.api import label_sets
from core.base.i18n import tr, tr_n
from core.datasets.custom_datasets import Edit
from core.datasets.label_source import LabelSource
from core.datasets.values import FolderChange, FolderRead, UndoAction
from gui.session.session import Session
from gui.tasks.task import LatestTask
from gui.training.wizard.photos_found import PhotosFound
from gui.training.wizard.photos_step import PhotosStep
from gui.widgets.class_chooser import ClassChooser


class PhotosController(QObject):
    """Decides which photos are trained on, and as what.

    Attributes:
        changed: `can_continue` may have changed.
        was_read: the folder was read; its `FolderRead`.
        failed: why nothing was changed.
        step: what the user sees.
        folder: the folder to change; None while there is none.
        read: what is in the folder; None until it was read.
        nested: whether folders inside class folders are classes.
        hierarchy: the text file with the hierarchy of the classes; None for none.
        labels: where the classes of the photos come from, and the file with them.
    """

    changed = Signal()
    was_read = Signal(FolderRead)
    failed = Signal(str)

    def __init__(self, session: Session, pages: QStackedWidget) -> None:
        super().__init__(pages)
        self._tasks, self._corrections, self._pages = session.training, session.corrections, pages
        self._models = session.models
        self._reading = LatestTask(self._tasks)
        self._undo_stack: list[UndoAction] = []
        self._unlabelled: tuple[Path, ...] = ()
        self.folder: Path | None = None
        self.read: FolderRead | None = None
        self.nested = False
        self.hierarchy: Path | None = None
        self.labels: tuple[LabelSource, Path | None] = LabelSource.FOLDER, None
        self.step = PhotosStep(session.pictures, pages)
        pages.addWidget(self.step)
        self._connect()
        self._tasks.start(api.list_datasets).succeeded.connect(self.step.show_datasets)

    def _connect(self) -> None:
        step = self.step
        step.chosen.connect(self.open)
        step.build_wanted.connect(lambda: self.build(tr("New photos"), {}))
        step.changed.connect(self.changed)
        step.found_created.connect(self._connect_found)

    def _connect_found(self, found: PhotosFound) -> None:
        found.edited.connect(self._edit)
        found.class_named.connect(self._rename)
        found.undo_wanted.connect(self.undo)
        found.groups.changed.connect(self._on_groups)
        found.labels.changed.connect(self._on_labels)
        found.problems.overridden.connect(self.override_labels)
        found.problems.class_wanted.connect(self.choose_class)

    @cached_property
    def chooser(self) -> ClassChooser:
        """Asks for the class of photos."""
        chooser = ClassChooser(self._pages.window())
        chooser.chosen.connect(self._on_class)
        return chooser

    @property
    def can_continue(self) -> bool:
        """Whether a model can be trained on the photos."""
        return self.read is not None and self.read.error is None and self.step.shows_folder

    @property
    def is_reading(self) -> bool:
        """Whether a folder is being read for the first time."""
        return self.folder is not None and self.read is None

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return bool(self._undo_stack)

    def open(self, folder: Path) -> None:
        """Read another folder; changes to an earlier one remain but can no longer be undone."""
        if folder != self.folder:
            self.folder = folder
            self._forget_choices()
        self._read(folder)

    def _forget_choices(self) -> None:
        self.nested, self.hierarchy = False, None
        self.labels = LabelSource.FOLDER, None
        self._undo_stack.clear()

    def _on_labels(self, source: LabelSource, file: Path | None) -> None:
        """Read the folder again with other labels; changes to earlier ones remain but can no longer be undone."""
        if self.folder is not None:
            self._forget_choices()
            self.labels, self.read = (source, file), None
            self._read(self.folder)

    def _on_groups(self, nested: bool, hierarchy: Path | None) -> None:  # noqa: FBT001 - a slot
        self.nested, self.hierarchy = nested, hierarchy
        if self.folder is not None:
            self._read(self.folder)

    def start_over(self) -> None:
        """Ask for photos again; a folder that is being read is left alone."""
        self._reading.abandon()
        self.folder = self.read = None
        self._undo_stack.clear()
        self.step.show_invitation()
        self._tasks.start(api.list_datasets).succeeded.connect(self.step.show_datasets)
        self.changed.emit()

    def build(self, name: str, classes: Mapping[str, Sequence[Path]]) -> None:
        """Build a dataset with these classes, which the user can then change, and read it."""
        self._start(api.create_dataset, name, {label: tuple(photos) for label, photos in classes.items()})

    def override_labels(self, changes: Mapping[Path, str | None]) -> None:
        """Put photos in other classes, leave them out, or return to the labels of the folder."""
        if self.labels[0].is_multi_label:
            self.failed.emit(tr("Change the classes of these photos where they come from, then choose them again."))
        elif self.folder is not None and changes:
            self._start(api.change_labels, self.folder, dict(changes), tuple(self._classes()))

    def choose_class(self, paths: Sequence[Path], likely: Sequence[str]) -> None:
        """Let the user put photos in another class, which is probably one of the likely ones."""
        self._unlabelled = tuple(paths)
        classes = self._classes()
        title = tr_n("What is in this photo?", "What is in these {count:,} photos?", len(paths))
        self.chooser.open([*classes, *(one for one in likely if one not in classes)], title=title, likely=likely)

    def _classes(self) -> list[str]:
        return [one.name for one in self.read.classes] if self.read else []

    def _on_class(self, name: str) -> None:
        self.override_labels(dict.fromkeys(self._unlabelled, name))

    def undo(self) -> None:
        """Undo the last change."""
        if self.folder is not None and self._undo_stack:
            self._start(api.undo_edit, self.folder, self._undo_stack.pop())

    def _edit(self, edit: Edit) -> None:
        if self.folder is not None:
            self._start(api.edit_dataset, self.folder, edit)

    def _rename(self, name: str) -> None:
        if self.folder is not None and name != self.folder.name:
            self._start(api.rename_dataset, self.folder, name)

    def _start(self, verb: Callable[..., Any], *arguments: object) -> None:
        task = self._tasks.start(verb, *arguments)
        task.succeeded.connect(self._on_changed)
        task.failed.connect(lambda error: self.failed.emit(str(error)))

    def _on_changed(self, change: FolderChange) -> None:
        if change.folder != self.folder:
            self._forget_choices()
            self.folder = change.folder
        if change.undo:
            self._undo_stack.append(change.undo)
        self._corrections.refresh()  # labels are shared with the other pages
        self._read(change.folder)

    def _read(self, folder: Path) -> None:
        """Read a folder; if its contents are shown already, they stay visible."""
        if self.read is None or self.read.folder != folder:
            self.read = None
            self.step.show_reading(folder)
        source, file = self.labels
        if source.is_multi_label:
            task = self._reading.start(label_sets.read_label_sets, folder, source, file)
        else:
            min_classes = 2 if self._models.extendable is None else 1
            task = self._reading.start(api.read_folder, folder, min_classes, self.nested, self.hierarchy)
        task.progressed.connect(self.step.show_progress)
        task.succeeded.connect(self._on_read)
        task.failed.connect(
            lambda error: self._on_read(FolderRead(folder, error=error, labels=source, labels_file=file))
        )

    def _on_read(self, read: FolderRead) -> None:
        self.read = read
        self.step.show_folder(read, can_undo=self.can_undo)
        self.changed.emit()
        self.was_read.emit(read)
