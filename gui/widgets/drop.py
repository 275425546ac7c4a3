"""What a person drags in or pastes: files and folders, or the pixels of an image without a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QDropEvent, QImage

MODEL_SUFFIX: Final = ".onnx"
"""By which the file of a model is known."""


class Rejection(Enum):
    """Why there is nothing to take."""

    REMOTE = "That is an address on the network. Fovea opens only what is on this computer: save the image first."
    UNSUPPORTED = "That is no photo. Fovea takes image files, folders, and images copied in another program."


@dataclass(frozen=True, slots=True, eq=False)
class DropContent:
    """Something to take: files and folders, or else pixels."""

    paths: tuple[Path, ...] = ()
    image: QImage | None = None


def can_drop(mime: QMimeData) -> bool:
    """Whether `read_drop` would find something; cheap, for while the pointer still moves."""
    return bool(_local_paths(mime.urls())) or mime.hasImage()


def read_drop(mime: QMimeData) -> DropContent | Rejection:
    """What is offered: local files first, then pixels (a browser offers both an address and pixels)."""
    paths = _local_paths(mime.urls())
    if paths:
        return DropContent(paths=paths)
    image = mime.imageData() if mime.hasImage() else None
    if isinstance(image, QImage) and not image.isNull():
        return DropContent(image=image)
    return Rejection.REMOTE if mime.hasUrls() else Rejection.UNSUPPORTED


def _local_paths(urls: Sequence[QUrl]) -> tuple[Path, ...]:
    return tuple(_path(url) for url in urls if url.isLocalFile())


def _path(url: QUrl) -> Path:
    """The file's path; on POSIX by its bytes, because a name need not be UTF-8 and Qt would spoil one that is not."""
    if os.name == "nt":
        return Path(url.toLocalFile())
    return Path(os.fsdecode(unquote_to_bytes(url.path(QUrl.ComponentFormattingOption.FullyEncoded))))


def dropped_path(event: QDropEvent) -> Path | None:
    """The one thing that is dragged, where it is on this computer; whether it is a folder, reading it tells."""
    content = read_drop(event.mimeData())
    return content.paths[0] if isinstance(content, DropContent) and len(content.paths) == 1 else None
