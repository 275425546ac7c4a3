"""Finding images in folders, and writing any path as one readable line."""

from __future__ import annotations

import os
import re
import stat
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from core.errors import ImageError, ImageErrorKind

IMAGE_SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"}
    | {".avif", ".heic", ".heif", ".hif"}
)
"""Lower-case suffixes by which images are chosen in folders; what a file really is, only its content tells."""

_JOINERS: Final = frozenset("\u200c\u200d")
"""Invisible characters that words of several scripts, and emoji, are put together with."""

_SEVERAL: Final = 2
_LOOKED_INTO: Final = 20
"""Subfolders, of the first in their order."""
_DIGITS: Final = re.compile(r"(\d+)")

OnError = Callable[[Path, ImageError], None]


def find_images(paths: Sequence[Path], *, recursive: bool, on_error: OnError) -> Iterator[Path]:
    """Yield the images that files and folders give, each path once.

    A path that is not a folder is yielded whatever it is, so that decoding it tells what is wrong. A folder gives the
    files with a suffix of `IMAGE_SUFFIXES` in natural order ("2.jpg" before "10.jpg"), and then, with `recursive`,
    what its subfolders give. Hidden files and folders are passed over unless they are named directly. Symbolic links
    are followed, but no folder is read twice. At most one folder's names are in memory at a time.

    Args:
        paths: files and folders, in the order in which they are to come.
        recursive: whether folders give their whole tree, or only their own files.
        on_error: told of each folder that cannot be read; the walk goes on with the next one.
    """
    named = {_key(path) for path in paths}
    told: set[str] = set()
    read: set[tuple[int, int]] = set()
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where the path cannot be looked at
            yield from (image for image in _walk(path, read, recursive, on_error) if _key(image) not in named)
        elif _key(path) not in told:
            told.add(_key(path))
            yield path


def has_class_folders(folder: Path) -> bool:
    """Whether a folder looks like labelled images: several subfolders with images right in them."""
    try:
        _, subfolders = _entries(folder)
        return sum(bool(_entries(one)[0]) for one in subfolders[:_LOOKED_INTO]) >= _SEVERAL
    except OSError:
        return False


def printable(path: Path | str) -> str:
    """The path as one line that is safe to show: control characters, line breaks, characters that turn the writing
    direction and bytes that are not UTF-8 are written as escapes; everything readable stays as it is.
    """
    return "".join(character if _is_readable(character) else _escaped(character) for character in str(path))


def natural(name: str) -> tuple[list[str | int], str]:
    """A sort key by which numbers inside names count as numbers; text and numbers alternate, so kinds always match."""
    parts = _DIGITS.split(name.casefold())
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], name


def _is_readable(character: str) -> bool:
    return character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    r"""`\n`, `\u202e`; and for a byte that Python carries as a lone surrogate (PEP 383), that byte: `\xe9`."""
    code = ord(character)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else character.encode("unicode_escape").decode()


def _key(path: Path) -> str:
    """What makes two spellings one path; links are not followed, for a link is an image of its own."""
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100 - Path.resolve follows links


def _walk(top: Path, read: set[tuple[int, int]], recursive: bool, on_error: OnError) -> Iterator[Path]:  # noqa: FBT001
    """Read folders from a stack, not by recursion, so that no depth is too deep; `read` holds those read before."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            if not _is_new(folder, read):
                continue
            images, subfolders = _entries(folder)
        except OSError as error:
            on_error(folder, _unreadable(folder, error))
            continue
        yield from images
        if recursive:
            waiting.extend(reversed(subfolders))


def _is_new(folder: Path, read: set[tuple[int, int]]) -> bool:
    """Whether this folder, under whatever name, was not read yet; it counts as read from now on."""
    status = folder.stat()
    identity = (status.st_dev, status.st_ino)
    is_new = identity not in read
    read.add(identity)
    return is_new


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """The images and the subfolders of one folder, each in natural order, without the hidden ones."""
    images, subfolders = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if _is_hidden(entry):
                continue
            if _is_folder(entry):
                subfolders.append(folder / entry.name)
            elif os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES:  # noqa: PTH122 - a Path for each is slow
                images.append(folder / entry.name)
    return sorted(images, key=_by_name), sorted(subfolders, key=_by_name)


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    if sys.platform == "win32":
        attributes = entry.stat(follow_symlinks=False).st_file_attributes
        return entry.name.startswith(".") or bool(attributes & stat.FILE_ATTRIBUTE_HIDDEN)
    return entry.name.startswith(".")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself: no folder; if its suffix is right, decoding tells what it is
        return False


def _by_name(path: Path) -> tuple[list[str | int], str]:
    return natural(path.name)


def _unreadable(folder: Path, error: OSError) -> ImageError:
    kind = ImageErrorKind.MISSING if isinstance(error, FileNotFoundError) else ImageErrorKind.NO_ACCESS
    what = f"The folder “{printable(folder.name or folder)}” could not be read: {error.strerror or 'no reason given'}."
    return ImageError(kind, what, hint="See that it is there and that you may open it.")
