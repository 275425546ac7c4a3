"""Notices about jobs and tasks that ended, failed or were interrupted, with the action that helps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from PySide6.QtCore import QObject

from core.base.i18n import tr, tr_n
from core.base.text import display_path
from core.jobs.values import UnreadableFolder
from core.services.batch_messages import JobEnded, TaskCancelled, TaskDone
from core.services.batch_values import JobStatus
from gui.folders.job_text import title_text
from gui.folders.running_tasks import RunningTasks
from gui.tasks.jobs_client import BatchClient
from gui.widgets.notices import Notices

_MAX_FOLDERS: Final = 3


class Jobs(Protocol):
    """What the notices need of the *Folders* page."""

    @property
    def client(self) -> BatchClient:
        """The connection to the batch process."""

    @property
    def running_tasks(self) -> RunningTasks:
        """The tasks running on the photos of the jobs."""

    @property
    def jobs(self) -> Mapping[str, JobStatus]:
        """All jobs by their id."""

    def resume(self, jobs: Iterable[str]) -> None:
        """Resume stopped jobs."""

    def restore(self, job: str) -> None:
        """Restore a job that was removed from the list."""

    def is_reported_on_page(self, ticket: int) -> bool:
        """Whether the visible page reports the result of a task itself."""


class JobNotices(QObject):
    """Shows how jobs and tasks ended, and what can be undone or resumed."""

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
        """Report that a job was removed from the list."""
        text = tr("Removed “{name}” from the list. The photos were not changed.", name=title_text(status))
        self._notices.show_notice(text, action=(tr("Undo"), lambda: self._page.restore(status.summary.id)))

    def _on_running_task_ended(self, job: str, ended: object) -> None:
        """Offer to undo a sorting; report other results unless the page does."""
        match ended:
            case TaskDone(message=text, sorting=sorting) if sorting:
                self._notices.show_notice(
                    text, action=(tr("Undo"), lambda: self._page.running_tasks.undo_sorting(job, sorting))
                )
            case TaskDone(ticket, text) if text and not self._page.is_reported_on_page(ticket):
                self._notices.show_notice(text)
            case TaskCancelled(ticket) if not self._page.is_reported_on_page(ticket):
                self._notices.show_notice(tr("Stopped partway. You can resume it or undo what was done."))

    def _on_job_ended(self, ended: JobEnded) -> None:
        status = self._page.jobs.get(ended.job)
        name = tr("Folder") if status is None else title_text(status)
        if ended.error is not None:
            resume = (tr("Resume"), lambda: self._page.resume([ended.job]))
            self._notices.show_notice(_prefixed(name, str(ended.error)), action=resume)
        if ended.unreadable_folders:
            self._notices.show_notice(_prefixed(name, _unreadable_text(ended.unreadable_folders)))
        for text in _skipped_texts(ended):
            self._notices.show_notice(_prefixed(name, text))

    def _on_died(self, jobs: tuple[str, ...]) -> None:
        known = self._page.jobs
        names = ", ".join(f"“{title_text(known[job])}”" for job in jobs if job in known)
        offer = (tr("Resume"), lambda: self._page.resume(jobs)) if jobs else None
        text = tr("Folder classification stopped unexpectedly. The results so far are saved.")
        if names:
            text = tr(
                "Folder classification stopped unexpectedly. The results so far are saved. Not finished: {names}.",
                names=names,
            )
        self._notices.show_notice(text, action=offer)

    def _on_failed(self) -> None:
        self._notices.show_notice(tr("Couldn't start folder classification. Reinstall Fovea."))


def _prefixed(name: str, message: str) -> str:
    return tr("{folder}: {message}", folder=name, message=message)


def _unreadable_text(folders: Sequence[UnreadableFolder]) -> str:
    names, hint = ", ".join(display_path(folder.folder) for folder in folders[:_MAX_FOLDERS]), folders[0].hint
    more = len(folders) - _MAX_FOLDERS
    if more > 0:
        return tr_n(
            "Couldn't read {folders} and {count:,} more folder. {hint}",
            "Couldn't read {folders} and {count:,} more folders. {hint}",
            more,
            folders=names,
            hint=hint,
        )
    return tr("Couldn't read {folders}. {hint}", folders=names, hint=hint)


def _skipped_texts(ended: JobEnded) -> list[str]:
    """What was skipped that the user may miss."""
    texts = [ended.skipped] if ended.skipped else []
    if ended.links:
        texts.append(
            tr_n(
                "Skipped {count:,} link to a folder. To include its photos, add the folder it points to.",
                "Skipped {count:,} links to folders. To include their photos, add the folders they point to.",
                ended.links,
            )
        )
    if ended.misnamed:
        texts.append(
            tr_n(
                "Skipped {count:,} photo without an image extension. Rename it, for example to end in .jpg.",
                "Skipped {count:,} photos without an image extension. Rename them, for example to end in .jpg.",
                ended.misnamed,
            )
        )
    return texts
