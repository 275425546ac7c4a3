"""What arrives in a folder: being told of it, and knowing when a file has wholly arrived."""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.images.completeness import ends_early
from core.jobs.journal import Found

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

SETTLED_S: Final = 2.0
"""A file that did not change for so long is whole: programs that copy write more often, and networks send so."""
PATIENCE_S: Final = 30.0
"""How long a file that is empty or ends too early must not change before it counts as broken: downloads and uploads
stall, and some programs make an empty file first."""
_TEMPORARY: Final = (".part", ".partial", ".crdownload", ".tmp", "~", "_exiftool_tmp")
"""Names of what is still being written or is somebody's working copy; hidden ones are passed over anyway."""
_log = logging.getLogger(__name__)


class Settling:
    """Which files have wholly arrived. It belongs to one thread at a time.

    A file counts as whole when it has not changed for `SETTLED_S`, by its own times or, where those cannot be trusted
    (another computer's clock, programs that set them), by two looks at it. One that is empty or ends too early is
    waited for longer, for `PATIENCE_S`.

    Attributes:
        wait_s: after how many seconds the next file may count as whole; infinite where none is waited for.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settled_s: float = SETTLED_S,
        patience_s: float = PATIENCE_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is known of any file.

        Args:
            folder: the folder that is watched.
            settled_s: how long a file must not change.
            patience_s: how long one that is empty or ends too early must not change.
            now: seconds since 1970.
        """
        self._folder, self._settled_s, self._patience_s, self._now = folder, settled_s, patience_s, now
        self.wait_s = math.inf
        self._seen: dict[bytes, tuple[int, int, float]] = {}
        self._before = self._seen

    def begin(self) -> None:
        """Begin a look at everything; what is gone meanwhile is forgotten when it ends."""
        self._before, self._seen = self._seen, {}
        self.wait_s = math.inf

    def takes(self, found: Found) -> bool:
        """Whether a file is whole and may be read."""
        key = os.path.join(found.folder, found.name)  # noqa: PTH118 - bytes
        if key.lower().endswith(tuple(name.encode() for name in _TEMPORARY)):
            return False
        if found.size < 0:
            return True  # reading it tells what is wrong
        size, mtime_ns, since = self._before.get(key, (-1, -1, self._now()))
        if (size, mtime_ns) != (found.size, found.mtime_ns):
            since = self._now()
        wait_s = self._left_s(found, self._folder / os.fsdecode(key), since)
        if wait_s <= 0:
            return True
        self._seen[key] = (found.size, found.mtime_ns, since)
        self.wait_s = min(self.wait_s, wait_s)
        return False

    def _left_s(self, found: Found, file: Path, since: float) -> float:
        """For how many more seconds a file must not change, and has not changed since a moment."""
        unchanged_s = max(self._now() - since, self._age_s(found, file))
        if unchanged_s < self._settled_s:
            return self._settled_s - unchanged_s
        if unchanged_s < self._patience_s and (not found.size or _ends_early(file)):
            return self._patience_s - unchanged_s
        return self._settled_s if _is_held(file) else 0.0

    def _age_s(self, found: Found, file: Path) -> float:
        """For how many seconds it was left alone by its own times; Windows keeps none of every change."""
        age = self._now() - found.mtime_ns / 1e9
        if sys.platform == "win32" or age < self._settled_s:
            return 0.0
        try:
            return min(age, self._now() - file.stat().st_ctime)
        except OSError:
            return math.inf  # reading it tells what is wrong


def _ends_early(file: Path) -> bool:
    try:
        return ends_early(file)
    except OSError:
        return False  # reading it tells what is wrong


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
