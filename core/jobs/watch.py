"""Watching a folder: the folder's job classifies new images, and every result is delivered.

Each burst of new files is one run of the job, so the journal alone determines what is new: after a restart, or if the
system sent no events (network shares), the next scan finds what was missed. The position of deliveries is stored next
to the journal. After a kill between a delivery and storing its position, rows are delivered again, never left out.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias

from core.base.errors import FoveaError, StorageError, UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.base.storage import write_atomically
from core.base.text import display_path
from core.jobs.folder_watcher import STABLE_S, FolderWatcher, StabilityFilter
from core.jobs.job import Job
from core.jobs.journal import job_folder, job_id
from core.jobs.pipeline import LazyClassifier
from core.jobs.queries import ResultStore
from core.jobs.values import JobRequest, Row
from core.jobs.walk import check_folder

STATE_FILE: Final = "watch.json"
_BATCH_SIZE: Final = 32
"""Rows delivered together: one call of exiftool, one sorting."""
_SCAN_S: Final = 30.0
"""Interval of scans without any file system event."""
_POLL_ONLY_S: Final = 5.0
"""Interval of scans if the system sends no events."""
_BUSY_S: Final = 5.0
"""Interval of attempts to lock the job while another program runs it."""
_TICK_S: Final = 0.2
"""How soon a cancellation takes effect."""


class WatchPhase(StrEnum):
    """The phase of a watch."""

    WAITING = "waiting"
    """Waiting for new files."""
    CLASSIFYING = "classifying"
    FOLDER_MISSING = "away"
    """The folder or its disk is missing; watching continues once it is back."""
    BUSY = "busy"
    """Another program is classifying this folder."""


@dataclass(frozen=True, slots=True)
class WatchState:
    """The state of a watch.

    Attributes:
        phase: its phase.
        delivered: the number of rows delivered since it started.
        failed: the number of failures among these.
        is_watched_by_system: whether the system sends file events; otherwise the folder is polled.
        message: the problem if the phase is FOLDER_MISSING or BUSY; otherwise empty.
    """

    phase: WatchPhase
    delivered: int = 0
    failed: int = 0
    is_watched_by_system: bool = True
    message: str = ""


Deliver: TypeAlias = Callable[[ResultStore, Sequence[Row]], None]
"""Receives classified rows, oldest first; the store is for recording which photos were changed."""


class Watch:
    """Watches one folder, in the thread that calls `run`."""

    def __init__(
        self,
        request: JobRequest,
        classifier: LazyClassifier,
        deliver: Deliver,
        *,
        token: CancelToken,
        looked: Callable[[], None] = lambda: None,
        state: Callable[[WatchState], None] = lambda _: None,
        stable_s: float = STABLE_S,
    ) -> None:
        """Check the folder without scanning it.

        Args:
            request: the folder and options; its job is the same as for classifying the folder.
            classifier: the model.
            deliver: receives the results, in the thread of `run`; those from before the folder was first watched are
                not delivered.
            token: pauses and ends the watch.
            looked: called after each scan of the folder, once all results are delivered.
            state: called whenever the state changes.
            stable_s: how long a file must stay unchanged to count as complete, in seconds.

        Raises:
            UsageError: the folder does not exist, or cannot be opened.
        """
        check_folder(request.folder)
        if not os.access(request.folder, os.R_OK | os.X_OK):
            what = tr("You don't have permission to open the folder {folder}.", folder=display_path(request.folder))
            raise UsageError(what, hint=tr("Change its permissions, or watch another folder."))
        self._request, self._classifier, self._deliver, self._looked = request, classifier, deliver, looked
        self._token, self._on_state = token, state
        self._state = WatchState(WatchPhase.WAITING)
        self._stability = StabilityFilter(request.folder, stable_s=stable_s)
        self._stable_s = stable_s
        self._watcher = FolderWatcher(request.folder, recursive=request.recursive)
        self._state_file = job_folder(job_id(request)) / STATE_FILE
        self._runs = 0

    def run(self) -> None:
        """Watch until the token is cancelled.

        Raises:
            Cancelled: the token was cancelled, which is the only normal end.
            UsageError: another program is classifying this folder when the watch starts.
            ModelError, ProviderError, StorageError: as `core.jobs.job.Job.results`.
        """
        try:
            self._set(is_watched_by_system=self._watcher.open())
            self._init_state_file()
            while True:
                self._scan()
                self._looked()
                self._set(phase=WatchPhase.WAITING, message="")
                self._wait()
        finally:
            self._watcher.close()

    def _scan(self) -> None:
        """Run the job once, waiting while it cannot run."""
        while True:
            self._token.check()
            try:
                self._classify()
            except (StorageError, UsageError) as error:
                if not self._wait_out(error):
                    raise
            else:
                self._runs += 1
                return

    def _classify(self) -> None:
        self._stability.begin()
        with Job(self._request, self._classifier, token=self._token, accepts=self._stability.accepts) as job:
            new = 0
            for result in job.results():
                new += result.is_new
                if result.is_new:
                    self._set(phase=WatchPhase.CLASSIFYING, message="")
                if new >= _BATCH_SIZE:
                    new = self._deliver_new()
        self._deliver_new()

    def _wait_out(self, error: FoveaError) -> bool:
        """Wait if the cause may go away: a missing folder or, after the first run, another program running the job."""
        if not _exists(self._request.folder):
            self._set(phase=WatchPhase.FOLDER_MISSING, message=str(error))
            while not _exists(self._request.folder):
                self._pause(_POLL_ONLY_S / 2)
            self._set(phase=WatchPhase.WAITING, message="", is_watched_by_system=self._watcher.open())
            return True
        if isinstance(error, UsageError) and self._runs:
            self._set(phase=WatchPhase.BUSY, message=str(error))
            self._pause(_BUSY_S)
            return True
        return False

    def _wait(self) -> None:
        """Wait until the next scan is due."""
        longest = _SCAN_S if self._state.is_watched_by_system else _POLL_ONLY_S
        end = time.monotonic() + min(longest, max(self._stability.wait_s, _TICK_S))
        while (left := end - time.monotonic()) > 0:
            self._token.check()
            if self._watcher.wait(min(left, _TICK_S)):
                end = min(end, time.monotonic() + min(self._stable_s, 1.0))  # let a burst come together
            elif not os.path.isdir(self._request.folder):  # noqa: PTH112 - systems send no event when it is moved away
                return

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._token.check()
            time.sleep(_TICK_S)

    # ---- deliveries

    def _init_state_file(self) -> None:
        if not self._state_file.exists():
            self._write_state(time.time(), 0)

    def _deliver_new(self) -> int:
        """Deliver all new results, and return the number of results still to deliver: 0."""
        moment, number = self._read_state()
        with ResultStore(job_id(self._request)) as store:
            while rows := store.finished_after(moment, number, _BATCH_SIZE):
                self._deliver(store, rows)
                moment, number = rows[-1].finished or moment, rows[-1].number
                self._write_state(moment, number)
                failed = sum(row.failure is not None for row in rows)
                self._set(delivered=self._state.delivered + len(rows), failed=self._state.failed + failed)
        return 0

    def _read_state(self) -> tuple[float, int]:
        try:
            content = json.loads(self._state_file.read_bytes())
            return float(content["moment"]), int(content["number"])
        except (OSError, ValueError, KeyError, TypeError):
            return time.time(), 0  # the job was removed: start again

    def _write_state(self, moment: float, number: int) -> None:
        write_atomically(self._state_file, json.dumps({"moment": moment, "number": number}).encode())

    def _set(self, **changes: object) -> None:
        state = replace(self._state, **changes)  # type: ignore[arg-type]
        if state != self._state:
            self._state = state
            self._on_state(state)


def _exists(folder: Path) -> bool:
    try:
        check_folder(folder)
    except UsageError:
        return False
    return True
