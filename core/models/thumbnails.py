"""Thumbnails of training photos, kept with a version so that predictions can be explained by what they look like.

They are files `thumbnails/<sha256>.jpg` next to the card, without metadata. They are not part of an exported model.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from PIL import Image

from core.base.errors import ImageError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter, StageKind
from core.datasets.labelled_image import LabelledImage
from core.images.decoding import DECODE_THREADS, decode_thumbnail

SIDE: Final = 96
"""The longer side in pixels."""
_FOLDER: Final = "thumbnails"
_QUALITY: Final = 80


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


def make_thumbnails(
    images: Sequence[LabelledImage], earlier: Path | None, *, report: ProgressCallback, token: CancelToken
) -> dict[str, bytes]:
    """Make thumbnails of training photos; photos that can no longer be read have none.

    Args:
        images: the photos.
        earlier: the folder of the version that was corrected, whose thumbnails are taken over; None if there is none.
        report: called with the progress.
        token: checked after each photo.

    Returns:
        JPEG files by the SHA-256 of their photos.

    Raises:
        Cancelled: the token was cancelled.
    """
    found: dict[str, bytes] = {}
    clock = ProgressReporter(tr("keeping thumbnails"), len(images), report, kind=StageKind.IMAGES)
    with ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="thumbnails") as pool:
        for image, data in zip(images, pool.map(lambda one: _thumbnail(one, earlier), images), strict=True):
            if token.cancelled:
                pool.shutdown(wait=False, cancel_futures=True)
            token.check()
            if data is not None:
                found[image.sha256] = data
            clock.advance()
    return found


def _thumbnail(image: LabelledImage, earlier: Path | None) -> bytes | None:
    if earlier is not None:
        with contextlib.suppress(OSError):
            return thumbnail_file(earlier, image.sha256).read_bytes()
    try:
        pixels = decode_thumbnail(image.path, SIDE)
    except ImageError:
        return None
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
