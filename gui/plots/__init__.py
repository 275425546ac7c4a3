"""The plots, drawn with pyqtgraph, each with a table of the same data.

Importing this package is cheap. The modules that draw (`bars`, `brush`, `calibration`, `changes`, `curves`, `layers`,
`matrix`, `networks`) import numpy and pyqtgraph, which takes most of a second: call `warm` first, and import them where
the first plot is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject

from gui.tasks import preload

_DRAWING: Final = tuple(
    f"gui.plots.{name}"
    for name in ("curves", "matrix", "bars", "brush", "calibration", "changes", "layers", "networks")
)


def warm(parent: QObject, then: Callable[[], object] = lambda: None) -> None:
    """Import the modules that draw in a background thread; see `preload.preload`."""
    preload.preload(parent, _DRAWING, then)
