"""A check that Fovea's folders can be read and written, before anything is computed."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from core.base import paths
from core.base.errors import StorageError, os_reason
from core.base.i18n import mark, tr


def check_home(*, writes: bool) -> None:
    """Check that Fovea's folders can be read, and written to if `writes`; then missing ones are created.

    Raises StorageError if a folder cannot be read or written to.
    """
    hint = tr("Check the folder's permissions and its disk, or set FOVEA_HOME to another folder.")
    for folder in dict.fromkeys((paths.settings_file().parent, paths.user_models().parent, paths.cache_folder())):
        what = mark("Couldn't read Fovea's folder {folder!r}: {reason}.")
        try:
            _try_to_read(folder)
            what = mark("Couldn't write to Fovea's folder {folder!r}: {reason}.")
            if writes:
                _try_to_write(folder)
        except OSError as error:
            raise StorageError(tr(what, folder=str(folder), reason=os_reason(error)), hint=hint) from error


def _try_to_read(folder: Path) -> None:
    try:
        with os.scandir(folder) as entries:
            next(entries, None)
    except FileNotFoundError:
        return
    if not os.access(folder, os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _try_to_write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0")
