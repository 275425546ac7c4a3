"""Recognition of image files by content, and reading and checking of their headers."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from PIL import ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from core.base.errors import ImageError, ImageErrorKind
from core.base.i18n import tr
from core.images import failures, kinds
from core.images.bounds import MAX_JPEG_PIXELS, TooMuchWorkError, check_size
from core.images.jpeg import Jpeg, read_scans
from core.images.png import Png
from core.images.tiff import catch_errors, read_directory

_MAX_READS: Final = 1_000_000
_MAX_REDRAWS: Final = 5
"""How often the tiles of an image may cover it: once for each plane."""

logging.getLogger("PIL").addHandler(logging.NullHandler())  # its messages would go to standard error


class CountedReads:
    """A file with a limited number of reads, for readers that would follow an endless chain of parts."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, _MAX_READS
        self.seek, self.tell, self.fileno, self.flush = file.seek, file.tell, file.fileno, file.flush

    def read(self, count: int = -1) -> bytes:
        """Read from the file; raises TooMuchWorkError if the number of reads is too high for an image."""
        self._left -= 1
        if self._left < 0:
            raise TooMuchWorkError
        return self._file.read(count)


@dataclass(frozen=True, slots=True)
class Family:
    """A supported image format.

    Attributes:
        open: reads the header; the name is for messages.
        pixel_bytes: the memory per pixel while decoding, including ours; measured.
        takes_file: whether the whole file is in memory while decoding.
    """

    start: re.Pattern[bytes]
    open: Callable[[BinaryIO, str], ImageFile.ImageFile]
    pixel_bytes: int = 8
    takes_file: bool = False


def _jpeg(file: BinaryIO, _: str) -> ImageFile.ImageFile:
    scans = read_scans(file)
    file.seek(0)
    return Jpeg(file, scans)


def _gif(file: BinaryIO, _: str) -> ImageFile.ImageFile:
    return GifImageFile(cast("BinaryIO", CountedReads(file)))


def _tiff(file: BinaryIO, name: str) -> ImageFile.ImageFile:
    kind = read_directory(file).raw_kind
    if kind:
        raise failures.other_kind(name, kind, kinds.RAW_HINT)
    catch_errors()
    file.seek(0)
    image = TiffImageFile(file)
    drawn = sum((box[2] - box[0]) * (box[3] - box[1]) for _, box, *_ in image.tile if box)
    if drawn > _MAX_REDRAWS * image.width * image.height:
        raise TooMuchWorkError
    return image


def _heif(file: BinaryIO, name: str) -> ImageFile.ImageFile:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        what = tr("“{name}” is a HEIC image, which this installation can't read.", name=name)
        hint = tr("Install the package pillow-heif, or save the image as JPEG.")
        raise ImageError(ImageErrorKind.NOT_AN_IMAGE, what, hint=hint) from error
    return cast("ImageFile.ImageFile", HeifImageFile(file))


FAMILIES: Final = (
    Family(re.compile(rb"\xff\xd8\xff"), _jpeg),
    Family(re.compile(rb"\x89PNG\r\n\x1a\n"), lambda file, _: Png(file)),
    Family(re.compile(rb"GIF8[79]a"), _gif),
    Family(re.compile(rb"RIFF.{4}WEBP", re.DOTALL), lambda file, _: WebPImageFile(file), 17, takes_file=True),
    Family(re.compile(rb"(?:II[*+]\0|MM\0[*+])"), _tiff),
    Family(
        re.compile(rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), lambda file, _: BmpImageFile(file)
    ),
    Family(
        re.compile(rb".{4}ftyp(?:.{4}){0,12}?avi[fs]", re.DOTALL),
        lambda file, _: AvifImageFile(file),
        14,
        takes_file=True,
    ),
    Family(
        re.compile(rb".{4}ftyp(?:.{4}){0,12}?(?:hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL), _heif, 14, takes_file=True
    ),
)
"""AVIF and HEIC are identified by the first brands in the file type box (ISO 14496-12)."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An image whose header was read and whose size was checked; nothing is decoded."""

    image: ImageFile.ImageFile
    family: Family

    def memory(self, file: BinaryIO) -> int:
        """The maximum memory for decoding it at the drafted size, in bytes."""
        pixels = self.image.width * self.image.height * self.family.pixel_bytes
        coefficients = self.image.scans.memory if isinstance(self.image, Jpeg) else 0
        return pixels + coefficients + (2 * os.fstat(file.fileno()).st_size if self.family.takes_file else 0)


def open_image(file: BinaryIO, name: str, suffix: str) -> Opened:
    """Read the header of an image, whatever its name.

    The matching reader is called directly. `Image.open` would try them all, and checks images against
    `Image.MAX_IMAGE_PIXELS`, which applies to the whole process and is too low for 200-megapixel photos.

    Raises:
        ImageError: the format is not supported.
        Exception: whatever Pillow and its codecs raise for damaged files.
    """
    prefix = file.read(kinds.PREFIX_BYTES)
    family = next((family for family in FAMILIES if family.start.match(prefix)), None)
    foreign = None if family and family.open is not _tiff else _other_kind(file, prefix, suffix)
    if foreign:
        raise failures.other_kind(name, *foreign)
    if family is None:
        raise failures.no_image(name)
    file.seek(0)
    image = family.open(file, name)
    check_size(image.size, MAX_JPEG_PIXELS if isinstance(image, Jpeg) else None)
    return Opened(image, family)


def _other_kind(file: BinaryIO, prefix: bytes, suffix: str) -> tuple[str, str] | None:
    file.seek(-min(os.fstat(file.fileno()).st_size, 18), os.SEEK_END)
    return kinds.unread_kind(prefix, file.read(), suffix)
