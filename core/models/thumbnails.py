"""Thumbnails of training photos, kept with a version so that predictions can be explained by what they look like.

They are files `thumbnails/<sha256>.jpg` next to the card, without metadata. They are not part of an exported model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_FOLDER: Final = "thumbnails"


def thumbnail_file(folder: Path, sha256: str) -> Path:
    """The thumbnail of a training photo in a version's folder; it may be missing."""
    return folder / _FOLDER / f"{sha256}.jpg"


def write_thumbnails(folder: Path, thumbnails: Mapping[str, bytes]) -> None:
    """Write thumbnails by the SHA-256 of their photos into a version's folder.

    Raises:
        OSError: the disk does not allow it.
    """
    if thumbnails:
        (folder / _FOLDER).mkdir()
    for sha256, data in thumbnails.items():
        thumbnail_file(folder, sha256).write_bytes(data)
