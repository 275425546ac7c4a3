"""Sets of photos that a person puts together in the window: ordinary folders with a subfolder for each class.

They lie among what is the person's. A photo is linked into its class where the disk allows that, else copied; where it
came from it stays as it is. Whatever is done to a set is done by moving files and folders, and what is taken out lies
in a hidden folder until the set is tidied: so each change can be undone by moving back.
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
from pathlib import Path
from typing import Final, TypeAlias

from core.base import paths
from core.base.errors import StorageError, UsageError
from core.base.storage import storage_errors
from core.base.text import natural_sort_key
from core.datasets.class_labels import normalize_label
from core.images.listing import find_images

_TRASH_PREFIX: Final = ".taken-out"
_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
"""What no system allows in the name of a folder."""
_MAX_PHOTOS: Final = 100_000

FileMoves: TypeAlias = tuple[tuple[Path, Path], ...]
"""From where to where, in order."""


@dataclass(frozen=True, slots=True)
class AddClass:
    """Make a class without photos."""

    label: str


@dataclass(frozen=True, slots=True)
class RenameClass:
    """Call a class otherwise; where the other is there, both become one."""

    label: str
    name: str


@dataclass(frozen=True, slots=True)
class RemoveClass:
    """Take a class out, with its photos."""

    label: str


@dataclass(frozen=True, slots=True)
class AddPhotos:
    """Put photos into a class, which is made where it is not there; folders give the photos in them."""

    label: str
    photos: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class MovePhotos:
    """Put photos of the set into another of its classes; None: take them out."""

    photos: tuple[Path, ...]
    label: str | None


Edit: TypeAlias = AddClass | RenameClass | RemoveClass | AddPhotos | MovePhotos


@dataclass(frozen=True, slots=True)
class CustomClass:
    """A class of a set, and its photos."""

    label: str
    photos: tuple[Path, ...]


def is_custom(folder: Path) -> bool:
    """Whether a folder is a set that was put together here."""
    return folder.parent == paths.custom_datasets()


def list_datasets() -> tuple[Path, ...]:
    """The sets there are, the one that was changed last first."""
    with contextlib.suppress(OSError):
        found = [one for one in paths.custom_datasets().iterdir() if one.is_dir() and not one.name.startswith(".")]
        return tuple(sorted(found, key=lambda one: -one.stat().st_mtime))
    return ()


def list_classes(folder: Path) -> tuple[CustomClass, ...]:
    """The classes of a set in natural order, those without photos too."""
    labels = sorted(
        (one.name for one in folder.iterdir() if one.is_dir() and not one.name.startswith(".")), key=natural_sort_key
    )
    return tuple(CustomClass(label, tuple(_images([folder / label]))) for label in labels)


def create_dataset(name: str) -> Path:
    """Make a set without classes; where the name is taken, it gets a number.

    Raises:
        UsageError: nothing of the name can be the name of a folder.
        StorageError: it cannot be made.
    """
    folder = _free_path(paths.custom_datasets() / _folder_name(name))
    with storage_errors(folder):
        folder.mkdir(parents=True)
    return folder


def rename_dataset(folder: Path, name: str) -> Path:
    """Call a set otherwise; where it lies now.

    Raises:
        UsageError: there is a set of that name, or nothing of it can be the name of a folder.
        StorageError: it cannot be renamed.
    """
    target = folder.with_name(_folder_name(name))
    if target == folder:
        return folder
    if target.exists() and not target.samefile(folder):
        raise UsageError(f"There is a set called “{target.name}”.", hint="Choose another name.")
    with storage_errors(target):
        folder.rename(target)
    return target


def remove_stale_files(folder: Path) -> None:
    """Forget what was taken out; it cannot be brought back any more."""
    shutil.rmtree(folder / _TRASH_PREFIX, ignore_errors=True)


def apply_edit(folder: Path, edit: Edit) -> FileMoves:
    """Change a set.

    Returns:
        What was moved; `undo` takes it.

    Raises:
        UsageError: nothing of a class's name can be the name of a folder, or there is nothing to add.
        StorageError: the disk does not allow it; what was done of it is undone.
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


def undo(moves: FileMoves) -> None:
    """Move everything back.

    Raises:
        StorageError: something is not there any more.
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
        raise UsageError("There are no photos among what was dropped.", hint="Drop image files, or folders with some.")
    there = {_identity(one) for one in _images([folder / label])} if (folder / label).is_dir() else set()
    aside = _trash_folder(folder)
    with storage_errors(folder):
        new = [photo for photo in photos[:_MAX_PHOTOS] if _identity(photo) not in there]
        linked = [_link_photo(photo, aside) for photo in new]
    return (*_add_class(folder, label), *_move(_into(folder / label, linked)))


def _identity(file: Path) -> tuple[int, int]:
    """The same for two names of one file."""
    status = file.stat()
    return status.st_dev, status.st_ino


def _link_photo(photo: Path, place: Path) -> Path:
    """The photo under a name of its own in another folder: the same file where that is possible, else a copy."""
    target = _free_path(place / photo.name)
    try:
        os.link(photo, target)
    except OSError:
        shutil.copyfile(photo, target)
    return target


def _images(chosen: Iterable[Path]) -> list[Path]:
    return [one for one in find_images(tuple(chosen), recursive=True, on_error=lambda *_: None) if one.is_file()]


def _into(folder: Path, photos: Iterable[Path]) -> list[tuple[Path, Path]]:
    """Moves of photos into a folder, each under a name that is free there."""
    taken: set[Path] = set()
    moves = []
    for photo in photos:
        target = _free_path(folder / photo.name, taken)
        taken.add(target)
        moves.append((photo, target))
    return moves


def _move(moves: Iterable[tuple[Path, Path]]) -> FileMoves:
    """Move all or nothing."""
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
        raise FileExistsError(errno.EEXIST, "there is something of that name already")


def _trash_folder(folder: Path) -> Path:
    """A new place for what is taken out of a set."""
    place = folder / _TRASH_PREFIX / secrets.token_hex(6)
    with storage_errors(place):
        place.mkdir(parents=True)
    return place


def _free_path(path: Path, taken: Iterable[Path] = ()) -> Path:
    """The path, with a number where there is something of that name."""
    result, number = path, 2
    while result.exists() or result in taken:
        result = path.with_stem(f"{path.stem} {number}")
        number += 1
    return result


def _folder_name(text: str) -> str:
    """A label as the name of a folder on any system."""
    name = _FORBIDDEN.sub("-", normalize_label(text)).lstrip(". ").rstrip(". ")[:100].rstrip(". ")
    if not name:
        raise UsageError("A class or a set needs a name.", hint="Type one.")
    return name
