"""Checks before sorting: existing files, identical files, free space and permissions."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Final

from core.base.errors import StorageError, UsageError, os_reason
from core.base.hashing import file_sha256
from core.base.i18n import tr
from core.base.text import display_path
from core.images.listing import is_valid_path
from core.outputs.sorting.values import SortRequest, TransferMode

_RESERVED_BYTES: Final = 64 * 1024**2
"""Bytes to leave free on the destination's disk."""


class RealFileSystem:
    """The file system of the destination."""

    def __init__(self, destination: Path) -> None:
        self._destination = destination
        self._hashes: dict[Path, str] = {}

    def entries(self, folder: PurePath) -> Mapping[str, bool]:
        """The names in a folder of the destination, each with whether it is a folder rather than a file or link; empty
        if the folder does not exist.
        """
        try:
            with os.scandir(self._destination / folder) as found:
                return {entry.name: entry.is_dir(follow_symlinks=False) for entry in found}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _unreadable(self._destination / folder, error) from error

    def size(self, file: Path) -> int | None:
        """The size of a file or link target in bytes; None if it does not exist."""
        try:
            status = file.stat()
        except OSError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def same(self, one: Path, other: Path) -> bool:
        """Whether two files of the same size are identical; unreadable files differ from all others."""
        try:
            return one.samefile(other) or self._sha256(one) == self._sha256(other)
        except OSError:
            return False

    def _sha256(self, file: Path) -> str:
        if file not in self._hashes:
            self._hashes[file] = file_sha256(file)
        return self._hashes[file]


def resolve_request(request: SortRequest) -> SortRequest:
    """The same request with links in its folders resolved."""
    source, destination = (Path(os.path.realpath(folder)) for folder in (request.source, request.destination))
    return replace(request, source=source, destination=destination)


def check_request(request: SortRequest) -> None:
    """Check a request, whose folders must be resolved (`resolve_request`), before anything is changed.

    Raises:
        UsageError: the source is not a folder, the destination is inside it or not a folder, or hard links between
            them are impossible.
        StorageError: the destination is not writable.
    """
    source, destination = request.source, request.destination
    if not os.path.isdir(source):  # noqa: PTH112 - Path.is_dir raises where the name is too long
        raise UsageError(
            tr("There is no folder “{folder}”.", folder=display_path(source)),
            hint=tr("Choose the folder with the photos to sort."),
        )
    if any(_is_same(folder, source) for folder in (destination, *destination.parents)):
        what = tr("The destination “{folder}” is inside the folder to sort.", folder=display_path(destination))
        raise UsageError(what, hint=tr("Choose a folder outside it, so that sorted photos are not sorted again."))
    parent = _existing_parent(destination)
    if request.by is TransferMode.HARDLINK and parent.stat().st_dev != source.stat().st_dev:
        what = tr("Hard links are impossible: “{folder}” is on another disk.", folder=display_path(destination))
        raise UsageError(what, hint=tr("Use copies or symbolic links."))


def _existing_parent(destination: Path) -> Path:
    """The destination, or the nearest parent that exists, in which it can be created."""
    if not is_valid_path(destination):
        what = tr("Invalid folder path: “{folder}”.", folder=display_path(destination))
        raise UsageError(what, hint=tr("Choose a shorter name."))
    existing_parent = next((folder for folder in (destination, *destination.parents) if os.path.lexists(folder)), None)
    if existing_parent is None:
        raise UsageError(
            tr("The drive of “{folder}” is not available.", folder=display_path(destination)),
            hint=tr("Connect the drive, or choose another folder."),
        )
    if not existing_parent.is_dir():
        what = tr("“{file}” is a file, not a folder.", file=display_path(existing_parent))
        raise UsageError(what, hint=tr("Choose another folder."))
    if not os.access(existing_parent, os.W_OK | os.X_OK):
        what = tr("You don't have permission to write to “{folder}”.", folder=display_path(existing_parent))
        raise StorageError(what, hint=tr("Choose another folder, or change its permissions."))
    return existing_parent


def check_space(request: SortRequest, size: int) -> None:
    """Check the free space on the destination's disk for photos of `size` bytes; folders must be resolved.

    Raises StorageError if there is too little space.
    """
    existing_parent = next(folder for folder in (request.destination, *request.destination.parents) if folder.is_dir())
    takes_space = request.by is TransferMode.COPY or (
        request.by is TransferMode.MOVE and existing_parent.stat().st_dev != request.source.stat().st_dev
    )
    free = shutil.disk_usage(existing_parent).free
    if takes_space and size + min(_RESERVED_BYTES, size) > free:
        what = tr(
            "Not enough space in “{folder}”: {needed:,.0f} MB needed, {free:,.0f} MB free. Nothing was changed.",
            folder=display_path(existing_parent),
            needed=size / 1e6,
            free=free / 1e6,
        )
        raise StorageError(what, hint=tr("Free up space, choose another disk, or use symbolic links."))


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them does not exist
        return False


def _unreadable(folder: Path, error: OSError) -> StorageError:
    reason = os_reason(error)
    what = tr("Couldn't read the folder “{folder}”: {reason}.", folder=display_path(folder), reason=reason)
    return StorageError(what, hint=tr("Check that you have permission to open it, or choose another destination."))
