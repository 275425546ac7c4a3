"""From an image file to upright sRGB pixels; every reason why that cannot be becomes an `ImageError` here.

What a file is, its first bytes tell, never its name. Everything that can be refused by its header is refused before
memory is taken for it.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import struct
import traceback
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from core.errors import ImageError, ImageErrorKind
from core.images.colours import srgb_bands
from core.images.folders import printable

Pixels: TypeAlias = NDArray[np.uint8]
"""Upright sRGB, [height, width, 3]."""

_MAX_BYTES: Final = 1024**3
"""An uncompressed 16-bit TIFF of `_MAX_PIXELS` fits."""

_MAX_SIDE: Final = 65_535
"""The most a JPEG can state."""

_MAX_PIXELS: Final = 120_000_000
"""What may be decoded: photos of 102-megapixel cameras pass; two decoders at once stay near 2 GB."""

_MAX_JPEG_PIXELS: Final = 256_000_000
"""What a JPEG may have before it is reduced while decoding: photos of 200-megapixel phones pass."""

_MAX_SCANS: Final = 64
"""Encoders make 6 to 12."""

_BLOCK_BYTES: Final = 1024**2
_START_OF_SCAN: Final = b"\xff\xda"
_END_OF_IMAGE: Final = b"\xff\xd9"
_QUIET: Final = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


class _TooLargeError(Exception):
    """The header states more pixels than may be decoded."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__(size)
        self.size = size


def decode(path: Path, *, at_least: int | None = None) -> Pixels:
    """Read an image file as upright sRGB pixels [height, width, 3], transparency laid over white, first frame only.

    Args:
        path: the file.
        at_least: a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, which is several times faster, as long as its
            shorter side keeps this many pixels (`Preprocessing.decode_at_least`). None: at full size.

    Raises:
        ImageError: the file is not there, not readable, not an image, damaged or too large.
    """
    return _read(path, lambda _: None if at_least is None else (at_least, at_least))


def decode_within(path: Path, side: int) -> Pixels:
    """Read an image file as upright sRGB pixels [height, width, 3] for display, its longer side at most `side`.

    The image is reduced with antialiasing, never enlarged.

    Raises:
        ImageError: as `decode`.
    """

    def twice(size: tuple[int, int]) -> tuple[int, int]:
        scale = 2 * side / max(size)
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    small = Image.fromarray(_read(path, twice))
    small.thumbnail((side, side), Image.Resampling.BICUBIC)
    return np.asarray(small)


_SIGNATURES: Final[tuple[tuple[re.Pattern[bytes], type[ImageFile.ImageFile]], ...]] = (
    (re.compile(rb"\xff\xd8\xff"), JpegImageFile),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), PngImageFile),
    (re.compile(rb"GIF8[79]a"), GifImageFile),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), WebPImageFile),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), TiffImageFile),
    (re.compile(rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), BmpImageFile),
    (re.compile(rb".{4}ftyp(?:.{4}){0,12}?avi[fs]", re.DOTALL), AvifImageFile),
)
"""How files begin; AVIF and HEIC name their kind among the first brands of ISO 14496-12's file type box."""

_HEIF: Final = re.compile(rb".{4}ftyp(?:.{4}){0,12}?(?:hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL)
_PREFIX_BYTES: Final = 64

_TURNS: Final[dict[object, tuple[Callable[[Pixels], Pixels], bool]]] = {
    1: (lambda upright: upright, False),
    2: (lambda upright: upright[:, ::-1], False),
    3: (lambda upright: upright[::-1, ::-1], False),
    4: (lambda upright: upright[::-1], False),
    5: (lambda upright: upright.swapaxes(0, 1), True),
    6: (lambda upright: upright.swapaxes(0, 1)[::-1], True),
    7: (lambda upright: upright.swapaxes(0, 1)[::-1, ::-1], True),
    8: (lambda upright: upright.swapaxes(0, 1)[:, ::-1], True),
}
"""For each EXIF orientation, the view of upright pixels in the order in which they are stored, and whether width and
height change places (EXIF 2.32, tag 274)."""

_EXPORT_HINT: Final = "Open it in the program that made it and save it again, or take another copy."
_SMALLER_HINT: Final = "Save a smaller copy of it and use that."
_REPLACE_HINT: Final = "Take another copy of it, from the camera or from a backup."
_KINDS_HINT: Final = "Fovea reads JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF and HEIC."


def looks_like_image(path: Path) -> bool:
    """Whether a file begins as images of a kind that can be read do; nothing is decoded.

    Raises:
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        prefix = file.read(_PREFIX_BYTES)
    return any(pattern.match(prefix) for pattern in (*(pattern for pattern, _ in _SIGNATURES), _HEIF))


def _read(path: Path, wanted: Callable[[tuple[int, int]], tuple[int, int] | None]) -> Pixels:
    """Open, check and decode the file's first image; `wanted` makes of its size the one it must not be reduced below.

    This is the boundary where foreign exceptions end. Pillow and its codecs raise at least OSError, SyntaxError,
    ValueError, EOFError, struct.error and RuntimeError for damaged files, so every `Exception` is translated.
    """
    name = printable(path.name or path)
    _silence_pillow()
    try:
        with _open_regular(path, name) as file:
            return _decoded(file, name, wanted)
    except ImageError:
        raise
    except Exception as error:
        _empty_frames(error)
        raise _translated(error, name) from error


def _empty_frames(error: BaseException | None) -> None:
    """Whoever keeps an error keeps its frames; emptied, they do not keep half-decoded pixels too."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _decoded(file: BinaryIO, name: str, wanted: Callable[[tuple[int, int]], tuple[int, int] | None]) -> Pixels:
    image = _identify(file, name)
    _draft(image, wanted(image.size))
    return _upright(image)


def _silence_pillow() -> None:
    """Keep Pillow's remarks about odd metadata quiet.

    `warnings.catch_warnings` would swap the filters of all threads back and forth. One filter for Pillow's modules
    alone, put in front whenever something else stands there, is right for every thread and touches nothing else.
    """
    if warnings.filters[:1] != [_QUIET]:
        warnings.filterwarnings("ignore", module=r"PIL\.")


def _open_regular(path: Path, name: str) -> BinaryIO:
    """Open a file for reading, if it is one; never waits for a pipe's other end, nor opens a device."""
    try:
        _check_status(path.stat(), name)
        file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115 - Path.open takes no opener
    except ValueError as error:  # a zero byte in the name
        raise _missing(name) from error
    except OSError as error:
        raise _unreadable(error, name) from error
    try:
        _check_status(os.fstat(file.fileno()), name)  # another file may have taken its place in between
    except ImageError:
        file.close()
        raise
    return file


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _check_status(status: os.stat_result, name: str) -> None:
    """Refuse what is not a file with a sensible number of bytes."""
    if stat.S_ISDIR(status.st_mode):
        raise ImageError(ImageErrorKind.NOT_A_FILE, f"“{name}” is a folder.", hint="Give the images inside it.")
    if not stat.S_ISREG(status.st_mode):
        what = f"“{name}” is a device, a pipe or a socket, not a file."
        raise ImageError(ImageErrorKind.NOT_A_FILE, what, hint="Give an image file.")
    if status.st_size == 0:
        raise ImageError(ImageErrorKind.EMPTY, f"“{name}” is empty: it has no bytes.", hint=_REPLACE_HINT)
    if status.st_size > _MAX_BYTES:
        what = f"“{name}” has {status.st_size:,} bytes, more than the {_MAX_BYTES:,} that Fovea opens."
        raise ImageError(ImageErrorKind.TOO_LARGE, what, hint=_SMALLER_HINT)


def _identify(file: BinaryIO, name: str) -> ImageFile.ImageFile:
    """The image in a file by its first bytes, its header read and its size checked, nothing decoded.

    Its one reader is called directly. `Image.open` would try one after another, and holds every image against
    `Image.MAX_IMAGE_PIXELS`, which is one number for the whole process and too low for photos of 200 megapixels.
    """
    prefix = file.read(_PREFIX_BYTES)
    family = next((family for pattern, family in _SIGNATURES if pattern.match(prefix)), None)
    if family is None and _HEIF.match(prefix):
        family = _heif_reader(name)
    if family is None:
        raise ImageError(ImageErrorKind.NOT_AN_IMAGE, f"“{name}” is not an image.", hint=_KINDS_HINT)
    file.seek(0)
    image = family(file)
    _check_size(image.size, _MAX_JPEG_PIXELS if family is JpegImageFile else _MAX_PIXELS)
    if "progressive" in image.info:
        _check_scans(file)
    return image


def _heif_reader(name: str) -> type[ImageFile.ImageFile]:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        what = f"“{name}” is a HEIC image, and this installation cannot read those."
        hint = "Install the optional part pillow-heif, or save the image as JPEG."
        raise ImageError(ImageErrorKind.NOT_AN_IMAGE, what, hint=hint) from error
    return HeifImageFile  # type: ignore[no-any-return]


def _check_size(size: tuple[int, int], most_pixels: int) -> None:
    if max(size) > _MAX_SIDE or size[0] * size[1] > most_pixels:
        raise _TooLargeError(size)


def _check_scans(file: BinaryIO) -> None:
    """Refuse a progressive JPEG, read as far as its first scan, with more scans than any encoder makes.

    A scan that changes nothing takes 100 bytes and passes over the whole image: half a megabyte would take a minute.
    """
    start, scans = file.tell(), 1
    for block in iter(partial(file.read, _BLOCK_BYTES), b""):
        end = block.find(_END_OF_IMAGE)
        scans += block.count(_START_OF_SCAN, 0, len(block) if end < 0 else end)
        if end >= 0:
            break
    file.seek(start)
    if scans > _MAX_SCANS:
        raise ValueError(f"{scans} scans")


def _draft(image: ImageFile.ImageFile, size: tuple[int, int] | None) -> None:
    """Have a JPEG decoded at the least of 1/8, 1/4, 1/2 or its full size that is no smaller than `size`.

    HEIC's reader would take an embedded thumbnail for this, which need not be what the image is; no other has it.
    """
    if size is not None and isinstance(image, JpegImageFile):
        image.draft(None, size)


def _upright(image: ImageFile.ImageFile) -> Pixels:
    """Decode and return as sRGB, the way the photographer held the camera."""
    _check_size(image.size, _MAX_PIXELS)
    image.load()
    as_stored, swapped = _TURNS.get(_orientation(image), _TURNS[1])
    height, width = (image.width, image.height) if swapped else (image.height, image.width)
    pixels = np.empty((height, width, 3), np.uint8)
    stored = as_stored(pixels)
    for top, band in srgb_bands(image):
        stored[top : top + len(band)] = band
    return pixels


def _orientation(image: ImageFile.ImageFile) -> object:
    """What its metadata say about how it is turned, if they can be read: damaged metadata do not damage an image."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error):
        return None


def _translated(error: Exception, name: str) -> ImageError:
    """The person's words for what a decoder raised."""
    if isinstance(error, OSError) and error.errno is not None:
        return _unreadable(error, name)
    if isinstance(error, _TooLargeError):
        width, height = error.size
        what = f"“{name}” has {width:,} × {height:,} pixels, more than Fovea decodes."
        return ImageError(ImageErrorKind.TOO_LARGE, what, hint=_SMALLER_HINT)
    if isinstance(error, MemoryError | Image.DecompressionBombError):
        what = f"“{name}” needs more memory than Fovea may take or the machine has."
        return ImageError(ImageErrorKind.TOO_LARGE, what, hint=_SMALLER_HINT)
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        what = f"“{name}” ends too early: a part of it is missing."
        return ImageError(ImageErrorKind.DAMAGED, what, hint=_REPLACE_HINT)
    what = f"“{name}” cannot be decoded: it is damaged, or of an unusual kind."
    return ImageError(ImageErrorKind.DAMAGED, what, hint=_EXPORT_HINT)


def _unreadable(error: OSError, name: str) -> ImageError:
    """The person's words for what the operating system answered."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        return _missing(name)
    if error.errno == errno.ELOOP:
        what, hint = f"“{name}” is a link that leads back to itself.", "Remove the link, or give the image itself."
        return ImageError(ImageErrorKind.NOT_A_FILE, what, hint=hint)
    if isinstance(error, PermissionError):
        what, hint = f"“{name}” may not be opened by you.", "Change who may read it, or copy it to a folder of yours."
        return ImageError(ImageErrorKind.NO_ACCESS, what, hint=hint)
    what = f"“{name}” could not be read: {error.strerror}."
    return ImageError(ImageErrorKind.NO_ACCESS, what, hint="See that the disk or the network it is on works.")


def _missing(name: str) -> ImageError:
    what = f"“{name}” does not exist."
    return ImageError(ImageErrorKind.MISSING, what, hint="See that it was not moved, renamed or deleted.")
