"""The batch process, which runs the jobs of the window's *Folders* page and serves their results over a pipe.

It has three parts, each with its own threads: jobs, which keep the processors busy; views, which serve rows while jobs
run; and tasks, which write files.
"""

from __future__ import annotations

import contextlib
import threading
from multiprocessing.connection import Connection

from core.services.batch_jobs import Jobs
from core.services.batch_messages import Answer, CancelTask, JobOrder, Question, Task
from core.services.batch_tasks import Tasks
from core.services.batch_views import ViewService
from core.services.inbox import Inbox
from core.worker import Warned, warnings_to


class BatchService:
    """Serves one window."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._inbox: Inbox[JobOrder | Question | Task] = Inbox(connection)
        self._views = ViewService(self._send)
        self._jobs = Jobs(self._send, self._views.changed)
        self._tasks = Tasks(self._send, self._changed)

    def run(self) -> None:
        """Serve requests until the window is gone; then stop jobs and tasks, which can be resumed later."""
        with warnings_to(self._send):
            while (request := self._inbox.take()) is not None:
                if isinstance(request, JobOrder):
                    self._jobs.handle(request)
                elif isinstance(request, Question):
                    self._views.handle(request)
                else:
                    if isinstance(request, CancelTask):
                        self._views.cancel(request.ticket)
                    self._tasks.start(request)
            self._tasks.close()
            self._jobs.close()
            self._views.close()

    def _changed(self, job: str) -> None:
        self._views.changed(job)
        self._jobs.publish(job)

    def _send(self, answer: Answer | Warned) -> None:
        with self._sending, contextlib.suppress(OSError):  # the window is gone
            self._connection.send(answer)
