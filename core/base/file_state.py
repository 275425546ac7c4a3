"""The state of a file, to find out whether it has changed."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_STABLE_NS: Final = 2_000_000_000
"""The resolution of file times on FAT, the coarsest."""


@dataclass(frozen=True, slots=True)
class FileState:
    """File metadata that changes when the file is written.

    Attributes:
        size: in bytes.
        mtime_ns: when its content changed, in nanoseconds since 1970; programs may set it.
        ctime_ns: when its content or metadata changed; on Windows, when it was created.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileState | None:
        """The state of a file; None where there is none."""
        try:
            status = path.stat()
        except (OSError, ValueError):  # ValueError: a zero byte in the path
            return None
        is_file = stat.S_ISREG(status.st_mode)
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino) if is_file else None

    def is_stable(self, at_ns: int) -> bool:
        """Whether any change after that moment, in nanoseconds since 1970, will change the state."""
        return max(self.mtime_ns, self.ctime_ns) + _STABLE_NS < at_ns
