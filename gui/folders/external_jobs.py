"""Polling for jobs that another program runs, which sends no notifications."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QTimer

from core.services.batch_messages import JobsListed
from core.services.batch_values import Activity
from gui.tasks.jobs_client import BatchClient

_EVERY_MS: Final = 2000


class ExternalJobs(QObject):
    """Lists the jobs again every two seconds while another program runs one of them."""

    def __init__(self, client: BatchClient, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=_EVERY_MS, singleShot=True)
        self._timer.timeout.connect(client.list_jobs)
        client.jobs_listed.connect(self._on_listed)

    def _on_listed(self, listed: JobsListed) -> None:
        if any(status.activity is Activity.EXTERNAL for status in listed.jobs):
            self._timer.start()
