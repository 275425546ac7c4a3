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

from core.base.errors import ImageError, ImageErrorKind, os_reason
from core.base.i18n import tr
from core.base.text import display_path, natural_sort_key
from core.images.kinds import unread_name
from core.images.system_folders import is_system_folder

IMAGE_SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"}
    | {".avif", ".heic", ".heif", ".hif"}
)
"""Lower-case suffixes of images in folders; the actual format is recognized by the content."""


_VOLUME: Final = "\\\\?\\Volume{"
"""The prefix of the target of a mount point on Windows if it is a disk, not a folder."""
_SUFFIX: Final = re.compile(r"\.[a-z0-9]+")

T = TypeVar("T")
OnError = Callable[[Path, ImageError], None]


def find_images(
    paths: Sequence[Path], *, recursive: bool, on_error: OnError, skipped: Counter[str] | None = None
) -> Iterator[Path]:
    """Yield the images in files and folders, each path once.

    A path that is not a folder is always yielded, so that decoding reports what is wrong. A folder yields the files
    with a suffix in `IMAGE_SUFFIXES` in natural order ("2.jpg" before "10.jpg"), and then, with `recursive`, those
    of its subfolders. Hidden files, and hidden, linked and system folders, are skipped unless given directly. No
    folder is read twice, whatever its path. A link to a file is an image of its own. At most one folder's names are
    in memory at a time.

    `on_error` is called for each folder that cannot be read; the others are still read. `skipped` counts files in
    unsupported formats, by `core.images.kinds.unread_name`.
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


def _key(path: Path) -> Hashable:
    """A canonical form of a path, independent of case (if the system ignores it) and of the path to its folder.

    Links are not resolved, because a link is an image of its own, as is each hard link of a file.
    """
    try:
        status = path.lstat()
    except (OSError, ValueError):
        status = None
    if status is not None and status.st_nlink == 1 and status.st_ino:
        return status.st_dev, status.st_ino
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100 - Path.resolve follows links


def is_valid_path(path: Path) -> bool:
    """Whether a path is valid; a name may be too long, or have characters that the system does not allow."""
    try:
        path.lstat()
    except ValueError:  # a null byte
        return False
    except OSError as error:
        return error.errno not in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
    return True


def identity(folder: Path) -> Hashable:
    """The identity of a folder: its device and inode or, on file systems without inodes, its real path.

    Raises OSError if it cannot be accessed.
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
    """Walk folders with a stack instead of recursion, so that the depth is not limited.

    `entries` returns the content and the subfolders of a folder, and may raise OSError, which `on_error` gets.
    Folders whose identities are in `read` are not read again.
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
    """Whether this folder was not read yet; it counts as read from now on."""
    key = identity(folder)
    is_new = key not in read
    read.add(key)
    return is_new


def visible_entries(
    folder: Path, on_skipped: Callable[[os.DirEntry[str]], object] = lambda _: None
) -> Iterator[tuple[os.DirEntry[str], bool]]:
    """Yield the relevant entries of a folder, unordered, and whether they are folders: the user's subfolders, and files
    with an image suffix.

    `on_skipped` is called for links to folders and files with other suffixes, but not for hidden ones. Raises OSError
    if the folder cannot be read completely.
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
    """Whether a name is that of an image; trailing spaces and dots, which Windows drops, are ignored."""
    return os.path.splitext(name.rstrip(" ."))[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - a Path for each is slow


def has_near_image_suffix(name: str) -> bool:
    """Whether a name has no suffix, or an image suffix with something after it, as in `photo.jpg_large`."""
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
    """Whether the system's file manager hides it by default."""
    if sys.platform == "win32":
        attributes = entry.stat(follow_symlinks=False).st_file_attributes
        return entry.name.startswith(".") or bool(attributes & stat.FILE_ATTRIBUTE_HIDDEN)
    return entry.name.startswith(".")


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself is not a folder; with an image suffix, decoding reports it
        return False


def is_link(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a symbolic link or, on Windows, a junction, but not a mounted disk."""
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
        reason=os_reason(error),
    )
    return ImageError(kind, what, hint=tr("Check that it exists and that you can open it."))


def folder_name(folder: Path) -> str:
    """The name of a folder for display to others; the home folder's name is hidden, as it is often the user's name."""
    real = Path(os.path.realpath(folder))
    return "home" if real == Path.home() else real.name or "."


def overlap(folders: tuple[Path, ...]) -> bool:
    """Whether a folder equals or contains another, however their paths are written."""
    named = [identity(folder) for folder in folders]
    above = {identity(one) for folder in folders for one in Path(os.path.realpath(folder)).parents}
    return len(set(named)) < len(named) or not above.isdisjoint(named)


def is_empty(folder: Path, *, recursive: bool) -> bool:
    """Whether a folder can be read and contains no images."""
    unreadable: list[Path] = []
    images = find_images([folder], recursive=recursive, on_error=lambda where, _: unreadable.append(where))
    return next(images, None) is None and not unreadable
