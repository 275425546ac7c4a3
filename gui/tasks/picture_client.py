"""The client of the picture process: thumbnails and previews requested while painting, and folder listings.

The latest request is rendered first, because it is the visible one; requests that were scrolled away are dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage, QPixmap

from core.base.errors import FoveaError
from core.base.i18n import tr
from core.images.drawing import Picture, draw
from core.services.processes import serve_pictures
from gui.tasks.task import Task, Tasks

THUMBNAIL_SIDE: Final = 256
"""The longer side of a thumbnail, in pixels of widgets."""
_SHARP_SIDE: Final = 2 * THUMBNAIL_SIDE
"""The same in pixels of a screen that has several for each pixel of a widget."""
_SHARP_FROM: Final = 1.25
PREVIEW_SIDE: Final = 1280
_MAX_CACHED: Final = {THUMBNAIL_SIDE: 600, _SHARP_SIDE: 200, PREVIEW_SIDE: 6}
_MAX_WAITING: Final = 120
_AT_ONCE: Final = 3
"""Concurrent requests: one more than the cores of a small machine, so that none is idle."""

_Key = tuple[Path, int]


class PictureClient(QObject):
    """Sends requests to the picture process, and restarts it after a crash.

    Attributes:
        rendered: the picture of this path and side is ready, or known to be unavailable.
    """

    rendered = Signal(object, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.tasks = Tasks(serve_pictures, _exit_error(), self)
        self.tasks.died.connect(self._request_next)  # any of the pictures in flight may have caused the crash
        self._cache: dict[int, OrderedDict[Path, QPixmap]] = {side: OrderedDict() for side in _MAX_CACHED}
        self._waiting: OrderedDict[_Key, None] = OrderedDict()
        self._in_flight: set[_Key] = set()
        self._listings: list[Task] = []

    def start(self) -> None:
        """Start the picture process ahead of the first request, and let it import what that needs."""
        from core import api  # not needed by the first paint

        self.tasks.start(api.list_images, (), None)

    @property
    def is_listing(self) -> bool:
        """Whether a folder is still being listed."""
        return bool(self._listings)

    def picture(self, path: Path, side: int) -> QPixmap | None:
        """The cached picture; None if it was only requested now, a null pixmap if it is unavailable."""
        cache = self._cache[side]
        if path in cache:
            cache.move_to_end(path)
            return cache[path]
        key = (path, side)
        if key not in self._in_flight:
            self._waiting[key] = None
            self._waiting.move_to_end(key)
            if len(self._waiting) > _MAX_WAITING:
                self._waiting.popitem(last=False)
            self._request_next()
        return None

    def thumbnail(self, path: Path) -> QPixmap | None:
        """The thumbnail for the sharpest screen, as `picture`."""
        is_sharp = QGuiApplication.instance().devicePixelRatio() >= _SHARP_FROM  # type: ignore[union-attr]
        return self.picture(path, _SHARP_SIDE if is_sharp else THUMBNAIL_SIDE)

    def cached(self, path: Path, side: int) -> QPixmap | None:
        """The picture if it is cached; it is not requested."""
        return self._cache[side].get(path)

    def list_images(self, paths: Iterable[Path], *, maximum: int | None = None) -> Task:
        """List the images in files and folders, up to a maximum; see `api.list_images`.

        After a crash the task begins again, and may report images twice.
        """
        from core import api  # not needed by the first paint

        task = self.tasks.start(api.list_images, tuple(paths), maximum, repeats=True)
        self._listings.append(task)
        task.ended.connect(partial(self._listings.remove, task))
        return task

    def _request_next(self) -> None:
        while self._waiting and len(self._in_flight) < _AT_ONCE:
            key, _ = self._waiting.popitem()
            self._in_flight.add(key)
            task = self.tasks.start(draw, *key)
            task.succeeded.connect(partial(self._on_rendered, key))
            task.failed.connect(partial(self._on_render_failed, key))

    def _on_rendered(self, key: _Key, picture: Picture) -> None:
        self._store(key, pixmap(picture))
        self._request_next()

    def _on_render_failed(self, key: _Key, error: FoveaError) -> None:
        self._store(key, QPixmap())
        if error is not self.tasks.death:  # otherwise `died` says whether the process is started again
            self._request_next()

    def _store(self, key: _Key, picture: QPixmap) -> None:
        path, side = key
        self._in_flight.discard(key)
        cache = self._cache[side]
        cache[path] = picture
        if len(cache) > _MAX_CACHED[side]:
            cache.popitem(last=False)
        self.rendered.emit(path, side)


def _exit_error() -> FoveaError:
    return FoveaError(tr("Reading this photo crashed."), hint=tr("Open it in another program and save it again."))


def pixmap(picture: Picture) -> QPixmap:
    """Convert a rendered picture to a pixmap."""
    image = QImage(picture.rgb, picture.width, picture.height, 3 * picture.width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image)
