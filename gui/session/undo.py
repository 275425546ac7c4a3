"""Changes that can be undone and redone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from PySide6.QtGui import QUndoCommand

Change: TypeAlias = Callable[[], "Change | None"]
"""Makes a change and returns what reverts it; that returns what makes the change again, or None: the change itself."""


class Step(QUndoCommand):
    """A change on a `QUndoStack`, made when it is pushed and whenever it is redone."""

    def __init__(self, text: str, do: Change) -> None:
        """`text` says what is done, to follow the word "Undo"."""
        super().__init__(text)
        self._do = do
        self._revert: Change | None = None

    def redo(self) -> None:
        """Make the change."""
        self._revert = self._do()

    def undo(self) -> None:
        """Revert the change."""
        assert self._revert is not None
        self._do = self._revert() or self._do
