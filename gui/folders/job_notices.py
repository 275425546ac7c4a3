"""What the batch process has to tell that nobody asked for: as notices, with what can be done about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from PySide6.QtCore import QObject

from core.base.text import display_path
from core.services.batch_messages import JobEnded, TaskCancelled, TaskDone
from core.services.batch_values import JobStatus
from gui.folders.job_text import title_text
from gui.folders.running_tasks import RunningTasks
from gui.tasks.jobs_client import BatchClient
from gui.widgets.notices import Notices

_MAX_FOLDERS: Final = 3
_LINKS: Final = "Links to folders were not followed: {count:,}. To include their photos, add the folders they lead to."
_MISNAMED: Final = "Photos without an image's suffix were skipped: {count:,}. Rename them to end in .jpg, for example."


class Jobs(Protocol):
    """The jobs that are told of, and what can be done about them; the page *Folders* is it."""

    @property
    def client(self) -> BatchClient:
        """Who says what became of them."""

    @property
    def running_tasks(self) -> RunningTasks:
        """What is being done with their photos."""

    @property
    def jobs(self) -> Mapping[str, JobStatus]:
        """All of them, by their id."""

    def resume(self, jobs: Iterable[str]) -> None:
        """Go on with jobs that stopped."""

    def restore(self, job: str) -> None:
        """Bring back a job that was taken from the list."""

    def is_reported_on_page(self, ticket: int) -> bool:
        """Whether the page in sight tells what became of a task."""


class JobNotices(QObject):
    """Tells how jobs ended, what became of the process, and what can be undone."""

    def __init__(self, page: Jobs, notices: Notices, parent: QObject) -> None:
        super().__init__(parent)
        self._page, self._notices = page, notices
        client = page.client
        client.job_ended.connect(self._on_job_ended)
        client.review_failed.connect(notices.show_error)
        client.warned.connect(notices.show_notice)
        client.died.connect(self._on_died)
        client.failed.connect(self._on_failed)
        page.running_tasks.ended.connect(self._on_running_task_ended)

    def notify_removed(self, status: JobStatus) -> None:
        """Tell that a job was taken from the list."""
        text = f"“{title_text(status)}” was taken from the list. The photos are untouched."
        self._notices.show_notice(text, action=("Undo", lambda: self._page.restore(status.summary.id)))

    def _on_running_task_ended(self, job: str, ended: object) -> None:
        """What was sorted can be undone; what was called off can go on."""
        match ended:
            case TaskDone(message=text, sorting=sorting) if sorting:
                self._notices.show_notice(
                    text, action=("Undo", lambda: self._page.running_tasks.undo_sorting(job, sorting))
                )
            case TaskDone(ticket, text) if text and not self._page.is_reported_on_page(ticket):
                self._notices.show_notice(text)
            case TaskCancelled(ticket) if not self._page.is_reported_on_page(ticket):
                self._notices.show_notice(
                    "It was stopped on the way. Everything so far can be gone on with, or undone."
                )

    def _on_job_ended(self, ended: JobEnded) -> None:
        status = self._page.jobs.get(ended.job)
        name = "The folder" if status is None else f"“{title_text(status)}”"
        if ended.error is not None:
            resume = ("Resume", lambda: self._page.resume([ended.job]))
            self._notices.show_notice(f"{name}: {ended.error}", action=resume)
        if ended.unreadable_folders:
            places = ", ".join(display_path(folder.folder) for folder in ended.unreadable_folders[:_MAX_FOLDERS])
            more = (
                f" and {len(ended.unreadable_folders) - _MAX_FOLDERS:,} more"
                if len(ended.unreadable_folders) > _MAX_FOLDERS
                else ""
            )
            self._notices.show_notice(
                f"{name}: not everything could be read: {places}{more}. {ended.unreadable_folders[0].hint}"
            )
        for text in _passed_over(ended):
            self._notices.show_notice(f"{name}: {text}")

    def _on_died(self, jobs: tuple[str, ...]) -> None:
        known = self._page.jobs
        names = ", ".join(f"“{title_text(known[job])}”" for job in jobs if job in known)
        text = "The part of Fovea that classifies folders stopped unexpectedly. Everything so far is kept."
        offer = ("Go on", lambda: self._page.resume(jobs)) if jobs else None
        self._notices.show_notice(f"{text} Not finished: {names}." if names else text, action=offer)

    def _on_failed(self) -> None:
        self._notices.show_notice("The part of Fovea that works on folders cannot be started. Install Fovea again.")


def _passed_over(ended: JobEnded) -> list[str]:
    """What a person may miss among the photos."""
    counts = ((_LINKS, ended.links), (_MISNAMED, ended.misnamed))
    texts = [text.format(count=count) for text, count in counts if count]
    return [ended.skipped, *texts] if ended.skipped else texts
