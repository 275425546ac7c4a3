"""The library process: what the window asks about installed models, over a pipe.

Each job runs in a thread of its own, so that it can be called off and overtaken by short ones.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Final

from core.errors import Cancelled, FoveaError
from core.features.store import FeatureStore
from core.import_preview import preview
from core.judging.comparison import compare_by_paths, contestant
from core.learning.runs import found_runs, throw_away
from core.library.exchange import import_model
from core.library.foreign import import_foreign, look_at_each
from core.library.library import Library, open_library
from core.library.removal import removed, restore
from core.progress import CancelToken, Progress, Report
from core.services.comparison_facts import agreement_facts
from core.services.export import export
from core.services.failures import light, unforeseen
from core.services.inbox import Inbox
from core.services.library_messages import (
    Activate,
    Answer,
    Changed,
    Compare,
    Compared,
    Export,
    Import,
    Imported,
    Job,
    Last,
    LibraryListed,
    ListLibrary,
    Remove,
    Restore,
    RollBack,
    ThrowAway,
    last_words,
)
from core.services.library_values import RemovedFacts
from core.services.messages import Remark
from core.services.model_facts import name_facts
from core.services.remarks import remarks_to
from core.services.training_messages import Stage, Stop, Stopped

_PATIENCE_S: Final = 10.0
"""How long a job may take to end when the window is gone; a trainer process it started ends with it."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Running:
    """A job under way: what was asked for, what calls it off, and the thread that works on it."""

    job: Job
    token: CancelToken = field(default_factory=CancelToken)
    thread: threading.Thread | None = None


class LibraryService:
    """Serves one window.

    Attributes:
        _running: the jobs under way, by ticket; the threads that finish them take them out.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._inbox: Inbox[Job | Stop] = Inbox(connection)
        self._running: dict[int, _Running] = {}

    def run(self) -> None:
        """Answer requests until the window is gone; then call off whatever runs."""
        with remarks_to(self._send):
            while (request := self._inbox.take()) is not None:
                if isinstance(request, Stop):
                    self._stop(request.ticket)
                else:
                    self._begin(request)
            left = list(self._running.values())
            for running in left:
                running.token.cancel()
            for running in left:
                if running.thread is not None:
                    running.thread.join(_PATIENCE_S)

    def _begin(self, job: Job) -> None:
        running = self._running[job.ticket] = _Running(job)
        running.thread = threading.Thread(target=self._work, args=(running,), name="job", daemon=True)
        running.thread.start()

    def _stop(self, ticket: int) -> None:
        running = self._running.get(ticket)
        if running is not None:  # else it has just come to its end
            running.token.cancel()

    def _work(self, running: _Running) -> None:  # a thread of its own
        job = running.job
        answer: Last
        try:
            answer = self._answer(job, running.token)
        except Cancelled:
            answer = Stopped(job.ticket)
        except FoveaError as error:
            answer = last_words(job, light(error))
        except Exception as error:  # noqa: BLE001 - the boundary: the window waits for an answer, whatever happened
            _log.warning("The library process met with something unforeseen.", exc_info=True)
            answer = last_words(job, unforeseen(error))
        del self._running[job.ticket]
        self._send(answer)

    def _answer(self, job: Job, token: CancelToken) -> Last:
        library = open_library()
        match job:
            case ListLibrary(ticket):
                return _listed(ticket, library)
            case Export():
                return export(job, library, report=self._reporter(job.ticket), token=token)
            case Import():
                return _imported(job, library)
            case Compare():
                return self._compare(job, library, token)
            case _:
                return _changed(job, library)

    def _compare(self, job: Compare, library: Library, token: CancelToken) -> Compared:
        started, report = time.perf_counter(), self._reporter(job.ticket)
        a, b = (contestant(library.find(name), job.wish, job.precision) for name in (job.a, job.b))
        with FeatureStore() as store:
            found = compare_by_paths(job.paths, a, b, store, report=report, token=token)
        return Compared(job.ticket, agreement_facts(found, a, b, time.perf_counter() - started), None)

    def _reporter(self, ticket: int) -> Report:
        def report(progress: Progress) -> None:
            self._send(Stage(ticket, progress))

        return report

    def _send(self, answer: Answer | Remark) -> None:
        with self._sending, contextlib.suppress(OSError):  # the window is gone: nobody is left to tell
            self._connection.send(answer)


def _listed(ticket: int, library: Library) -> LibraryListed:
    kept = tuple(RemovedFacts(one.name, one.number, one.moment) for one in removed(library.own))
    return LibraryListed(ticket, name_facts(library), found_runs(), kept)


def _imported(job: Import, library: Library) -> Imported:
    if job.answers is None:
        questions = look_at_each(job.file)
        if questions:
            return Imported(job.ticket, job.file, "", is_new=False, error=None, questions=questions)
        imported = import_model(job.file, library)
    elif job.photo is not None:
        outcome = preview(job.file, job.answers, job.photo)
        return Imported(job.ticket, job.file, "", is_new=False, error=None, preview=outcome)
    else:
        imported = import_foreign(job.file, job.answers, library)
    return Imported(job.ticket, job.file, imported.model.name, imported.is_new, None)


def _changed(job: Activate | RollBack | Remove | Restore | ThrowAway, library: Library) -> Changed:
    match job:
        case Activate(_, name, version):
            library.activate(name, version)
        case RollBack(_, name):
            library.roll_back(name)
        case Remove(_, name, None):
            library.remove(name)
        case Remove(_, name, int(version)):
            library.remove_version(name, version)
        case Restore(_, name, version):
            restore(library.own, name, version)
        case ThrowAway(_, name):
            throw_away(name)
    return Changed(job.ticket, job, library.active(job.name), None)
