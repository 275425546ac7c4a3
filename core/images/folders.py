"""Finding images in folders, and writing any path as one readable line."""

from __future__ import annotations

import os
import re
import stat
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from core.errors import ImageError, ImageErrorKind
from core.images.kinds import unread_name

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

T = TypeVar("T")
OnError = Callable[[Path, ImageError], None]


def find_images(
    paths: Sequence[Path], *, recursive: bool, on_error: OnError, skipped: Counter[str] | None = None
) -> Iterator[Path]:
    """Yield the images that files and folders give, each path once.

    A path that is not a folder is yielded whatever it is, so that decoding it tells what is wrong. A folder gives the
    files with a suffix of `IMAGE_SUFFIXES` in natural order ("2.jpg" before "10.jpg"), and then, with `recursive`,
    what its subfolders give. Hidden files and folders are passed over unless they are named directly. Symbolic links
    are followed, but no folder is read twice. At most one folder's names are in memory at a time.

    Args:
        paths: files and folders, in the order in which they are to come.
        recursive: whether folders give their whole tree, or only their own files.
        on_error: told of each folder that cannot be read; the walk goes on with the next one.
        skipped: counts files of kinds that Fovea does not read, by `core.images.kinds.unread_name`.
    """
    named = {_key(path) for path in paths}
    told: set[str] = set()
    read: set[tuple[int, int]] = set()
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where the path cannot be looked at
            images = walk_folders(
                path, partial(_entries, skipped=skipped), recursive=recursive, on_error=on_error, read=read
            )
            yield from (image for image in images if _key(image) not in named)
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


def natural(name: str) -> bytes:
    """A sort key by which numbers inside names count as numbers: texts and numbers in turn, then the name itself.

    A text ends in a byte that is less than any other; a longer number follows a shorter one.
    """
    parts = _DIGITS.split(name.casefold())
    pieces = (_number(part) if index % 2 else _bytes(part) + b"\0" for index, part in enumerate(parts))
    return b"\1".join(pieces) + b"\0" + _bytes(name)


def _is_readable(character: str) -> bool:
    return character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    r"""`\n`, `\u202e`; and for a byte that Python carries as a lone surrogate (PEP 383), that byte: `\xe9`."""
    code = ord(character)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else character.encode("unicode_escape").decode()


def _key(path: Path) -> str:
    """What makes two spellings one path; links are not followed, for a link is an image of its own."""
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100 - Path.resolve follows links


def walk_folders(
    top: Path,
    entries: Callable[[Path], tuple[Iterable[T], list[Path]]],
    *,
    recursive: bool,
    on_error: OnError,
    read: set[tuple[int, int]],
) -> Iterator[T]:
    """Read folders from a stack, not by recursion, so that no depth is too deep.

    Args:
        top: the first folder.
        entries: gives what is in a folder and which subfolders follow, with `recursive`; it may raise OSError.
        recursive: whether they follow.
        on_error: told of each folder that cannot be read.
        read: identities of the folders read so far, which are not read again under whatever name.
    """
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            if not _is_new(folder, read):
                continue
            found, subfolders = entries(folder)
        except OSError as error:
            on_error(folder, _unreadable(folder, error))
            continue
        yield from found
        if recursive:
            waiting.extend(reversed(subfolders))


def _is_new(folder: Path, read: set[tuple[int, int]]) -> bool:
    """Whether this folder, under whatever name, was not read yet; it counts as read from now on."""
    status = folder.stat()
    identity = (status.st_dev, status.st_ino)
    is_new = identity not in read
    read.add(identity)
    return is_new


def visible(folder: Path, skipped: Counter[str] | None = None) -> Iterator[tuple[os.DirEntry[str], bool]]:
    """What of a folder's entries counts, in no order, and whether it is a folder: subfolders, and files with the suffix
    of an image, without the hidden ones. Files of kinds that Fovea does not read are counted in `skipped`.

    Raises:
        OSError: the folder cannot be read, or not to its end.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if _is_hidden(entry):
                continue
            if _is_folder(entry):
                yield entry, True
            elif os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES:  # noqa: PTH122 - a Path for each is slow
                yield entry, False
            elif skipped is not None and (kind := unread_name(entry.name)):
                skipped[kind] += 1


def _entries(folder: Path, skipped: Counter[str] | None = None) -> tuple[list[Path], list[Path]]:
    """The images and the subfolders of one folder, each in natural order."""
    found: tuple[list[Path], list[Path]] = ([], [])
    for entry, is_folder in visible(folder, skipped):
        found[is_folder].append(folder / entry.name)
    return sorted(found[0], key=_by_name), sorted(found[1], key=_by_name)


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


def _by_name(path: Path) -> bytes:
    return natural(path.name)


def _bytes(text: str) -> bytes:
    """In the order of its characters; also what is not Unicode in a name has a place in it."""
    return text.encode("utf-8", "surrogatepass")


def _number(digits: str) -> bytes:
    plain = str(int(digits)).encode()
    return len(plain).to_bytes(4, "big") + plain


def _unreadable(folder: Path, error: OSError) -> ImageError:
    kind = ImageErrorKind.MISSING if isinstance(error, FileNotFoundError) else ImageErrorKind.NO_ACCESS
    what = f"The folder “{printable(folder.name or folder)}” could not be read: {error.strerror or 'no reason given'}."
    return ImageError(kind, what, hint="See that it is there and that you may open it.")
