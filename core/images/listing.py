"""Finding images in folders."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from core.base.errors import ImageError, ImageErrorKind
from core.base.i18n import tr
from core.base.text import display_path, natural_sort_key
from core.images.kinds import unread_name
from core.images.system_folders import is_system_folder

IMAGE_SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"}
    | {".avif", ".heic", ".heif", ".hif"}
)
"""Lower-case suffixes by which images are chosen in folders; what a file really is, only its content tells."""


_VOLUME: Final = "\\\\?\\Volume{"
"""How the target of a mount point on Windows begins where it is a disk, not a folder."""
_SUFFIX: Final = re.compile(r"\.[a-z0-9]+")
_SEVERAL: Final = 2
_VISITED: Final = 20
"""Subfolders, of the first in their order."""

T = TypeVar("T")
OnError = Callable[[Path, ImageError], None]


def find_images(
    paths: Sequence[Path], *, recursive: bool, on_error: OnError, skipped: Counter[str] | None = None
) -> Iterator[Path]:
    """Yield the images that files and folders give, each path once.

    A path that is not a folder is yielded whatever it is, so that decoding it tells what is wrong. A folder gives the
    files with a suffix of `IMAGE_SUFFIXES` in natural order ("2.jpg" before "10.jpg"), and then, with `recursive`,
    what its subfolders give. Hidden files, and folders that are hidden, links or a system's own, are passed over unless
    they are named directly. No folder is read twice, whatever it is called. A link to a file is an image of its own. At
    most one folder's names are in memory at a time.

    Args:
        paths: files and folders, in the order in which they are to come.
        recursive: whether folders give their whole tree, or only their own files.
        on_error: told of each folder that cannot be read; the walk goes on with the next one.
        skipped: counts files of kinds that Fovea does not read, by `core.images.kinds.unread_name`.
    """
    folders = {path for path in paths if os.path.isdir(path)}  # noqa: PTH112 - Path.is_dir may raise
    named = {_key(path) for path in paths if path not in folders}
    given: set[Hashable] = set()
    read: set[Hashable] = set()
    for path in paths:
        if path in folders:
            entries = partial(_entries, skipped=skipped)
            images = walk_folders(path, entries, recursive=recursive, on_error=on_error, read=read)
            yield from (image for image in images if not named or _key(image) not in named)
        elif (key := _key(path)) not in given:
            given.add(key)
            yield path


def has_class_folders(folder: Path) -> bool:
    """Whether a folder looks like labelled images: several subfolders with images right in them."""
    try:
        _, subfolders = _entries(folder)
        return sum(bool(_entries(one)[0]) for one in subfolders[:_VISITED]) >= _SEVERAL
    except OSError:
        return False


def _key(path: Path) -> Hashable:
    """What makes two spellings one path, also by the case of letters or by another path to its folder.

    Links are not followed, for a link is an image of its own, and so is each name of a file that has several.
    """
    try:
        status = path.lstat()
    except (OSError, ValueError):
        status = None
    if status is not None and status.st_nlink == 1 and status.st_ino:
        return status.st_dev, status.st_ino
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100 - Path.resolve follows links


def is_valid_path(path: Path) -> bool:
    """Whether something can be called so; a name may be too long, or hold what this system does not take."""
    try:
        path.lstat()
    except ValueError:  # a zero byte
        return False
    except OSError as error:
        return error.errno not in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
    return True


def identity(folder: Path) -> Hashable:
    """What a folder is under whatever name: its device and inode or, on file systems without inodes, its real path.

    Raises:
        OSError: it cannot be looked at.
    """
    status = folder.stat()
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(folder)


def walk_folders(
    top: Path,
    entries: Callable[[Path], tuple[Iterable[T], list[Path]]],
    *,
    recursive: bool,
    on_error: OnError,
    read: set[Hashable],
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


def _is_new(folder: Path, read: set[Hashable]) -> bool:
    """Whether this folder, under whatever name, was not read yet; it counts as read from now on."""
    key = identity(folder)
    is_new = key not in read
    read.add(key)
    return is_new


def visible_entries(
    folder: Path, on_skipped: Callable[[os.DirEntry[str]], object] = lambda _: None
) -> Iterator[tuple[os.DirEntry[str], bool]]:
    """What of a folder's entries counts, in no order, and whether it is a folder: subfolders that are the user's own,
    and files with the suffix of an image.

    Args:
        folder: the folder.
        on_skipped: told of links to folders and of files with other suffixes, but of nothing hidden.

    Raises:
        OSError: the folder cannot be read, or not to its end.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry):
                continue
            if is_folder(entry):
                if is_link(entry):
                    on_skipped(entry)
                elif not is_system_folder(entry.name):
                    yield entry, True
            elif has_image_suffix(entry.name):
                yield entry, False
            else:
                on_skipped(entry)


def has_image_suffix(name: str) -> bool:
    """Whether a name is that of an image; spaces and dots at its end, which Windows drops, do not count."""
    return os.path.splitext(name.rstrip(" ."))[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - a Path for each is slow


def has_near_image_suffix(name: str) -> bool:
    """Whether a name has no suffix, or one of an image with something behind it, as in `photo.jpg_large`."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path for each is slow
    return not suffix or (_SUFFIX.match(suffix) or [""])[0] in IMAGE_SUFFIXES


def _entries(folder: Path, skipped: Counter[str] | None = None) -> tuple[list[Path], list[Path]]:
    """The images and the subfolders of one folder, each in natural order."""
    found: tuple[list[Path], list[Path]] = ([], [])
    for entry, is_subfolder in visible_entries(folder, lambda entry: _count_kind(entry, skipped)):
        found[is_subfolder].append(folder / entry.name)
    return sorted(found[0], key=_sort_key), sorted(found[1], key=_sort_key)


def _count_kind(entry: os.DirEntry[str], skipped: Counter[str] | None) -> None:
    if skipped is not None and not is_folder(entry) and (kind := unread_name(entry.name)):
        skipped[kind] += 1


def is_hidden(entry: os.DirEntry[str]) -> bool:
    """Whether the system's file manager shows it only on request."""
    if sys.platform == "win32":
        attributes = entry.stat(follow_symlinks=False).st_file_attributes
        return entry.name.startswith(".") or bool(attributes & stat.FILE_ATTRIBUTE_HIDDEN)
    return entry.name.startswith(".")


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself: no folder; if its suffix is right, decoding tells what it is
        return False


def is_link(entry: os.DirEntry[str]) -> bool:
    """Whether it leads elsewhere: a symbolic link or, on Windows, a junction. A mounted disk does not."""
    if sys.platform == "win32" and not entry.is_symlink():
        status = entry.stat(follow_symlinks=False)
        is_mount = status.st_reparse_tag == stat.IO_REPARSE_TAG_MOUNT_POINT
        return is_mount and not os.readlink(entry.path).startswith(_VOLUME)  # noqa: PTH115 - an entry is no Path
    return entry.is_symlink()


def _sort_key(path: Path) -> bytes:
    return natural_sort_key(path.name)


def _unreadable(folder: Path, error: OSError) -> ImageError:
    kind = ImageErrorKind.MISSING if isinstance(error, FileNotFoundError) else ImageErrorKind.NO_ACCESS
    what = tr(
        "Couldn't read the folder “{name}”: {reason}.",
        name=display_path(folder.name or folder),
        reason=error.strerror or type(error).__name__,
    )
    return ImageError(kind, what, hint=tr("Check that it exists and that you can open it."))


def folder_name(folder: Path) -> str:
    """What a folder may be called where others read it; the name of the person's own folder is often theirs."""
    real = Path(os.path.realpath(folder))
    return "home" if real == Path.home() else real.name or "."
