"""Lock files: what one process at a time may do."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from core.base.errors import FoveaError
from core.base.locks import try_lock
from core.base.salvage import set_aside
from core.base.storage import storage_errors

_POLL_S: Final = 0.02


@contextlib.contextmanager
def locked(file: Path, taken: Callable[[], FoveaError], *, patience_s: float = 0.0) -> Iterator[None]:
    """Hold a lock file, created with its folder if needed, until the block ends, or this process, in any way.

    Waits `patience_s` seconds for another process that holds it, then raises the error that `taken` makes. Raises
    StorageError if the folder or its disk does not allow it.
    """
    with contextlib.ExitStack() as stack:
        with storage_errors(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.is_dir():
                set_aside(file)
            opened, end = stack.enter_context(file.open("ab")), time.monotonic() + patience_s
            while not try_lock(opened):
                if time.monotonic() >= end:
                    raise taken()
                time.sleep(_POLL_S)
        yield


def is_locked(file: Path) -> bool:
    """Whether a process holds a lock file. The check holds it for an instant, for which `locked` must be patient."""
    try:
        with file.open("r+b") as opened:
            return not try_lock(opened)
    except OSError:
        return False
