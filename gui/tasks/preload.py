"""Imports ahead of time, so that opening a page, the wizard or a plot does not block the window.

The first paint needs little more than the *Photos* page; the other modules are imported here, in a background thread.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from PySide6 import QtCore, QtGui, QtWidgets

from gui.tasks.background import in_background
from gui.tasks.idle_steps import run_when_idle


def preload(parent: QtCore.QObject, modules: Sequence[str], on_done: Callable[[], object] = lambda: None) -> None:
    """Import modules in a background thread, without waiting for it.

    Args:
        parent: an object of the main thread; without it, `on_done` is not called.
        modules: full module names, in import order.
        on_done: called on the main thread when all are imported. It is not called if an import fails; the error goes to
            `threading.excepthook`.
    """
    run_when_idle(parent, _steps(parent, modules, on_done))


def _steps(parent: QtCore.QObject, modules: Sequence[str], on_done: Callable[[], object]) -> Iterator[None]:
    """Access all Qt classes first, some milliseconds per turn at most, and only once per process.

    PySide creates a class at its first access, which is not safe when two threads access the same class.
    """
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):
            if name not in vars(module):
                getattr(module, name, None)
                yield
    in_background(parent, partial(_import, modules), lambda _: on_done())


def _import(modules: Sequence[str]) -> None:  # in its own thread
    for module in modules:
        importlib.import_module(module)
