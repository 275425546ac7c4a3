"""Datasets that the user builds in the window: ordinary folders with one subfolder per class.

They are part of the user's data. A photo is hard-linked into its class where the disk allows that, or else copied; the
original stays untouched. Every edit moves files and folders, and removed ones stay in a hidden folder until
`remove_stale_files`, so every edit can be undone by moving them back.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from core.base import paths
from core.base.errors import StorageError, UsageError
from core.base.i18n import tr
from core.base.storage import storage_errors, write_atomically
from core.base.text import natural_sort_key
from core.datasets.class_labels import normalize_label
from core.images.listing import find_images

_TRASH_PREFIX: Final = ".taken-out"
_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
"""Characters that a folder name must not contain on one system or another."""
_MAX_PHOTOS: Final = 100_000

FileMoves: TypeAlias = tuple[tuple[Path, Path], ...]
"""Pairs of source and target, in order."""


@dataclass(frozen=True, slots=True)
class AddClass:
    """Add an empty class."""

    label: str


@dataclass(frozen=True, slots=True)
class RenameClass:
    """Rename a class, or merge it into the class that already has the new name."""

    label: str
    name: str


@dataclass(frozen=True, slots=True)
class RemoveClass:
    """Remove a class with its photos."""

    label: str


@dataclass(frozen=True, slots=True)
class AddPhotos:
    """Add photos, or the photos in folders, to a class, which is created if it is missing."""

    label: str
    photos: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class MovePhotos:
    """Move photos of the dataset to another class, or remove them (None)."""

    photos: tuple[Path, ...]
    label: str | None


Edit: TypeAlias = AddClass | RenameClass | RemoveClass | AddPhotos | MovePhotos


@dataclass(frozen=True, slots=True)
class CustomClass:
    """A class of a custom dataset, and its photos."""

    label: str
    photos: tuple[Path, ...]


def is_custom(folder: Path) -> bool:
    """Whether a folder is a custom dataset."""
    return folder.parent == paths.custom_datasets()


def list_datasets() -> tuple[Path, ...]:
    """The custom datasets, most recently changed first."""
    with contextlib.suppress(OSError):
        found = [one for one in paths.custom_datasets().iterdir() if one.is_dir() and not one.name.startswith(".")]
        return tuple(sorted(found, key=lambda one: -one.stat().st_mtime))
    return ()


def list_classes(folder: Path) -> tuple[CustomClass, ...]:
    """The classes of a dataset in natural order, including empty ones."""
    labels = sorted(
        (one.name for one in folder.iterdir() if one.is_dir() and not one.name.startswith(".")), key=natural_sort_key
    )
    return tuple(CustomClass(label, tuple(_images([folder / label]))) for label in labels)


def create_dataset(name: str) -> Path:
    """Create a dataset without classes, with a number after its name if that is taken.

    Raises:
        UsageError: no character of the name can be used in a folder name.
        StorageError: it cannot be created.
    """
    folder = _free_path(paths.custom_datasets() / _folder_name(name))
    with storage_errors(folder):
        folder.mkdir(parents=True)
    return folder


def rename_dataset(folder: Path, name: str) -> Path:
    """Rename a dataset and return its new folder.

    Raises:
        UsageError: the name is taken, or no character of it can be used in a folder name.
        StorageError: it cannot be renamed.
    """
    target = folder.with_name(_folder_name(name))
    if target == folder:
        return folder
    if target.exists() and not target.samefile(folder):
        raise UsageError(tr("There is already a dataset “{name}”.", name=target.name), hint=tr("Choose another name."))
    with storage_errors(target):
        folder.rename(target)
    return target


def remove_stale_files(folder: Path) -> None:
    """Delete removed classes and photos for good; they cannot be restored afterwards."""
    shutil.rmtree(folder / _TRASH_PREFIX, ignore_errors=True)


def apply_edit(folder: Path, edit: Edit) -> FileMoves:
    """Apply an edit to a dataset.

    Returns:
        The moves made, for `undo`.

    Raises:
        UsageError: no character of a class name can be used in a folder name, or there are no photos to add.
        StorageError: files cannot be moved; partial changes were rolled back.
    """
    match edit:
        case AddClass(label):
            return _add_class(folder, _folder_name(label))
        case RenameClass(label, name):
            return _rename_class(folder, label, _folder_name(name))
        case RemoveClass(label):
            return _move([(folder / label, _trash_folder(folder) / label)])
        case AddPhotos(label, photos):
            return _add_photos(folder, _folder_name(label), _images(photos))
        case MovePhotos(photos, label):
            target = _trash_folder(folder) if label is None else folder / _folder_name(label)
            first = _add_class(folder, target.name) if label is not None else ()
            return (*first, *_move(_into(target, photos)))


def save_photo(folder: Path, label: str, data: bytes, taken_at: datetime) -> Path:
    """Write a JPEG into a class of a dataset, named by its time, and return the file.

    Raises:
        UsageError: no character of the class name can be used in a folder name.
        StorageError: it cannot be written.
    """
    file = _free_path(
        folder / _folder_name(label) / f"{taken_at:%Y-%m-%d %H.%M.%S}.{taken_at.microsecond // 1000:03}.jpg"
    )
    write_atomically(file, data)
    return file


def undo(moves: FileMoves) -> None:
    """Undo the moves of an edit.

    Raises:
        StorageError: a file or folder is missing.
    """
    _move([(target, source) for source, target in reversed(moves)])


def _add_class(folder: Path, label: str) -> FileMoves:
    if (folder / label).is_dir():
        return ()
    result = _trash_folder(folder) / label
    with storage_errors(result):
        result.mkdir()
    return _move([(result, folder / label)])


def _rename_class(folder: Path, label: str, name: str) -> FileMoves:
    source, target = folder / label, folder / name
    if label == name:
        return ()
    if not target.exists() or target.samefile(source):
        return _move([(source, target)])
    merged = _move(_into(target, _images([source])))
    return (*merged, *_move([(source, _trash_folder(folder) / label)]))


def _add_photos(folder: Path, label: str, photos: Sequence[Path]) -> FileMoves:
    if not photos:
        raise UsageError(tr("No photos found."), hint=tr("Drop image files, or folders with images."))
    existing = {_identity(one) for one in _images([folder / label])} if (folder / label).is_dir() else set()
    staging = _trash_folder(folder)
    with storage_errors(folder):
        new = [photo for photo in photos[:_MAX_PHOTOS] if _identity(photo) not in existing]
        linked = [_link_photo(photo, staging) for photo in new]
    return (*_add_class(folder, label), *_move(_into(folder / label, linked)))


def _identity(file: Path) -> tuple[int, int]:
    """Device and inode: equal for two names of the same file."""
    status = file.stat()
    return status.st_dev, status.st_ino


def _link_photo(photo: Path, folder: Path) -> Path:
    """Hard-link a photo into another folder under a free name, or copy it where that is impossible."""
    target = _free_path(folder / photo.name)
    try:
        os.link(photo, target)
    except OSError:
        shutil.copyfile(photo, target)
    return target


def _images(chosen: Iterable[Path]) -> list[Path]:
    return [one for one in find_images(tuple(chosen), recursive=True, on_error=lambda *_: None) if one.is_file()]


def _into(folder: Path, photos: Iterable[Path]) -> list[tuple[Path, Path]]:
    """Moves of photos into a folder, each to a free name."""
    taken: set[Path] = set()
    moves = []
    for photo in photos:
        target = _free_path(folder / photo.name, taken)
        taken.add(target)
        moves.append((photo, target))
    return moves


def _move(moves: Iterable[tuple[Path, Path]]) -> FileMoves:
    """Move everything, or roll back."""
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            with storage_errors(target):
                _refuse_to_replace(source, target)
                target.parent.mkdir(parents=True, exist_ok=True)
                source.rename(target)
            done.append((source, target))
    except StorageError:
        for source, target in reversed(done):
            with contextlib.suppress(OSError):
                target.rename(source)
        raise
    return tuple(done)


def _refuse_to_replace(source: Path, target: Path) -> None:
    if target.exists() and not target.samefile(source):
        raise FileExistsError(errno.EEXIST, tr("the name is already taken"))


def _trash_folder(folder: Path) -> Path:
    """Create a new hidden folder for removed files."""
    result = folder / _TRASH_PREFIX / secrets.token_hex(6)
    with storage_errors(result):
        result.mkdir(parents=True)
    return result


def _free_path(path: Path, taken: Iterable[Path] = ()) -> Path:
    """The path, with a number after its stem if it is taken."""
    result, number = path, 2
    while result.exists() or result in taken:
        result = path.with_stem(f"{path.stem} {number}")
        number += 1
    return result


def _folder_name(text: str) -> str:
    """Turn a label into a folder name that is valid on every system."""
    name = _FORBIDDEN.sub("-", normalize_label(text)).lstrip(". ").rstrip(". ")[:100].rstrip(". ")
    if not name:
        raise UsageError(tr("The name is empty or has no usable characters."), hint=tr("Enter another name."))
    return name
