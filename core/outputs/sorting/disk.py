"""What sorting asks the disk before it changes anything: what lies where, and which files hold the same."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final

from core.base.errors import StorageError, UsageError
from core.base.text import display_path
from core.images.listing import is_valid_path
from core.outputs.sorting.values import SortRequest, TransferMode

_RESERVED_BYTES: Final = 64 * 1024**2
"""Bytes that are left free on the destination's disk."""


class RealFileSystem:
    """The destination as it is now."""

    def __init__(self, destination: Path) -> None:
        self._destination = destination
        self._hashes: dict[Path, str] = {}

    def entries(self, folder: PurePath) -> Mapping[str, bool]:
        """As `core.outputs.sorting.names.FileSystem`."""
        try:
            with os.scandir(self._destination / folder) as found:
                return {entry.name: entry.is_dir(follow_symlinks=False) for entry in found}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _unreadable(self._destination / folder, error) from error

    def size(self, file: Path) -> int | None:
        """As `core.outputs.sorting.names.FileSystem`."""
        try:
            status = file.stat()
        except OSError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def same(self, one: Path, other: Path) -> bool:
        """As `core.outputs.sorting.names.FileSystem`; what cannot be read is like nothing else."""
        try:
            return one.samefile(other) or self._sha256(one) == self._sha256(other)
        except OSError:
            return False

    def _sha256(self, file: Path) -> str:
        if file not in self._hashes:
            self._hashes[file] = sha256(file)
        return self._hashes[file]


def sha256(file: Path) -> str:
    """The sum of a file's bytes, in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def resolve_request(request: SortRequest) -> SortRequest:
    """The same request, its folders as they really are, without links."""
    source, destination = (Path(os.path.realpath(folder)) for folder in (request.source, request.destination))
    return SortRequest(source, destination, request.by, request.threshold, request.flat)


def check_request(request: SortRequest) -> None:
    """Refuse what cannot work, before anything is done.

    Args:
        request: its folders are real ones, see `real`.

    Raises:
        UsageError: the source is no folder, the destination lies in it or is no folder, or links cannot lead from one
            to the other.
        StorageError: the destination may not be written to.
    """
    source, destination = request.source, request.destination
    if not os.path.isdir(source):  # noqa: PTH112 - Path.is_dir raises where the name is too long
        raise UsageError(
            f"There is no folder {_display_name(source)}.", hint="Name the folder whose photos are to be sorted."
        )
    if any(_is_same(folder, source) for folder in (destination, *destination.parents)):
        what = f"{_display_name(destination)} lies in the folder that is to be sorted."
        raise UsageError(what, hint="Name a folder outside it, so that sorted photos are not sorted again.")
    if not is_valid_path(destination):
        raise UsageError(f"No folder can be called {_display_name(destination)}.", hint="Choose a shorter name.")
    existing_parent = next((folder for folder in (destination, *destination.parents) if os.path.lexists(folder)), None)
    if existing_parent is None:
        raise UsageError(
            f"There is no disk for {_display_name(destination)}.", hint="Name a folder on a disk that is there."
        )
    if not existing_parent.is_dir():
        raise UsageError(f"{_display_name(existing_parent)} is a file.", hint="Name a folder, or one that can be made.")
    if not os.access(existing_parent, os.W_OK | os.X_OK):
        what = f"Nothing may be written to {_display_name(existing_parent)}: it is read-only, or another person's."
        raise StorageError(what, hint="Name another folder, or ask for the right to write there.")
    if request.by is TransferMode.HARDLINK and existing_parent.stat().st_dev != source.stat().st_dev:
        what = f"{_display_name(destination)} is on another disk: a hard link cannot lead there."
        raise UsageError(what, hint="Sort by copy or by symlink.")


def check_space(request: SortRequest, size: int) -> None:
    """Refuse to begin what the destination's disk cannot hold.

    Args:
        request: its folders are real ones.
        size: bytes of all photos that will be sorted.

    Raises:
        StorageError: there is too little room.
    """
    existing_parent = next(folder for folder in (request.destination, *request.destination.parents) if folder.is_dir())
    takes_room = request.by is TransferMode.COPY or (
        request.by is TransferMode.MOVE and existing_parent.stat().st_dev != request.source.stat().st_dev
    )
    free = shutil.disk_usage(existing_parent).free
    if takes_room and size + min(_RESERVED_BYTES, size) > free:
        what = (
            f"The photos have {size / 1e6:,.0f} MB, but {_display_name(existing_parent)} has room for "
            f"{free / 1e6:,.0f} MB."
        )
        raise StorageError(what, hint="Make room, name another disk, or sort by symlink. Nothing was done.")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return False


def _display_name(path: Path) -> str:
    return f"“{display_path(path)}”"


def _unreadable(folder: Path, error: OSError) -> StorageError:
    what = f"What is in {_display_name(folder)} cannot be told: {error.strerror or 'no reason given'}."
    return StorageError(what, hint="See that it is a folder that you may open, or name another destination.")
