"""Changes to the training photos: made in the training process, and undone in reverse order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from PySide6.QtCore import QObject, Signal

from core import api
from core.datasets.custom_datasets import Edit
from core.datasets.labels import LabelOverride
from core.datasets.values import FolderChange, UndoAction
from gui.tasks.task import Tasks

Changes: TypeAlias = Mapping[Path, LabelOverride | None]


class DatasetEdits(QObject):
    """What the user changed since the folder was opened.

    Attributes:
        done: the folder was changed; its path, which is new if it was renamed.
        failed: why nothing was changed.
        folder: the folder that is changed; None while there is none.
        classes: the classes in it, as last read.
    """

    done = Signal(object)
    failed = Signal(str)

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self.folder: Path | None = None
        self.classes: Sequence[str] = ()
        self._undo_stack: list[UndoAction] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._undo_stack)

    def begin(self, folder: Path) -> None:
        """Begin with another folder; changes to an earlier one remain but can no longer be undone."""
        if folder != self.folder:
            self.folder = folder
            self._undo_stack.clear()

    def override_labels(self, changes: Changes) -> None:
        """Put photos in other classes, leave them out, or return to the labels of the folder."""
        if self.folder is not None and changes:
            self._start(api.change_labels, self.folder, dict(changes), tuple(self.classes))

    def edit(self, edit: Edit) -> None:
        """Change a dataset that was built here."""
        if self.folder is not None:
            self._start(api.edit_dataset, self.folder, edit)

    def create_dataset(self, name: str, classes: Mapping[str, Sequence[Path]]) -> None:
        """Build a dataset; `done` reports its folder."""
        self._start(api.create_dataset, name, {label: tuple(photos) for label, photos in classes.items()})

    def rename_dataset(self, name: str) -> None:
        """Rename the dataset."""
        if self.folder is not None and name != self.folder.name:
            self._start(api.rename_dataset, self.folder, name)

    def undo(self) -> None:
        """Undo the last change."""
        if self.folder is not None and self._undo_stack:
            self._start(api.undo_edit, self.folder, self._undo_stack.pop())

    def _start(self, verb: Callable[..., Any], *arguments: object) -> None:
        task = self._tasks.start(verb, *arguments)
        task.succeeded.connect(self._on_changed)
        task.failed.connect(lambda error: self.failed.emit(str(error)))

    def _on_changed(self, change: FolderChange) -> None:
        if change.folder != self.folder:
            self._undo_stack.clear()
            self.folder = change.folder
        if change.undo:
            self._undo_stack.append(change.undo)
        self.done.emit(change.folder)
