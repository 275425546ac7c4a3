"""Atomic file writes: a crash, a kill or a full disk never leaves a partial file."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from core.base import paths
from core.base.errors import StorageError, os_reason
from core.base.i18n import tr
from core.base.leftovers import partial_file

_BUSY_ERRORS: Final = (5, 32, 33)  # WinError: access denied, sharing violation, lock violation
_REPLACE_RETRIES_S: Final = (0.01, 0.05, 0.2, 0.5, 1.0)


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically: afterwards the file is either the old or the complete new one.

    If `path` is a symbolic link, its target is replaced; see `replacing` for permissions.

    Raises:
        StorageError: the folder or disk does not allow it; the old file is unchanged.
    """
    with storage_errors(path):
        path = Path(os.path.realpath(path))  # unlike Path.resolve it accepts circular links
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(data)


def check_writable(path: Path) -> None:
    """Check that a file that the user names can be written, before the work that results in it.

    Raises:
        StorageError: its folder is missing or does not allow it, or `path` is a folder.
    """
    with storage_errors(path):
        path = Path(os.path.realpath(path))
        folder = path.parent
        reasons = {
            errno.EISDIR: path.is_dir(),
            errno.ENOENT: not folder.exists(),
            errno.ENOTDIR: not folder.is_dir(),
            errno.EACCES: not os.access(folder, os.W_OK | os.X_OK),
        }
        for code in (code for code, applies in reasons.items() if applies):
            raise OSError(code, os.strerror(code))


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a stream whose content replaces a file once the block ends without an error; otherwise it is unchanged.

    The content is written to a file next to it first. An existing file keeps its permissions, a new one gets the
    default ones. `path` must not be a link; a link itself would be replaced. Raises OSError if the folder or disk does
    not allow it, or `path` is a folder or a device.
    """
    if path.exists() and not path.is_file():  # a folder, or a device such as /dev/null, which other programs need
        raise OSError(errno.EINVAL, tr("a folder or device with this name exists"))
    with partial_file(path) as (part, file):
        yield file
        file.flush()
        os.fsync(file.fileno())
        if os.name == "nt":
            file.close()  # an open file cannot be renamed there; elsewhere it stays locked until it is renamed
        if path.exists():
            shutil.copymode(path, part)
        replace(part, path)


@contextlib.contextmanager
def as_text(stream: BinaryIO) -> Iterator[TextIO]:
    """Write UTF-8 text to a binary stream, which stays open; line endings are written as given."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    try:
        yield text
        text.flush()
    finally:
        with contextlib.suppress(OSError, ValueError):  # flush reported it, or the block failed already
            text.detach()


def keep_owner(status: os.stat_result, file: Path) -> None:
    """Give a file the owner and group of another, as far as allowed: administrators can set both, other users a
    group that they belong to. Set permissions afterwards, because this may remove some.
    """
    if os.name == "nt":
        return
    for owner in (status.st_uid, -1):
        with contextlib.suppress(OSError):
            os.chown(file, owner, status.st_gid)
            return


def replace(source: Path, target: Path) -> None:
    """Replace a file, retrying while a virus scanner or indexer holds it, then sync the folder."""
    for pause in _REPLACE_RETRIES_S:
        try:
            source.replace(target)
            break
        except PermissionError as error:
            if getattr(error, "winerror", None) not in _BUSY_ERRORS:
                raise
            time.sleep(pause)
    else:
        source.replace(target)
    sync_folder(target.parent)


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Raise a StorageError for an OSError while `path` is written."""
    try:
        yield
    except OSError as error:
        details = _details(path, error) | {"reason": writing_reason(path, error)}
        what = tr("Couldn't write {file!r} in {folder!r}: {reason}.", **details)
        raise StorageError(what, hint=_writing_hint(path)) from error


def writing_reason(path: Path, error: OSError) -> str:
    """Why a file could not be written: in the system's words, unless its folder is missing."""
    if isinstance(error, FileNotFoundError) and not path.parent.exists():
        return tr("there is no folder {folder!r}", folder=str(path.parent))
    return os_reason(error)


def _writing_hint(path: Path) -> str:
    """What to do about a file that can't be written: only Fovea's own files move with FOVEA_HOME."""
    if paths.is_own(path):
        return tr("Check the free space and permissions of the folder, or set FOVEA_HOME to another folder.")
    return tr("Choose a file in a folder you can write to, on a disk with free space.")


@contextlib.contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Raise a StorageError for an OSError while `path` is read; it may be temporary, so the file is not set aside."""
    try:
        yield
    except OSError as error:
        what = tr("Couldn't read {file!r} in {folder!r}: {reason}.", **_details(path, error))
        raise StorageError(what, hint=tr("Check the file's permissions and its disk, then try again.")) from error


def is_there(file: Path) -> bool:
    """Whether there is a file of this name, which may be too long for one.

    Raises StorageError if its folder cannot be read.
    """
    with reading_errors(file):
        try:
            return file.is_file()
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return False
            raise


def _details(path: Path, error: OSError) -> dict[str, str]:
    return {"file": path.name, "folder": str(path.parent), "reason": os_reason(error)}


def sync_folder(folder: Path) -> None:
    """Make a rename durable against power loss, where the file system supports it."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
