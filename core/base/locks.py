"""A file that a process holds: the hold ends with the process, however that ends, so nothing stale is left behind."""

from __future__ import annotations

import sys
from typing import BinaryIO, Final

if sys.platform == "win32":
    import msvcrt

    _BEYOND: Final = 1 << 30
    """Windows keeps others from reading and writing what is locked, so a byte is locked where none will ever be."""

    def try_lock(file: BinaryIO) -> bool:
        """Hold an open file until it is closed or this process ends; False where it is held already.

        Raises:
            OSError: files cannot be locked there.
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
        """Hold an open file until it is closed or this process ends; False where it is held already.

        Raises:
            OSError: files cannot be locked there.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
