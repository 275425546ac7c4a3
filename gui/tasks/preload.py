"""Imports before anybody waits for them, so that opening a place, the wizard or a plot never holds up the window.

The window paints with little more than the place *Photos*; the rest comes from here, beside its thread.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from PySide6 import QtCore, QtGui, QtWidgets

from gui.tasks.background import in_background
from gui.tasks.idle_steps import run_when_idle


def preload(parent: QtCore.QObject, modules: Sequence[str], on_done: Callable[[], object] = lambda: None) -> None:
    """Import modules in a background thread; returns at once.

    Args:
        parent: lives as long as anybody wants to know; an object of the window's thread.
        modules: their full names, in the order in which they are imported.
        on_done: called on the window's thread once they are there. Where an import fails it is not called:
            `threading.excepthook` tells why.
    """
    run_when_idle(parent, _steps(parent, modules, on_done))


def _steps(parent: QtCore.QObject, modules: Sequence[str], on_done: Callable[[], object]) -> Iterator[None]:
    """Qt's classes come first, some milliseconds a turn at most and only once in a process.

    PySide makes each when it is first named, and is not made for two threads that name the same one at the same time.
    """
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):
            if name not in vars(module):
                getattr(module, name, None)
                yield
    in_background(parent, partial(_import, modules), lambda _: on_done())


def _import(modules: Sequence[str]) -> None:  # a thread of its own
    for module in modules:
        importlib.import_module(module)
