"""What arrives in a folder: being told of it, and knowing when a file has wholly arrived."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.batch.journal import Found

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

SETTLED_S: Final = 2.0
"""A file that did not change for so long is whole: programs that copy write more often, and networks send so."""
_TEMPORARY: Final = (".part", ".partial", ".crdownload", ".tmp", "~", "_exiftool_tmp")
"""Names of what is still being written or is somebody's working copy; hidden ones are passed over anyway."""
_log = logging.getLogger(__name__)


class Settling:
    """Which files have wholly arrived. It belongs to one thread at a time.

    A file counts as whole when it has not changed for `SETTLED_S`, by its own times or, where those cannot be trusted
    (another computer's clock, programs that set them), by two looks at it.
    """

    def __init__(self, folder: Path, *, settled_s: float = SETTLED_S, now: Callable[[], float] = time.time) -> None:
        """Nothing is known of any file.

        Args:
            folder: the folder that is watched.
            settled_s: how long a file must not change.
            now: seconds since 1970.
        """
        self._folder, self._settled_s, self._now = folder, settled_s, now
        self._seen: dict[bytes, tuple[int, int, float]] = {}
        self._before = self._seen

    def begin(self) -> None:
        """Begin a look at everything; what is gone meanwhile is forgotten when it ends."""
        self._before, self._seen = self._seen, {}

    def takes(self, found: Found) -> bool:
        """Whether a file is whole and may be read."""
        key = os.path.join(found.folder, found.name)  # noqa: PTH118 - bytes
        if key.lower().endswith(tuple(name.encode() for name in _TEMPORARY)):
            return False
        if found.size < 0 or self._is_old(found, key):
            return True
        size, mtime_ns, since = self._before.get(key, (-1, -1, self._now()))
        if (size, mtime_ns) != (found.size, found.mtime_ns):
            since = self._now()
        if self._now() - since >= self._settled_s and not _is_held(self._folder / os.fsdecode(key)):
            return True
        self._seen[key] = (found.size, found.mtime_ns, since)
        return False

    @property
    def waits(self) -> bool:
        """Whether files were seen that are not whole yet."""
        return bool(self._seen)

    def _is_old(self, found: Found, key: bytes) -> bool:
        """Whether its times say that it was left alone for long enough; Windows keeps none of every change."""
        if sys.platform == "win32" or self._now() - found.mtime_ns / 1e9 < self._settled_s:
            return False
        try:
            changed = (self._folder / os.fsdecode(key)).stat().st_ctime
        except OSError:
            return True  # reading it tells what is wrong
        return self._now() - changed >= self._settled_s


def _is_held(file: Path) -> bool:
    """Whether another program lets nobody read it; only Windows knows that."""
    if sys.platform == "win32":
        try:
            file.open("rb").close()
        except OSError as error:
            return isinstance(error, PermissionError)
    return False


class Arrivals:
    """Tells that something happened in a folder, as far as the system does; network shares do not, so look at times."""

    def __init__(self, folder: Path, *, recursive: bool) -> None:
        self._folder, self._recursive = folder, recursive
        self._happened = threading.Event()
        self._observer: BaseObserver | None = None

    def open(self) -> bool:
        """Begin to listen; False where the system does not tell, so that only looking helps."""
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        happened = self._happened

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type not in ("opened", "closed_no_write"):  # which our own looking causes
                    happened.set()

        self.close()
        observer = Observer()
        try:
            observer.schedule(Handler(), str(self._folder), recursive=self._recursive)
            observer.start()
        except (OSError, RuntimeError) as error:  # such as: the limit of inotify watches is reached
            _log.info("the folder is looked at from time to time: %s", error)
            return False
        self._observer = observer
        return True

    def close(self) -> None:
        """Stop listening."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def wait(self, seconds: float) -> bool:
        """Wait until something happened, at most so long; whether it did."""
        happened = self._happened.wait(seconds)
        self._happened.clear()
        return happened
