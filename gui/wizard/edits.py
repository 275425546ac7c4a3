"""Changes to the folder that is learnt from: sent to the training process, and taken back in reverse order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from PySide6.QtCore import QObject, Signal

from core.dataset.amendments import Amendment
from core.dataset.built import Edit
from core.services.folder_messages import Changed, Decide, EditSet, NewSet, RenameSet, Undo, Undoing
from gui.training_client import TrainingClient

Changes: TypeAlias = Mapping[Path, Amendment | None]


class Edits(QObject):
    """What the person changed since the folder was opened.

    Attributes:
        done: the folder was changed, and lies there now.
        failed: why nothing was changed.
        folder: that is changed; None while there is none.
    """

    done = Signal(object)
    failed = Signal(str)

    def __init__(self, client: TrainingClient, parent: QObject) -> None:
        super().__init__(parent)
        self._client = client
        client.changed.connect(self._on_changed)
        self.folder: Path | None = None
        self._undoings: list[Undoing] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back."""
        return bool(self._undoings)

    def begin(self, folder: Path) -> None:
        """Another folder is looked at; what was changed in an earlier one stays so."""
        if folder != self.folder:
            self.folder = folder
            self._undoings.clear()

    def decide(self, changes: Changes) -> None:
        """Put photos in other classes, leave them out, or have them as the folder has them."""
        if self.folder is not None and changes:
            folder = self.folder
            self._client.change(lambda ticket: Decide(ticket, folder, dict(changes)))

    def edit(self, edit: Edit) -> None:
        """Change a set that was built here."""
        if self.folder is not None:
            folder = self.folder
            self._client.change(lambda ticket: EditSet(ticket, folder, edit))

    def new_set(self, name: str, classes: Mapping[str, Sequence[Path]]) -> None:
        """Build a set; `done` tells where it lies."""
        given = {label: tuple(photos) for label, photos in classes.items()}
        self._client.change(lambda ticket: NewSet(ticket, name, given))

    def rename_set(self, name: str) -> None:
        """Call the set otherwise."""
        if self.folder is not None and name != self.folder.name:
            folder = self.folder
            self._client.change(lambda ticket: RenameSet(ticket, folder, name))

    def undo(self) -> None:
        """Take back what was changed last."""
        if self.folder is not None and self._undoings:
            folder, undoing = self.folder, self._undoings.pop()
            self._client.change(lambda ticket: Undo(ticket, folder, undoing))

    def _on_changed(self, changed: Changed) -> None:
        if changed.error is not None:
            self.failed.emit(str(changed.error))
            return
        if changed.folder != self.folder:
            self._undoings.clear()
            self.folder = changed.folder
        if changed.undo:
            self._undoings.append(changed.undo)
        self.done.emit(changed.folder)
