"""Decoding of image files to upright sRGB pixels; all failures become an `ImageError` here.

The format is recognized by the first bytes, never by the name. Whatever can be refused by its header is refused before
memory is allocated.
"""

from __future__ import annotations

import os
import re
import stat
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from core.base.errors import ImageError, ImageErrorKind
from core.base.i18n import tr
from core.base.text import display_path
from core.images import boxes, failures, kinds, tiff
from core.images.bounds import MAX_BYTES, MEMORY, check_size
from core.images.colours import bands, srgb_bands
from core.images.damage import is_damaged
from core.images.hdr import ToneMap
from core.images.jpeg import Jpeg
from core.images.opening import FAMILIES, Opened, open_image
from core.images.orientation import orientation_of

DECODE_THREADS: Final = min(32, os.cpu_count() or 1)
"""A fast graphics card needs all cores to keep it busy; `MEMORY` limits what they hold at a time."""

Pixels: TypeAlias = NDArray[np.uint8]
"""Upright sRGB, [height, width, 3]."""

_Size: TypeAlias = tuple[int, int]

_QUIET: Final = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A decoded image.

    Attributes:
        image: it, upright and in sRGB, mode RGB.
        warnings: warnings about it, each one or two sentences.
    """

    image: Image.Image
    warnings: tuple[str, ...] = ()

    @property
    def pixels(self) -> Pixels:
        """Its pixels, copied band by band: Pillow would copy the whole image twice."""
        pixels = np.empty((self.image.height, self.image.width, 3), np.uint8)
        for top, band in bands(self.image):
            pixels[top : top + band.height] = np.asarray(band)
        return pixels


def decode(path: Path, *, min_side: int | None = None) -> Pixels:
    """Read an image file as upright sRGB pixels [height, width, 3], with transparency on white; first frame only.

    A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, which is several times faster, as long as its shorter side has
    at least `min_side` pixels (`Preprocessing.min_decode_side`); None for full size. Raises ImageError if the file is
    missing, unreadable, not an image, damaged or too large.
    """
    return read_image(path, min_side=min_side).pixels


def read_image(path: Path, *, min_side: int | None = None) -> Decoded:
    """Read an image file as `decode` does, with warnings about missing parts; raises ImageError as `decode`."""
    return _read(path, lambda _: None if min_side is None else (min_side, min_side))


def decode_thumbnail(path: Path, max_side: int) -> Pixels:
    """Read an image file as upright sRGB pixels [height, width, 3] for display, with a longer side of up to `max_side`.

    The image is reduced with antialiasing, never enlarged. Raises ImageError as `decode`.
    """

    def twice(size: _Size) -> _Size:
        scale = 2 * max_side / max(size)
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    small = _read(path, twice).image
    small.thumbnail((max_side, max_side), Image.Resampling.BICUBIC)
    return np.asarray(small)


def decode_reduced(path: Path, min_long_side: int) -> tuple[Pixels, _Size]:
    """Read an image file as upright sRGB pixels [height, width, 3], and return them with its full width and height.

    A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size if its longer side then has at least `min_long_side` pixels;
    nothing is enlarged. Raises ImageError as `decode`.
    """
    sizes: list[_Size] = []

    def wanted(size: _Size) -> _Size:
        sizes.append(size)
        scale = min(1.0, min_long_side / max(size))
        return max(1, ceil(size[0] * scale)), max(1, ceil(size[1] * scale))

    pixels = _read(path, wanted).pixels
    height, width, _ = pixels.shape
    short, long = sorted(sizes[0])
    return pixels, (long, short) if width >= height else (short, long)


_TURNS: Final[dict[object, tuple[Image.Transpose, bool, bool]]] = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT, False, False),
    3: (Image.Transpose.ROTATE_180, False, True),
    4: (Image.Transpose.FLIP_TOP_BOTTOM, False, True),
    5: (Image.Transpose.TRANSPOSE, True, False),
    6: (Image.Transpose.ROTATE_270, True, True),
    7: (Image.Transpose.TRANSVERSE, True, True),
    8: (Image.Transpose.ROTATE_90, True, False),
}
"""For each EXIF orientation (EXIF 2.32, tag 274) that is not upright: what makes it so, whether rows become columns,
and whether the first row comes last."""


def looks_like_image(path: Path) -> bool:
    """Whether a file starts like a supported image; nothing is decoded. Raises OSError if it cannot be opened."""
    with path.open("rb") as file:
        prefix = file.read(kinds.PREFIX_BYTES)
    return any(family.start.match(prefix) for family in FAMILIES)


def _read(path: Path, wanted: Callable[[_Size], _Size | None]) -> Decoded:
    """Open, check and decode the first image of a file; `wanted` maps its size to the minimum decoded size.

    All exceptions are converted here: Pillow and its codecs raise at least OSError, SyntaxError, ValueError, EOFError,
    struct.error and RuntimeError for damaged files.
    """
    name = display_path(path.name or path)
    _silence_pillow()
    memory = 0
    try:
        with _open_regular(path, name) as file:
            opened = open_image(file, name, path.suffix.lower())
            size = wanted(opened.image.size)
            if size is not None and isinstance(opened.image, Jpeg):  # HEIC would give an embedded thumbnail instead
                opened.image.draft(None, size)
            check_size(opened.image.size)
            memory = opened.memory(file)
            with MEMORY.taken(memory):
                return _decoded(file, name, opened)
    except ImageError:
        raise
    except Exception as error:
        _empty_frames(error)
        raise _failure(error, name, memory) from error


def _failure(error: Exception, name: str, memory: int) -> ImageError:
    """Convert an error; libjpeg reports lack of memory in the same way as damage."""
    failure = failures.translated(error, name)
    if failure.kind == ImageErrorKind.DAMAGED and not _is_free(memory):
        return failures.no_memory(name)
    return failure


def _is_free(memory: int) -> bool:
    """Whether the system can allocate this much memory; it is not used."""
    try:
        np.empty(memory, np.uint8)
    except MemoryError:
        return False
    return True


def _empty_frames(error: BaseException | None) -> None:
    """Clear the frames of an error, so that keeping the error does not keep half-decoded pixels."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _decoded(file: BinaryIO, name: str, opened: Opened) -> Decoded:
    image, errors = opened.image, tiff.errors()
    image.load()
    warned = [failures.damage(name)] if tiff.errors() > errors or is_damaged(file, image) else []
    if image.format == "TIFF" and tiff.read_directory(file).is_reduced:
        warned.append(failures.reduced(name))
    return Decoded(_upright(image, _tone_map(file, image)), tuple(warned))


def _silence_pillow() -> None:
    """Silence Pillow's warnings about unusual metadata.

    `warnings.catch_warnings` changes the filters of all threads. One filter for Pillow's modules, moved to the front
    when needed, is thread-safe and affects nothing else.
    """
    if warnings.filters[:1] != [_QUIET]:
        warnings.filterwarnings("ignore", module=r"PIL\.")


def _open_regular(path: Path, name: str) -> BinaryIO:
    """Open a regular file for reading; never waits for the other end of a pipe, and never opens a device."""
    try:
        _check_status(path.stat(), name)
        file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115 - Path.open takes no opener
    except ValueError as error:  # a null byte in the name
        raise failures.missing(name) from error
    except OSError as error:
        raise failures.unreadable(error, name) from error
    try:
        _check_status(os.fstat(file.fileno()), name)  # the file may have been replaced in between
    except ImageError:
        file.close()
        raise
    return file


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _check_status(status: os.stat_result, name: str) -> None:
    """Refuse anything but a regular file within the size limits."""
    if stat.S_ISDIR(status.st_mode):
        what = tr("“{name}” is a folder.", name=name)
        raise ImageError(ImageErrorKind.NOT_A_FILE, what, hint=tr("Choose the images in it."))
    if not stat.S_ISREG(status.st_mode):
        what = tr("“{name}” is a device, pipe or socket, not a file.", name=name)
        raise ImageError(ImageErrorKind.NOT_A_FILE, what, hint=tr("Choose an image file."))
    if status.st_size == 0:
        raise failures.empty(name)
    if status.st_size > MAX_BYTES:
        raise failures.too_many_bytes(name, status.st_size)


def _tone_map(file: BinaryIO, image: ImageFile.ImageFile) -> ToneMap | None:
    """The tone map for colours given by code points (ISO 23091-2); None if none is needed."""
    codes = image.info.get("cicp") if image.format == "PNG" else None
    if image.format in ("AVIF", "HEIF"):
        codes = boxes.read_heif_info(file).nclx
    return ToneMap.of(codes[0], codes[1]) if codes else None


def _upright(image: ImageFile.ImageFile, tone_map: ToneMap | None) -> Image.Image:
    """Convert a decoded image to upright sRGB, mode RGB; a JPEG that is so already is returned itself."""
    turn, swapped, last_first = _TURNS.get(orientation_of(image), (None, False, False))
    upright: Image.Image | None = None
    for top, band in srgb_bands(image, tone_map):
        turned = band if turn is None else band.transpose(turn)
        if band.height == image.height:
            # other readers keep their file, and may read it again when asked for pixels
            return turned.copy() if turned is image and not isinstance(image, Jpeg) else turned
        start = image.height - top - band.height if last_first else top
        upright = upright or Image.new("RGB", image.size[::-1] if swapped else image.size)
        upright.paste(turned, (start, 0) if swapped else (0, start))
    assert upright
    return upright
