"""Whether this installation can use a camera, and loading what that takes: Qt Multimedia, an optional part."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Final

from PySide6.QtCore import QDir, QLibraryInfo, QObject, QPluginLoader

from core.base.bundle import this_bundle
from core.base.i18n import tr
from gui.camera.frames import FrameSource
from gui.tasks.background import in_background

_MODULE: Final = "PySide6.QtMultimedia"


@cache
def missing_reason() -> str:
    """Why there is no camera support, and what to do about it; empty if there is."""
    if find_spec(_MODULE) is not None:
        return ""
    if this_bundle() is not None:
        return tr("This bundle has no camera support. Fovea run from source has, with “uv run --extra camera”.")
    return tr("Camera support is not installed. Add “--extra camera” to the “uv run” that starts Fovea.")


def load_camera(
    parent: QObject, on_loaded: Callable[[FrameSource], object], on_failed: Callable[[str], object]
) -> None:
    """Load Qt Multimedia in a thread, which takes a tenth of a second, and hand the cameras or the reason to one of
    these on the main thread.
    """

    def finish(reason: str) -> None:
        if reason:
            on_failed(reason)
            return
        from gui.camera.qt_camera import QtCamera

        on_loaded(QtCamera(parent))

    in_background(parent, _load, finish)


def _load() -> str:  # in its own thread
    """Load the libraries, so that the main thread finds them loaded, and return why that failed, if it did."""
    try:
        importlib.import_module(_MODULE)
    except ImportError as error:
        return tr("Camera support can't be loaded: {reason}. Install what is missing and try again.", reason=error)
    plugins = QDir(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath) + "/multimedia")
    for name in plugins.entryList(QDir.Filter.Files):
        QPluginLoader(plugins.filePath(name)).load()
    return ""
