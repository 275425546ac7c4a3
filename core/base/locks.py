"""File locks that are released when the process ends, however it ends, so that none is left behind."""

from __future__ import annotations

import sys
from typing import BinaryIO, Final

if sys.platform == "win32":
    import msvcrt

    _BEYOND: Final = 1 << 30
    """On Windows a locked range cannot be read or written by others, so a byte far beyond the end is locked."""

    def try_lock(file: BinaryIO) -> bool:
        """Lock an open file until it is closed or this process ends; return False if it is already locked.

        Raises OSError if the file system does not support locks.
        """
        file.seek(_BEYOND)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        finally:
            file.seek(0)
        return True
else:
    import fcntl

    def try_lock(file: BinaryIO) -> bool:
        """Lock an open file until it is closed or this process ends; return False if it is already locked.

        Raises OSError if the file system does not support locks.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
