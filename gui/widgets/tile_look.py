"""How tiles show photos: whole or filling the tile, with or without the file name."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, Signal


class TileLook(QObject):
    """The look of all tiles of the window.

    Attributes:
        changed: the look changed; views lay out and paint their tiles again.
        fills: whether photos are cropped so that they fill their tile.
        has_names: whether the file name is shown below the prediction.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.fills = self.has_names = False

    def show(self, *, fills: bool, has_names: bool) -> None:
        """Use this look from now on."""
        if (fills, has_names) != (self.fills, self.has_names):
            self.fills, self.has_names = fills, has_names
            self.changed.emit()


TILE_LOOK: Final = TileLook()
"""The look in use, like the colours of the theme."""
