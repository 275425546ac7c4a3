"""Watching a folder: what arrives is classified by the folder's job, and every answer is delivered.

Each burst of arrivals is one run of the job, so the journal alone says what is new: after a restart, or if the system
told nothing (network shares), the next look finds what was missed. How far deliveries came is noted beside the journal;
whatever is killed between a delivery and that note is delivered again, never left out.
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
from core.base.progress import CancelToken
from core.base.storage import write_atomically
from core.base.text import display_path
from core.jobs.folder_watcher import STABLE_S, FolderWatcher, StabilityFilter
from core.jobs.job import Job
from core.jobs.journal import job_folder, job_id
from core.jobs.pipeline import LazyClassifier
from core.jobs.queries import ResultStore
from core.jobs.values import JobProgress, JobRequest, Row
from core.jobs.walk import check_folder

STATE_FILE: Final = "watch.json"
_BATCH_SIZE: Final = 32
"""Rows delivered together: one call of exiftool, one step of sorting."""
_SCAN_S: Final = 30.0
"""How often the folder is looked at though the system told nothing."""
_POLL_ONLY_S: Final = 5.0
"""How often where the system never tells."""
_BUSY_S: Final = 5.0
"""How often it is tried whether another program has let go of the job."""
_TICK_S: Final = 0.2
"""How soon a wish to stop is heard."""


class WatchPhase(StrEnum):
    """What a watch is at."""

    WAITING = "waiting"
    """For something to arrive."""
    CLASSIFYING = "classifying"
    FOLDER_MISSING = "away"
    """The folder is gone, or its disk; it is gone on once that is back."""
    BUSY = "busy"
    """Another program classifies this folder just now."""


@dataclass(frozen=True, slots=True)
class WatchState:
    """How a watch fares.

    Attributes:
        phase: what it is at.
        delivered: how many rows were delivered since it began.
        failed: how many of these are failures.
        is_watched_by_system: whether the system tells of arrivals; otherwise the folder is looked at every few seconds.
        message: what is wrong where it is AWAY or BUSY; else empty.
    """

    phase: WatchPhase
    delivered: int = 0
    failed: int = 0
    is_watched_by_system: bool = True
    message: str = ""


Deliver: TypeAlias = Callable[[ResultStore, Sequence[Row]], None]
"""Takes some rows as they were classified, oldest first; the journal is there to note what was written into photos."""


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
        report: Callable[[JobProgress], None] = lambda _: None,
        stable_s: float = STABLE_S,
    ) -> None:
        """Nothing is looked at yet.

        Args:
            request: which folder and how; it is the same job that classifying the folder is.
            classifier: the model.
            deliver: takes the answers, in the thread of `run`. What was classified before the folder was watched for
                the first time is not delivered.
            token: ends the watch; paused, nothing is classified meanwhile.
            looked: called after each look at the folder, once all answers are delivered.
            state: told whenever it changes.
            report: told of each run's progress.
            stable_s: how long a file must not change to count as whole.

        Raises:
            UsageError: there is no such folder, or it may not be opened.
        """
        check_folder(request.folder)
        if not os.access(request.folder, os.R_OK | os.X_OK):
            what = f"You are not allowed to open the folder {display_path(request.folder)}."
            raise UsageError(what, hint="Change its permissions, or watch another folder.")
        self._request, self._classifier, self._deliver, self._looked = request, classifier, deliver, looked
        self._token, self._on_state, self._report = token, state, report
        self._state = WatchState(WatchPhase.WAITING)
        self._stability = StabilityFilter(request.folder, stable_s=stable_s)
        self._stable_s = stable_s
        self._watcher = FolderWatcher(request.folder, recursive=request.recursive)
        self._state_file = job_folder(job_id(request)) / STATE_FILE
        self._runs = 0

    def run(self) -> None:
        """Watch until the token is cancelled.

        Raises:
            Cancelled: the token was cancelled; it is the only end that is none of an error.
            UsageError: another program classifies this folder as the watch begins.
            ModelError, ProviderError, StorageError: as `core.jobs.job.TrainerJob.results`.
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
        """Run the job once, and wait where it cannot be run now."""
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
        with Job(
            self._request, self._classifier, token=self._token, report=self._report, accepts=self._stability.accepts
        ) as job:
            new = 0
            for result in job.results():
                new += result.is_new
                if result.is_new:
                    self._set(phase=WatchPhase.CLASSIFYING, message="")
                if new >= _BATCH_SIZE:
                    new = self._deliver_new()
        self._deliver_new()

    def _wait_out(self, error: FoveaError) -> bool:
        """Wait where the reason may pass: the folder is gone, or, once the watch runs, another program has the job."""
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
        """Wait until there is reason to look again."""
        longest = _SCAN_S if self._state.is_watched_by_system else _POLL_ONLY_S
        end = time.monotonic() + min(longest, max(self._stability.wait_s, _TICK_S))
        while (left := end - time.monotonic()) > 0:
            self._token.check()
            if self._watcher.wait(min(left, _TICK_S)):
                end = min(end, time.monotonic() + min(self._stable_s, 1.0))  # let a burst come together
            elif not os.path.isdir(self._request.folder):  # noqa: PTH112 - systems do not tell that it was moved away
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
        """Deliver what was classified since the last time; 0, the count of what waits then."""
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
            return time.time(), 0  # the job was removed: it begins anew

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
