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
from core.base.text import printable
from core.jobs.folder_watcher import SETTLED_S, Arrivals, Settling
from core.jobs.job import Job
from core.jobs.journal import job_folder, job_id
from core.jobs.pipeline import Answering
from core.jobs.queries import Answers
from core.jobs.values import JobProgress, JobRequest, Row
from core.jobs.walk import check_folder

NOTE: Final = "watch.json"
_AT_ONCE: Final = 32
"""Rows delivered together: one call of exiftool, one step of sorting."""
_LOOK_S: Final = 30.0
"""How often the folder is looked at though the system told nothing."""
_LOOK_ALONE_S: Final = 5.0
"""How often where the system never tells."""
_BUSY_S: Final = 5.0
"""How often it is tried whether another program has let go of the job."""
_TICK_S: Final = 0.2
"""How soon a wish to stop is heard."""


class Watching(StrEnum):
    """What a watch is at."""

    WAITING = "waiting"
    """For something to arrive."""
    CLASSIFYING = "classifying"
    AWAY = "away"
    """The folder is gone, or its disk; it is gone on once that is back."""
    BUSY = "busy"
    """Another program classifies this folder just now."""


@dataclass(frozen=True, slots=True)
class WatchState:
    """How a watch fares.

    Attributes:
        watching: what it is at.
        delivered: how many rows were delivered since it began.
        failed: how many of these are failures.
        told: whether the system tells of arrivals; otherwise the folder is looked at every few seconds.
        message: what is wrong where it is AWAY or BUSY; else empty.
    """

    watching: Watching
    delivered: int = 0
    failed: int = 0
    told: bool = True
    message: str = ""


Deliver: TypeAlias = Callable[[Answers, Sequence[Row]], None]
"""Takes some rows as they were classified, oldest first; the journal is there to note what was written into photos."""


class Watch:
    """Watches one folder, in the thread that calls `run`."""

    def __init__(
        self,
        request: JobRequest,
        answering: Answering,
        deliver: Deliver,
        *,
        token: CancelToken,
        looked: Callable[[], None] = lambda: None,
        state: Callable[[WatchState], None] = lambda _: None,
        report: Callable[[JobProgress], None] = lambda _: None,
        settled_s: float = SETTLED_S,
    ) -> None:
        """Nothing is looked at yet.

        Args:
            request: which folder and how; it is the same job that classifying the folder is.
            answering: the model.
            deliver: takes the answers, in the thread of `run`. What was classified before the folder was watched for
                the first time is not delivered.
            token: ends the watch; paused, nothing is classified meanwhile.
            looked: called after each look at the folder, once all answers are delivered.
            state: told whenever it changes.
            report: told of each run's progress.
            settled_s: how long a file must not change to count as whole.

        Raises:
            UsageError: there is no such folder, or it may not be opened.
        """
        check_folder(request.folder)
        if not os.access(request.folder, os.R_OK | os.X_OK):
            what = f"You are not allowed to open the folder {printable(request.folder)}."
            raise UsageError(what, hint="Change its permissions, or watch another folder.")
        self._request, self._answering, self._deliver, self._looked = request, answering, deliver, looked
        self._token, self._tell, self._report = token, state, report
        self._state = WatchState(Watching.WAITING)
        self._settling = Settling(request.folder, settled_s=settled_s)
        self._settled_s = settled_s
        self._arrivals = Arrivals(request.folder, recursive=request.recursive)
        self._note = job_folder(job_id(request)) / NOTE
        self._runs = 0

    def run(self) -> None:
        """Watch until the token is cancelled.

        Raises:
            Cancelled: the token was cancelled; it is the only end that is none of an error.
            UsageError: another program classifies this folder as the watch begins.
            ModelError, ProviderError, StorageError: as `core.jobs.job.Job.results`.
        """
        try:
            self._set(told=self._arrivals.open())
            self._begin_note()
            while True:
                self._look()
                self._looked()
                self._set(watching=Watching.WAITING, message="")
                self._wait()
        finally:
            self._arrivals.close()

    def _look(self) -> None:
        """Run the job once, and wait where it cannot be run now."""
        while True:
            self._token.check()
            try:
                self._classify()
            except (StorageError, UsageError) as error:
                if not self._outlast(error):
                    raise
            else:
                self._runs += 1
                return

    def _classify(self) -> None:
        self._settling.begin()
        with Job(
            self._request, self._answering, token=self._token, report=self._report, takes=self._settling.takes
        ) as job:
            fresh = 0
            for result in job.results():
                fresh += result.is_new
                if result.is_new:
                    self._set(watching=Watching.CLASSIFYING, message="")
                if fresh >= _AT_ONCE:
                    fresh = self._hand_on()
        self._hand_on()

    def _outlast(self, error: FoveaError) -> bool:
        """Wait where the reason may pass: the folder is gone, or, once the watch runs, another program has the job."""
        if not _is_there(self._request.folder):
            self._set(watching=Watching.AWAY, message=str(error))
            while not _is_there(self._request.folder):
                self._pause(_LOOK_ALONE_S / 2)
            self._set(watching=Watching.WAITING, message="", told=self._arrivals.open())
            return True
        if isinstance(error, UsageError) and self._runs:
            self._set(watching=Watching.BUSY, message=str(error))
            self._pause(_BUSY_S)
            return True
        return False

    def _wait(self) -> None:
        """Wait until there is reason to look again."""
        longest = _LOOK_S if self._state.told else _LOOK_ALONE_S
        end = time.monotonic() + min(longest, max(self._settling.wait_s, _TICK_S))
        while (left := end - time.monotonic()) > 0:
            self._token.check()
            if self._arrivals.wait(min(left, _TICK_S)):
                end = min(end, time.monotonic() + min(self._settled_s, 1.0))  # let a burst come together
            elif not os.path.isdir(self._request.folder):  # noqa: PTH112 - systems do not tell that it was moved away
                return

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._token.check()
            time.sleep(_TICK_S)

    # ---- deliveries

    def _begin_note(self) -> None:
        if not self._note.exists():
            self._write_note(time.time(), 0)

    def _hand_on(self) -> int:
        """Deliver what was classified since the last time; 0, the count of what waits then."""
        moment, number = self._read_note()
        with Answers(job_id(self._request)) as answers:
            while rows := answers.finished_after(moment, number, _AT_ONCE):
                self._deliver(answers, rows)
                moment, number = rows[-1].finished or moment, rows[-1].number
                self._write_note(moment, number)
                failed = sum(row.failure is not None for row in rows)
                self._set(delivered=self._state.delivered + len(rows), failed=self._state.failed + failed)
        return 0

    def _read_note(self) -> tuple[float, int]:
        try:
            content = json.loads(self._note.read_bytes())
            return float(content["moment"]), int(content["number"])
        except (OSError, ValueError, KeyError, TypeError):
            return time.time(), 0  # the job was removed: it begins anew

    def _write_note(self, moment: float, number: int) -> None:
        write_atomically(self._note, json.dumps({"moment": moment, "number": number}).encode())

    def _set(self, **changes: object) -> None:
        state = replace(self._state, **changes)  # type: ignore[arg-type]
        if state != self._state:
            self._state = state
            self._tell(state)


def _is_there(folder: Path) -> bool:
    try:
        check_folder(folder)
    except UsageError:
        return False
    return True
