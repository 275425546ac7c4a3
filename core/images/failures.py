"""The person's words for every reason why an image file could not be read."""

from __future__ import annotations

import errno
from typing import Final

from PIL import Image

from core.base.errors import ImageError, ImageErrorKind
from core.images.bounds import MAX_BYTES, MAX_PIXELS, MAX_SIDE, TooLargeError, TooMuchMemoryError, TooMuchWorkError

_EXPORT_HINT: Final = "Open it in the program that made it and save it again, or take another copy."
_SMALLER_HINT: Final = "Save a smaller copy of it and use that."
_REPLACE_HINT: Final = "Take another copy of it, from the camera or from a backup."
_KINDS_HINT: Final = "Fovea reads JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF and HEIC."


def translated(error: Exception, name: str) -> ImageError:
    """What a decoder raised."""
    if isinstance(error, OSError) and error.errno is not None:
        return unreadable(error, name)
    if isinstance(error, TooLargeError):
        width, height = error.size
        maximum = f"Fovea decodes at most {MAX_PIXELS // 1_000_000} megapixels and {MAX_SIDE:,} pixels a side"
        what = f"“{name}” has {width:,} × {height:,} pixels; {maximum}."
        return ImageError(ImageErrorKind.TOO_LARGE, what, hint=_SMALLER_HINT)
    if isinstance(error, TooMuchWorkError):
        what = f"“{name}” would take too long to decode: it has more scans or parts than any camera or program makes."
        return ImageError(ImageErrorKind.TOO_LARGE, what, hint=_EXPORT_HINT)
    if isinstance(error, TooMuchMemoryError | Image.DecompressionBombError):
        what = f"“{name}” would take more memory to decode than Fovea allows for one image."
        return ImageError(ImageErrorKind.TOO_LARGE, what, hint=_SMALLER_HINT)
    if isinstance(error, MemoryError) or "out of memory" in str(error):
        return no_memory(name)
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        what = f"“{name}” ends too early: a part of it is missing."
        return ImageError(ImageErrorKind.DAMAGED, what, hint=_REPLACE_HINT)
    what = f"“{name}” cannot be decoded: it is damaged, or of an unusual kind."
    return ImageError(ImageErrorKind.DAMAGED, what, hint=_EXPORT_HINT)


def no_memory(name: str) -> ImageError:
    """The machine has too little memory just now."""
    what = f"There was not enough memory to decode “{name}”."
    return ImageError(ImageErrorKind.NO_MEMORY, what, hint="Close other programs and try again.")


def unreadable(error: OSError, name: str) -> ImageError:
    """What the operating system answered."""
    if error.errno == errno.ENOMEM:
        return no_memory(name)
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        return missing(name)
    if error.errno == errno.ELOOP:
        what, hint = f"“{name}” is a link that leads back to itself.", "Remove the link, or give the image itself."
        return ImageError(ImageErrorKind.NOT_A_FILE, what, hint=hint)
    if isinstance(error, PermissionError):
        what, hint = f"“{name}” may not be opened by you.", "Change who may read it, or copy it to a folder of yours."
        return ImageError(ImageErrorKind.NO_ACCESS, what, hint=hint)
    what = f"“{name}” could not be read: {error.strerror}."
    return ImageError(ImageErrorKind.NO_ACCESS, what, hint="See that the disk or the network it is on works.")


def missing(name: str) -> ImageError:
    """There is no such file."""
    what = f"“{name}” does not exist."
    return ImageError(ImageErrorKind.MISSING, what, hint="See that it was not moved, renamed or deleted.")


def empty(name: str) -> ImageError:
    """The file has no content."""
    return ImageError(ImageErrorKind.EMPTY, f"“{name}” is empty: it has no bytes.", hint=_REPLACE_HINT)


def too_many_bytes(name: str, size: int) -> ImageError:
    """The file is larger than any image."""
    what = f"“{name}” has {size:,} bytes, more than the {MAX_BYTES:,} that Fovea opens."
    return ImageError(ImageErrorKind.TOO_LARGE, what, hint=_SMALLER_HINT)


def no_image(name: str) -> ImageError:
    """Nobody knows what the file is."""
    return ImageError(ImageErrorKind.NOT_AN_IMAGE, f"“{name}” is not an image.", hint=_KINDS_HINT)


def other_kind(name: str, kind: str, hint: str) -> ImageError:
    """The file is something that Fovea does not read."""
    return ImageError(ImageErrorKind.UNSUPPORTED, f"“{name}” is {kind}, which Fovea does not read.", hint=hint)


def damage(name: str) -> str:
    """The warning about an image of which a part is missing or damaged."""
    return f"“{name}” is damaged or incomplete: the prediction is based on what could be read. {_REPLACE_HINT}"


def reduced(name: str) -> str:
    """The warning about a file whose first image is a small copy of another one."""
    return f"The first image in “{name}” is a reduced copy of another one in it, and only that was read. {_EXPORT_HINT}"
