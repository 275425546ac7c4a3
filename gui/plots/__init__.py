"""The wizard's plots: drawn with pyqtgraph, each with a table twin.

Importing this package is cheap. Its modules that draw (`bars`, `brush`, `calibration`, `changes`, `curves`,
`matrix`) import numpy and pyqtgraph, which takes a good part of a second: call `warm` first, and import them where
the first plot is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject

from gui.tasks import preload

_DRAWING: Final = tuple(f"gui.plots.{name}" for name in ("curves", "matrix", "bars", "brush", "calibration", "changes"))


def warm(parent: QObject, then: Callable[[], object] = lambda: None) -> None:
    """Import what draws the plots beside the window's thread; as `preload.bring` says."""
    preload.preload(parent, _DRAWING, then)
