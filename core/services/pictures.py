"""The picture process: lists folders and draws thumbnails and previews for the window, over a pipe."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from core.errors import ImageError
from core.images.decoding import decode_within
from core.images.folders import find_images
from core.prediction import Failure
from core.services.inbox import Inbox
from core.services.messages import DrawPicture, ImagesListed, ListImages, Picture

_THREADS: Final = 2
_LISTED_AT_ONCE: Final = 500


class PictureService:
    """Serves one window; pictures are drawn side by side, so answers may come in another order than the requests."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._inbox: Inbox[DrawPicture | ListImages] = Inbox(connection)

    def run(self) -> None:
        """Answer requests until the window is gone."""
        with ThreadPoolExecutor(_THREADS) as drawing, ThreadPoolExecutor(1) as listing:
            while (request := self._inbox.take()) is not None:
                match request:
                    case DrawPicture():
                        drawing.submit(self._draw, request)
                    case ListImages():
                        listing.submit(self._list, request)
            drawing.shutdown(wait=False, cancel_futures=True)

    def _draw(self, request: DrawPicture) -> None:
        try:
            pixels = decode_within(request.path, request.side)
        except ImageError:
            self._send(Picture(request.path, request.side, 0, 0, None))
            return
        height, width, _ = pixels.shape
        self._send(Picture(request.path, request.side, width, height, pixels.tobytes()))

    def _list(self, request: ListImages) -> None:
        failures: list[Failure] = []
        images = find_images(
            request.paths, recursive=True, on_error=lambda path, error: failures.append(Failure.of(path, error))
        )
        for chunk in _chunks(islice(images, request.most)):
            self._send(ImagesListed(request.ticket, chunk, finished=False))
        self._send(ImagesListed(request.ticket, (), finished=True, failures=tuple(failures)))

    def _send(self, answer: Picture | ImagesListed) -> None:
        with self._sending:
            self._connection.send(answer)


def _chunks(images: Iterator[Path]) -> Iterator[tuple[Path, ...]]:
    while chunk := tuple(islice(images, _LISTED_AT_ONCE)):
        yield chunk
