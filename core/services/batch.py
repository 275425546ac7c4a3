"""The batch process: what the window's place *Folders* asks of jobs and their results, over a pipe.

Three parts share it, each with threads of its own: jobs, which keep the processors busy; the viewer, which answers
questions about rows while they run; and tasks, which write files.
"""

from __future__ import annotations

import contextlib
import threading
from multiprocessing.connection import Connection

from core.services.batch_jobs import Jobs
from core.services.batch_messages import Answer, CallOff, JobOrder, Question, Task
from core.services.batch_tasks import Tasks
from core.services.batch_views import Viewer
from core.services.inbox import Inbox
from core.worker import Warned, warnings_to


class BatchService:
    """Serves one window."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._inbox: Inbox[JobOrder | Question | Task] = Inbox(connection)
        self._viewer = Viewer(self._send)
        self._jobs = Jobs(self._send, self._viewer.changed)
        self._tasks = Tasks(self._send, self._changed)

    def run(self) -> None:
        """Answer until the window is gone; then stop whatever runs, each of which can go on later."""
        with warnings_to(self._send):
            while (request := self._inbox.take()) is not None:
                if isinstance(request, JobOrder):
                    self._jobs.obey(request)
                elif isinstance(request, Question):
                    self._viewer.ask(request)
                else:
                    if isinstance(request, CallOff):
                        self._viewer.call_off(request.ticket)
                    self._tasks.begin(request)
            self._tasks.close()
            self._jobs.close()
            self._viewer.close()

    def _changed(self, job: str) -> None:
        self._viewer.changed(job)
        self._jobs.tell(job)

    def _send(self, answer: Answer | Warned) -> None:
        with self._sending, contextlib.suppress(OSError):  # the window is gone: nobody is left to tell
            self._connection.send(answer)
