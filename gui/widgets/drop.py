"""Dropped and pasted content: files and folders, or an image without a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QImage

from core.base.i18n import mark, tr, tr_n
from core.base.text import display_path
from core.images.listing import IMAGE_SUFFIXES, has_image_suffix

MODEL_SUFFIX: Final = ".onnx"
"""The suffix of model files."""


class Rejection(Enum):
    """Why content is rejected; `tr` translates the value."""

    REMOTE = mark("That is a web address. Fovea opens only files on this computer: save the image first.")
    EMPTY = mark("The other program didn't say which file it is. Save the image, then open it here.")
    UNSUPPORTED = mark("That is not a photo. Fovea opens image files, folders, and images copied from other programs.")


@dataclass(frozen=True, slots=True, eq=False)
class DropContent:
    """Accepted content: files and folders, or an image."""

    paths: tuple[Path, ...] = ()
    image: QImage | None = None


def drop_text(content: DropContent) -> str:
    """What dropping the content does, as far as the names show: reading a disk would make the window wait."""
    names = [path.name for path in content.paths]
    if not names:
        return tr("Add this image")
    if len(names) == 1 and names[0].lower().endswith(MODEL_SUFFIX):
        return tr("Import the model “{name}”", name=display_path(names[0]))
    if all(Path(name).suffix.lower() in IMAGE_SUFFIXES for name in names):
        return tr_n("Add this photo", "Add {count:,} photos", len(names))
    if len(names) == 1:
        return tr("Open “{name}”", name=display_path(names[0]))
    return tr_n("Open {count:,} file or folder", "Open {count:,} files and folders", len(names))


def can_drop(mime: QMimeData) -> bool:
    """Whether `read_drop` would accept the content; cheap enough for drag events."""
    return bool(_local_paths(mime.urls())) or mime.hasImage()


def read_drop(mime: QMimeData) -> DropContent | Rejection:
    """Read the content: local files first, then an image, as a browser offers both an address and an image."""
    paths = _local_paths(mime.urls())
    if paths:
        return DropContent(paths=paths)
    image = mime.imageData() if mime.hasImage() else None
    if isinstance(image, QImage) and not image.isNull():
        return DropContent(image=image)
    if mime.urls():
        return Rejection.REMOTE
    return Rejection.EMPTY if mime.hasUrls() else Rejection.UNSUPPORTED


def _local_paths(urls: Sequence[QUrl]) -> tuple[Path, ...]:
    return tuple(_path(url) for url in urls if url.isLocalFile())


def _path(url: QUrl) -> Path:
    """The path of a URL; decoded from bytes on POSIX, as Qt would corrupt names that are not valid UTF-8."""
    if os.name == "nt":
        return Path(url.toLocalFile())
    return Path(os.fsdecode(unquote_to_bytes(url.path(QUrl.ComponentFormattingOption.FullyEncoded))))


def dropped_folder(content: DropContent | Rejection) -> Path | None:
    """The only path that is dropped, if its name is not that of an image: probably a folder; None otherwise."""
    match content:
        case DropContent(paths=(path,)) if not has_image_suffix(path.name):
            return path
    return None
