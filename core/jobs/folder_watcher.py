"""Watching a folder for new files, and detecting when a file is complete."""

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
"""A file unchanged for this long counts as complete: copying programs and networks write more often."""
TIMEOUT_S: Final = 30.0
"""How long an empty or truncated file must stay unchanged before it counts as broken: transfers stall, and some
programs create an empty file first."""
_TEMPORARY: Final = (".part", ".partial", ".crdownload", ".tmp", "~", "_exiftool_tmp")
"""Endings of partial downloads and temporary files; hidden files are skipped anyway."""
_log = logging.getLogger(__name__)


class StabilityFilter:
    """Decides which files are complete. Not thread-safe.

    A file counts as complete when it has not changed for `STABLE_S`, by its timestamps or, as these cannot always be
    trusted (another computer's clock, programs that set them), by two observations. An empty or truncated file must
    stay unchanged for `TIMEOUT_S`.

    Attributes:
        wait_s: the seconds until the next file may be complete; infinite if no file is incomplete.
    """

    def __init__(
        self,
        folder: Path,
        *,
        stable_s: float = STABLE_S,
        timeout_s: float = TIMEOUT_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Create a filter without any observations.

        Args:
            folder: the watched folder.
            stable_s: how long a file must stay unchanged.
            timeout_s: how long an empty or truncated file must stay unchanged.
            now: the current time in seconds since 1970.
        """
        self._folder, self._stable_s, self._timeout_s, self._now = folder, stable_s, timeout_s, now
        self.wait_s = math.inf
        self._states: dict[bytes, tuple[int, int, float]] = {}
        self._existing = self._states

    def begin(self) -> None:
        """Begin a scan of the whole folder; files that it does not meet are forgotten."""
        self._existing, self._states = self._states, {}
        self.wait_s = math.inf

    def accepts(self, found: FoundFile) -> bool:
        """Whether a file is complete and may be read."""
        key = os.path.join(found.folder, found.name)  # noqa: PTH118 - bytes
        if key.lower().endswith(tuple(name.encode() for name in _TEMPORARY)):
            return False
        if found.size < 0:
            return True  # reading it reports what is wrong
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
        """The seconds for which a file, unchanged since a moment, must still stay unchanged."""
        unchanged_s = max(self._now() - since, self._age_s(found, file))
        if unchanged_s < self._stable_s:
            return self._stable_s - unchanged_s
        if unchanged_s < self._timeout_s and (not found.size or _is_truncated(file)):
            return self._timeout_s - unchanged_s
        return self._stable_s if _is_locked(file) else 0.0

    def _age_s(self, found: FoundFile, file: Path) -> float:
        """The seconds since the last change by the timestamps; Windows has none that records every change."""
        age = self._now() - found.mtime_ns / 1e9
        if sys.platform == "win32" or age < self._stable_s:
            return 0.0
        try:
            return min(age, self._now() - file.stat().st_ctime)
        except OSError:
            return math.inf  # reading it reports what is wrong


def _is_truncated(file: Path) -> bool:
    try:
        return is_truncated(file)
    except OSError:
        return False  # reading it reports what is wrong


def _is_locked(file: Path) -> bool:
    """Whether another program has locked the file; only Windows has such locks."""
    if sys.platform == "win32":
        try:
            file.open("rb").close()
        except OSError as error:
            return isinstance(error, PermissionError)
    return False


class FolderWatcher:
    """Reports changes in a folder, as far as the system does; network shares do not, so poll as well."""

    def __init__(self, folder: Path, *, recursive: bool) -> None:
        self._folder, self._recursive = folder, recursive
        self._changed = threading.Event()
        self._observer: BaseObserver | None = None

    def open(self) -> bool:
        """Start listening; return False if the system sends no events, so that only polling helps."""
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        changed = self._changed

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type not in ("opened", "closed_no_write"):  # which our own scan causes
                    changed.set()

        self.close()
        observer = Observer()
        try:
            observer.schedule(Handler(), str(self._folder), recursive=self._recursive)
            observer.start()
        except (OSError, RuntimeError) as error:  # such as: the limit of inotify watches is reached
            _log.info("no file system events, polling the folder instead: %s", error)
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
        """Wait for a change, for at most `seconds`, and return whether there was one."""
        happened = self._changed.wait(seconds)
        self._changed.clear()
        return happened
