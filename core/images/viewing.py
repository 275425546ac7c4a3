"""Parts of an image for a viewer, at the size in which they are shown."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.base.progress import CancelToken
from core.images.bounds import MAX_SIDE
from core.images.drawing import Picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAX_KEPT_BYTES: Final = 256_000_000
"""The largest decoded image that is kept for the next part: about 85 megapixels."""


@dataclass(frozen=True, slots=True)
class Area:
    """A part of an upright image, in its pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class DrawnArea:
    """A part of an image for display.

    Attributes:
        picture: the part, at the size in which it is shown.
        width: the width of the whole image, in pixels.
    """

    picture: Picture
    area: Area
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """The decoded image, upright, perhaps reduced; and its full size."""

    file: Path
    pixels: NDArray[np.uint8]
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Decoded pixels per pixel of the image."""
        return float(self.pixels.shape[1] / self.width)

    @property
    def longer_side(self) -> int:
        return max(self.width, self.height)

    def has(self, longer_side: int) -> bool:
        """Whether it was decoded with a longer side of this many pixels, or completely."""
        return self.scale >= 1 or max(self.pixels.shape[:2]) >= longer_side


class _Viewed:
    """The image that is looked at: it is decoded once, and again only if a larger scale needs more of its pixels."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: _Source | None = None

    def open(self, file: Path, area: Area | None, longest: int, token: CancelToken) -> _Source:
        """Decode a file with enough pixels for an area of which the longer side is drawn with `longest` pixels."""
        from core.images.decoding import decode_reduced

        with self._lock:
            token.check()
            known = self._kept if self._kept is not None and self._kept.file == file else None
            needed = _needed_side(known, area, longest)
            if known is not None and known.has(needed):
                return known
            known = self._kept = None  # before the image is decoded, so that there are never two
            pixels, (width, height) = decode_reduced(file, needed)
            source = _Source(file, pixels, width, height)
            if pixels.nbytes <= _MAX_KEPT_BYTES:
                self._kept = source
            return source

    def close(self) -> None:
        with self._lock:
            self._kept = None


_VIEWED: Final = _Viewed()


def draw_area(file: Path, area: Area | None, width: int, height: int, *, token: CancelToken) -> DrawnArea:
    """Draw a part of an image, or all of it without an area, with at most `width` x `height` pixels; never enlarged.

    The token cancels the call before the image is decoded. Raises ImageError if it cannot be read.
    """
    import numpy as np
    from PIL import Image

    source = _VIEWED.open(file, area, max(width, height), token)
    area = area or Area(0, 0, source.width, source.height)
    part = Image.fromarray(np.ascontiguousarray(_cut(source, area)))
    fit = min(width / part.width, height / part.height)
    if fit < 1:
        size = max(1, round(part.width * fit)), max(1, round(part.height * fit))
        part = part.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return DrawnArea(Picture.of(np.asarray(part)), area, source.width, source.height)


def _cut(source: _Source, area: Area) -> NDArray[np.uint8]:
    rows, columns, _ = source.pixels.shape
    left, top = min(round(area.left * source.scale), columns - 1), min(round(area.top * source.scale), rows - 1)
    right, bottom = round((area.left + area.width) * source.scale), round((area.top + area.height) * source.scale)
    return source.pixels[top : max(top + 1, bottom), left : max(left + 1, right)]


def close_image() -> None:
    """Free the image that was drawn last."""
    _VIEWED.close()


def _needed_side(known: _Source | None, area: Area | None, longest: int) -> int:
    """The longer side with which the whole image has to be decoded, in pixels."""
    if area is None:
        return longest
    if known is None:
        return MAX_SIDE
    return ceil(longest * known.longer_side / max(area.width, area.height))
