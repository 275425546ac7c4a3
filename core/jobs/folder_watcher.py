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

from core.images.completeness import is_truncated
from core.jobs.journal import FoundFile

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

STABLE_S: Final = 2.0
"""A file that did not change for so long is whole: programs that copy write more often, and networks send so."""
TIMEOUT_S: Final = 30.0
"""How long a file that is empty or ends too early must not change before it counts as broken: downloads and uploads
stall, and some programs make an empty file first."""
_TEMPORARY: Final = (".part", ".partial", ".crdownload", ".tmp", "~", "_exiftool_tmp")
"""Names of what is still being written or is somebody's working copy; hidden ones are passed over anyway."""
_log = logging.getLogger(__name__)


class StabilityFilter:
    """Which files have wholly arrived. It belongs to one thread at a time.

    A file counts as whole when it has not changed for `STABLE_S`, by its own times or, where those cannot be trusted
    (another computer's clock, programs that set them), by two looks at it. One that is empty or ends too early is
    waited for longer, for `TIMEOUT_S`.

    Attributes:
        wait_s: after how many seconds the next file may count as whole; infinite where none is waited for.
    """

    def __init__(
        self,
        folder: Path,
        *,
        stable_s: float = STABLE_S,
        timeout_s: float = TIMEOUT_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is known of any file.

        Args:
            folder: the folder that is watched.
            stable_s: how long a file must not change.
            timeout_s: how long one that is empty or ends too early must not change.
            now: seconds since 1970.
        """
        self._folder, self._stable_s, self._timeout_s, self._now = folder, stable_s, timeout_s, now
        self.wait_s = math.inf
        self._states: dict[bytes, tuple[int, int, float]] = {}
        self._existing = self._states

    def begin(self) -> None:
        """Begin a look at everything; what is gone meanwhile is forgotten when it ends."""
        self._existing, self._states = self._states, {}
        self.wait_s = math.inf

    def accepts(self, found: FoundFile) -> bool:
        """Whether a file is whole and may be read."""
        key = os.path.join(found.folder, found.name)  # noqa: PTH118 - bytes
        if key.lower().endswith(tuple(name.encode() for name in _TEMPORARY)):
            return False
        if found.size < 0:
            return True  # reading it tells what is wrong
        size, mtime_ns, since = self._existing.get(key, (-1, -1, self._now()))
        if (size, mtime_ns) != (found.size, found.mtime_ns):
            since = self._now()
        wait_s = self._remaining_s(found, self._folder / os.fsdecode(key), since)
        if wait_s <= 0:
            return True
        self._states[key] = (found.size, found.mtime_ns, since)
        self.wait_s = min(self.wait_s, wait_s)
        return False

    def _remaining_s(self, found: FoundFile, file: Path, since: float) -> float:
        """For how many more seconds a file must not change, and has not changed since a moment."""
        unchanged_s = max(self._now() - since, self._age_s(found, file))
        if unchanged_s < self._stable_s:
            return self._stable_s - unchanged_s
        if unchanged_s < self._timeout_s and (not found.size or _is_truncated(file)):
            return self._timeout_s - unchanged_s
        return self._stable_s if _is_locked(file) else 0.0

    def _age_s(self, found: FoundFile, file: Path) -> float:
        """For how many seconds it was left alone by its own times; Windows keeps none of every change."""
        age = self._now() - found.mtime_ns / 1e9
        if sys.platform == "win32" or age < self._stable_s:
            return 0.0
        try:
            return min(age, self._now() - file.stat().st_ctime)
        except OSError:
            return math.inf  # reading it tells what is wrong


def _is_truncated(file: Path) -> bool:
    try:
        return is_truncated(file)
    except OSError:
        return False  # reading it tells what is wrong


def _is_locked(file: Path) -> bool:
    """Whether another program lets nobody read it; only Windows knows that."""
    if sys.platform == "win32":
        try:
            file.open("rb").close()
        except OSError as error:
            return isinstance(error, PermissionError)
    return False


class FolderWatcher:
    """Tells that something happened in a folder, as far as the system does; network shares do not, so look at times."""

    def __init__(self, folder: Path, *, recursive: bool) -> None:
        self._folder, self._recursive = folder, recursive
        self._changed = threading.Event()
        self._observer: BaseObserver | None = None

    def open(self) -> bool:
        """Begin to listen; False where the system does not tell, so that only looking helps."""
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        happened = self._changed

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
        happened = self._changed.wait(seconds)
        self._changed.clear()
        return happened
