"""The window's side of the picture process: thumbnails and previews asked for from paint, and folders listed.

What is asked for last is drawn first, because it is what the person looks at; requests that scrolled away are dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from core.services.messages import DrawPicture, ImagesListed, ListImages, Picture
from core.services.processes import serve_pictures
from gui.helper_process import HelperProcess

THUMBNAIL_SIDE: Final = 256
PREVIEW_SIDE: Final = 1280
_KEPT: Final = {THUMBNAIL_SIDE: 600, PREVIEW_SIDE: 6}
_WAITING: Final = 120
_WITH_PROCESS: Final = 4

_Key = tuple[Path, int]


class PictureClient(QObject):
    """Asks the picture process, and starts it again when it dies.

    Attributes:
        drawn: a picture of this path and side is ready, or is known not to be had.
        listed: some of the images of a listing.
        failed: the picture process cannot be started.
    """

    drawn = Signal(object, object)
    listed = Signal(ImagesListed)
    failed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._process = HelperProcess(serve_pictures, self)
        self._process.received.connect(self._on_received)
        self._process.died.connect(self._on_died)
        self._process.failed.connect(self.failed)
        self._kept: dict[int, OrderedDict[Path, QPixmap]] = {side: OrderedDict() for side in _KEPT}
        self._waiting: OrderedDict[_Key, None] = OrderedDict()
        self._asked: dict[_Key, None] = {}
        self._listings: dict[int, ListImages] = {}
        self._tickets = count(1)

    def start(self) -> None:
        """Start the picture process with whatever was asked before."""
        self._process.start()
        for request in self._listings.values():
            self._process.send(request)
        for key in self._asked:
            self._process.send(DrawPicture(*key))

    def close(self) -> None:
        """End the picture process."""
        self._process.close()

    @property
    def is_listing(self) -> bool:
        """Whether a folder is still being walked."""
        return bool(self._listings)

    def picture(self, path: Path, side: int) -> QPixmap | None:
        """The picture if it is there; None means it was asked for now, and a null pixmap that it cannot be had."""
        kept = self._kept[side]
        if path in kept:
            kept.move_to_end(path)
            return kept[path]
        key = (path, side)
        if key not in self._asked:
            self._waiting[key] = None
            self._waiting.move_to_end(key)
            if len(self._waiting) > _WAITING:
                self._waiting.popitem(last=False)
            self._ask()
        return None

    def list_images(self, paths: Iterable[Path], *, most: int | None = None) -> int:
        """Walk files and folders until so many images are found, or all; `listed` names them under this ticket."""
        request = ListImages(next(self._tickets), tuple(paths), most)
        self._listings[request.ticket] = request
        self._process.send(request)
        return request.ticket

    def _ask(self) -> None:
        while self._waiting and len(self._asked) < _WITH_PROCESS:
            key, _ = self._waiting.popitem()
            self._asked[key] = None
            self._process.send(DrawPicture(*key))

    def _on_received(self, message: object) -> None:
        match message:
            case Picture():
                self._on_picture(message)
            case ImagesListed():
                if message.finished:
                    self._listings.pop(message.ticket, None)
                self.listed.emit(message)

    def _on_picture(self, picture: Picture) -> None:
        self._asked.pop((picture.path, picture.side), None)
        self._keep(picture.path, picture.side, _pixmap(picture))
        self._ask()

    def _on_died(self) -> None:
        """Start again without the pictures that were being drawn: one of them is to blame."""
        culprits, self._asked = self._asked, {}
        self.start()
        for path, side in culprits:
            self._keep(path, side, QPixmap())
        self._ask()

    def _keep(self, path: Path, side: int, pixmap: QPixmap) -> None:
        kept = self._kept[side]
        kept[path] = pixmap
        if len(kept) > _KEPT[side]:
            kept.popitem(last=False)
        self.drawn.emit(path, side)


def _pixmap(picture: Picture) -> QPixmap:
    if picture.rgb is None:
        return QPixmap()
    image = QImage(picture.rgb, picture.width, picture.height, 3 * picture.width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image)
