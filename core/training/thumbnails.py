"""Make the thumbnails of training photos that are kept with a version."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from PIL import Image

from core.base.errors import ImageError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter, StageKind
from core.datasets.labelled_image import LabelledImage
from core.images.decoding import DECODE_THREADS, decode_thumbnail
from core.models.thumbnails import thumbnail_file

SIDE: Final = 96
"""The longer side in pixels."""
_QUALITY: Final = 80


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
