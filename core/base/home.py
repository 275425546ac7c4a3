"""Whether what is the person's can be read and written, found out before anything is computed."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Final

from core.base import paths
from core.base.errors import StorageError

_HINT: Final = "Check the permissions of that folder and its disk, or choose another with FOVEA_HOME."


def check_home(*, writes: bool) -> None:
    """See that Fovea's folders can be used; those that are missing are made where they are written to.

    Args:
        writes: whether they are to be written to; else they are only read.

    Raises:
        StorageError: one cannot be read, or written to.
    """
    for folder in dict.fromkeys((paths.settings_file().parent, paths.user_models().parent, paths.cache_folder())):
        what = "read"
        try:
            _try_to_read(folder)
            what = "written to"
            if writes:
                _try_to_write(folder)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StorageError(f"Fovea's folder {str(folder)!r} cannot be {what}: {reason}.", hint=_HINT) from error


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
