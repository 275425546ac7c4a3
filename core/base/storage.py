"""Writing files so that a crash, a kill or a full disk never leaves half of one."""

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

from core.base.errors import StorageError
from core.base.leftovers import partial_file

_BUSY_ERRORS: Final = (5, 32, 33)  # WinError: access denied, sharing violation, lock violation
_REPLACE_RETRIES_S: Final = (0.01, 0.05, 0.2, 0.5, 1.0)


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path`: afterwards the file is either wholly the old or wholly the new one.

    A link stays a link, and what it points to is replaced; see `replacing` for permissions.

    Raises:
        StorageError: the folder or disk does not allow it; the old file is unharmed.
    """
    with storage_errors(path):
        path = Path(os.path.realpath(path))  # unlike Path.resolve it accepts a circle of links
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(data)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a stream whose content takes the place of a file once the block ends well; else that is as it was.

    What is written lies beside the file until then. The file keeps its permissions, a new one has those any new file
    gets. `path` must be no link; a link would be replaced itself.

    Raises:
        OSError: the folder or disk does not allow it, or `path` is a folder or a device.
    """
    _refuse_what_is_no_file(path)
    with partial_file(path) as (part, file):
        yield file
        file.flush()
        os.fsync(file.fileno())
        if os.name == "nt":
            file.close()  # an open file cannot be renamed there; elsewhere it is held until it bears its name
        if path.exists():
            shutil.copymode(path, part)
        replace(part, path)


@contextlib.contextmanager
def as_text(stream: BinaryIO) -> Iterator[TextIO]:
    """Write UTF-8 text into a stream of bytes, which stays open; line ends are written as given."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    try:
        yield text
        text.flush()
    finally:
        with contextlib.suppress(OSError, ValueError):  # told by flush, or the block failed already
            text.detach()


def keep_owner(status: os.stat_result, file: Path) -> None:
    """Give a file the owner and the group of another one, as far as that is allowed: to the administrator both, to
    others a group that they belong to. Permissions are to be set afterwards, as this may take some away.
    """
    if os.name == "nt":
        return
    for owner in (status.st_uid, -1):
        with contextlib.suppress(OSError):
            os.chown(file, owner, status.st_gid)
            return


def replace(source: Path, target: Path) -> None:
    """`os.replace` that waits out a virus scanner or indexer holding the file, then makes the folder durable."""
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
    """Tell a person what an OSError about `path` means."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageError(
            f"Could not write {path.name!r} in {str(path.parent)!r}: {reason}.",
            hint="Check free space and permissions of that folder, or choose another with FOVEA_HOME.",
        ) from error


@contextlib.contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Turn an OSError while `path` is read into words; it may pass, so the file is left as it is.

    Raises:
        StorageError: for every OSError.
    """
    try:
        yield
    except OSError as error:
        what = f"Could not read {path.name!r} in {str(path.parent)!r}: {error.strerror or type(error).__name__}."
        raise StorageError(what, hint="Check that file's permissions and its disk, then try again.") from error


def _refuse_what_is_no_file(path: Path) -> None:
    """Replacing /dev/null or a named pipe by a file would harm other programs."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "there is a folder or a device of that name")


def sync_folder(folder: Path) -> None:
    """Make a replaced name survive a power cut where the file system can; it is replaced already and whole."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
