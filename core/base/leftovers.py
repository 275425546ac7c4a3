"""Temporary files and folders: removed at the end, or by a later run if the process was killed.

The process that uses one holds a lock on it, which the system releases when the process ends. So what is not locked is
abandoned.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from core.base.locks import try_lock

_PARTIAL_SUFFIX: Final = re.compile(r"\.fovea-[0-9a-f]{16}\.part")
_PREFIX: Final = "fovea-"
_OWNER: Final = ".fovea-owner"
"""A file in each temporary folder, locked by its owner."""
_CREATION_GRACE_S: Final = 60.0
"""Minimum age of an abandoned empty file: one that was just created may not be locked yet."""

_own_files: set[Path] = set()
_cleaned: set[Path] = set()


@contextlib.contextmanager
def partial_file(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Create a file next to another, to be written and then renamed; it is always removed afterwards.

    Abandoned partial files in the same folder are removed first. Raises OSError if the folder or disk does not allow
    it.
    """
    remove_stale_partials(path.parent)
    part = path.with_name(f".fovea-{secrets.token_hex(8)}.part")
    with _owned(part):
        try:
            with part.open("xb") as file:
                _claim(file)
                yield part, file
        finally:
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def temporary_folder(kind: str) -> Iterator[Path]:
    """Create a folder in the system's temporary folder, with `kind` in its name; it is removed afterwards.

    Raises OSError if it cannot be created.
    """
    remove_stale_folders(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{kind}-"))
    with _owned(folder):
        try:
            with (folder / f"{_OWNER}.new").open("xb") as file:
                _claim(file)
                (folder / f"{_OWNER}.new").rename(folder / _OWNER)
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_stale_partials(folder: Path) -> None:
    """Remove abandoned partial files in a folder; done once per folder and process."""
    if folder in _cleaned:
        return
    _cleaned.add(folder)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for path in [Path(entry.path) for entry in entries if _PARTIAL_SUFFIX.fullmatch(entry.name)]:
            if _is_abandoned(path):
                _remove(path)


def remove_stale_folders(place: Path) -> None:
    """Remove Fovea's abandoned temporary folders in a folder; done once per folder and process."""
    if place in _cleaned:
        return
    _cleaned.add(place)
    with contextlib.suppress(OSError), os.scandir(place) as entries:
        for path in [Path(entry.path) for entry in entries if entry.name.startswith(_PREFIX)]:
            if _is_own(path) and (path / _OWNER).is_file() and _is_abandoned(path / _OWNER, may_be_empty=True):
                _remove(path)


def remove_own_files() -> None:
    """Remove this process's temporary files; for a process that ends without unwinding."""
    for path in tuple(_own_files):
        _remove(path)


@contextlib.contextmanager
def _owned(path: Path) -> Iterator[None]:
    _own_files.add(path)
    try:
        yield
    finally:
        _own_files.discard(path)


def _claim(file: BinaryIO) -> None:
    with contextlib.suppress(OSError):  # files cannot be locked everywhere
        try_lock(file)


def _is_own(folder: Path) -> bool:
    status = folder.lstat()
    return not folder.is_symlink() and (os.name == "nt" or status.st_uid == os.getuid())


def _is_abandoned(path: Path, *, may_be_empty: bool = False) -> bool:
    with contextlib.suppress(OSError), path.open("rb") as file:
        status = os.fstat(file.fileno())
        is_begun = may_be_empty or status.st_size or time.time() - status.st_mtime > _CREATION_GRACE_S
        return bool(is_begun) and try_lock(file)
    return False


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink() if not path.is_dir() else shutil.rmtree(path, ignore_errors=True)
