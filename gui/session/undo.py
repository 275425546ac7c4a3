"""Changes that can be undone and redone."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QUndoCommand


class Step(QUndoCommand):
    """A change on a `QUndoStack`, made when it is pushed and whenever it is redone."""

    def __init__(self, text: str, do: Callable[[], Callable[[], object]]) -> None:
        """`text` says what is done, to follow the word "Undo"; `do` makes the change and returns what reverts it."""
        super().__init__(text)
        self._do = do
        self._revert: Callable[[], object] | None = None

    def redo(self) -> None:
        """Make the change."""
        self._revert = self._do()

    def undo(self) -> None:
        """Revert the change."""
        assert self._revert is not None
        self._revert()
