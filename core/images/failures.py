"""The user-facing errors of image files that could not be read."""

from __future__ import annotations

import errno
from typing import Final

from PIL import Image

from core.base.errors import ImageError, ImageErrorKind, os_reason
from core.base.i18n import mark, tr
from core.images.bounds import MAX_BYTES, MAX_PIXELS, MAX_SIDE, TooLargeError, TooMuchMemoryError, TooMuchWorkError

_EXPORT: Final = mark("Open it in the program that created it and save it again, or use another copy.")
_SMALLER: Final = mark("Save a smaller copy and use that.")
_REPLACE: Final = mark("Download or copy it again.")


def translated(error: Exception, name: str) -> ImageError:
    """Convert an exception of a decoder."""
    if isinstance(error, OSError) and error.errno is not None:
        return unreadable(error, name)
    if isinstance(error, TooLargeError):
        return _too_large(name, error.size)
    if isinstance(error, TooMuchWorkError):
        what = tr("“{name}” would take too long to decode: it has an unreasonable number of scans or parts.", name=name)
        return ImageError(ImageErrorKind.TOO_LARGE, what, hint=tr(_EXPORT))
    if isinstance(error, TooMuchMemoryError | Image.DecompressionBombError):
        what = tr("“{name}” would need too much memory to decode.", name=name)
        return ImageError(ImageErrorKind.TOO_LARGE, what, hint=tr(_SMALLER))
    if isinstance(error, MemoryError) or "out of memory" in str(error):
        return no_memory(name)
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        what = tr("“{name}” is incomplete: the end of the file is missing.", name=name)
        return ImageError(ImageErrorKind.DAMAGED, what, hint=tr(_REPLACE))
    what = tr("Couldn't decode “{name}”: it is damaged or has an unusual format.", name=name)
    return ImageError(ImageErrorKind.DAMAGED, what, hint=tr(_EXPORT))


def _too_large(name: str, size: tuple[int, int]) -> ImageError:
    what = tr(
        "“{name}” is too large ({width:,} × {height:,} pixels). The limit is {megapixels:,} megapixels and {side:,} "
        "pixels per side.",
        name=name,
        width=size[0],
        height=size[1],
        megapixels=MAX_PIXELS // 1_000_000,
        side=MAX_SIDE,
    )
    return ImageError(ImageErrorKind.TOO_LARGE, what, hint=tr(_SMALLER))


def no_memory(name: str) -> ImageError:
    """The machine has too little memory at the moment."""
    what = tr("Not enough memory to decode “{name}”.", name=name)
    return ImageError(ImageErrorKind.NO_MEMORY, what, hint=tr("Close other programs and try again."))


def unreadable(error: OSError, name: str) -> ImageError:
    """Convert an error of the operating system."""
    if error.errno == errno.ENOMEM:
        return no_memory(name)
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        return missing(name)
    if error.errno == errno.ELOOP:
        what = tr("“{name}” is a link that points to itself.", name=name)
        return ImageError(ImageErrorKind.NOT_A_FILE, what, hint=tr("Remove the link, or choose the image itself."))
    if isinstance(error, PermissionError):
        what = tr("You don't have permission to open “{name}”.", name=name)
        hint = tr("Change its permissions, or copy it to one of your folders.")
        return ImageError(ImageErrorKind.NO_ACCESS, what, hint=hint)
    what = tr("Couldn't read “{name}”: {reason}.", name=name, reason=os_reason(error))
    return ImageError(ImageErrorKind.NO_ACCESS, what, hint=tr("Check the disk or network connection."))


def missing(name: str) -> ImageError:
    """The file does not exist."""
    what = tr("“{name}” does not exist.", name=name)
    return ImageError(ImageErrorKind.MISSING, what, hint=tr("Check whether it was moved, renamed or deleted."))


def empty(name: str) -> ImageError:
    """The file has no content."""
    return ImageError(ImageErrorKind.EMPTY, tr("“{name}” is empty.", name=name), hint=tr(_REPLACE))


def too_many_bytes(name: str, size: int) -> ImageError:
    """The file is larger than the limit."""
    what = tr(
        "“{name}” is too large ({count:,} bytes). The limit is {limit:,} bytes.", name=name, count=size, limit=MAX_BYTES
    )
    return ImageError(ImageErrorKind.TOO_LARGE, what, hint=tr(_SMALLER))


def no_image(name: str) -> ImageError:
    """The format of the file is unknown."""
    hint = tr("Supported formats are JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF and HEIC.")
    return ImageError(ImageErrorKind.NOT_AN_IMAGE, tr("“{name}” is not an image.", name=name), hint=hint)


def other_kind(name: str, kind: str, hint: str) -> ImageError:
    """The format of the file is known but not supported; `kind` and `hint` are marked messages."""
    what = tr("“{name}” is {kind}, which Fovea can't read.", name=name, kind=tr(kind))
    return ImageError(ImageErrorKind.UNSUPPORTED, what, hint=tr(hint))


def damage(name: str) -> str:
    """The warning about an image that is partly missing or damaged."""
    what = tr("“{name}” is damaged or incomplete. The prediction is based on the readable part.", name=name)
    return f"{what} {tr(_REPLACE)}"


def reduced(name: str) -> str:
    """The warning about a file whose first image is a reduced copy of another one."""
    what = tr("Only a reduced copy of the image in “{name}” could be read.", name=name)
    return f"{what} {tr(_EXPORT)}"
