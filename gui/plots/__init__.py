"""The wizard's plots: drawn with pyqtgraph, each with a table twin.

Importing this package is cheap. Its modules that draw (`bars`, `brush`, `calibration`, `changes`, `curves`,
`histogram`, `matrix`) import numpy and pyqtgraph, which takes a good part of a second: call `warm` first, and import
them where the first plot is needed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject

from gui.plots.background import in_background

_DRAWING: Final = tuple(
    f"gui.plots.{name}" for name in ("curves", "matrix", "bars", "brush", "calibration", "changes", "histogram")
)
_PATIENCE_S: Final = 0.001
"""How long the window's thread waits for the interpreter while another thread imports; Python's own wait of 5 ms, paid
at every turn of the event loop, can be felt."""


def warm(parent: QObject, then: Callable[[], object] = lambda: None) -> None:
    """Import what draws the plots in a background thread.

    Args:
        parent: lives as long as anybody wants to know; an object of the window's thread.
        then: called on the window's thread once plots can be made without waiting. Where the import fails it is not
            called: `threading.excepthook` tells why.
    """
    in_background(parent, _import_all, lambda _: then())


def _import_all() -> None:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(min(usual, _PATIENCE_S))
    try:
        for module in _DRAWING:
            importlib.import_module(module)
    finally:
        sys.setswitchinterval(usual)
