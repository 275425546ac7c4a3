"""What the batch process has to tell that nobody asked for: as notices, with what can be done about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from PySide6.QtCore import QObject

from core.base.text import printable
from core.services.batch_messages import JobEnded, TaskDone, TaskStopped
from core.services.batch_values import JobNews
from gui.folders.job_text import title_text
from gui.folders.running_tasks import Deeds
from gui.tasks.jobs_client import BatchClient
from gui.widgets.notices import Notices

_MOST_TROUBLES: Final = 3
_LINKS: Final = "Links to folders were not followed: {count:,}. To include their photos, add the folders they lead to."
_MISNAMED: Final = "Photos without an image's suffix were skipped: {count:,}. Rename them to end in .jpg, for example."


class Jobs(Protocol):
    """The jobs that are told of, and what can be done about them; the page *Folders* is it."""

    @property
    def client(self) -> BatchClient:
        """Who says what became of them."""

    @property
    def deeds(self) -> Deeds:
        """What is being done with their photos."""

    @property
    def jobs(self) -> Mapping[str, JobNews]:
        """All of them, by their id."""

    def go_on(self, jobs: Iterable[str]) -> None:
        """Go on with jobs that stopped."""

    def restore(self, job: str) -> None:
        """Bring back a job that was taken from the list."""

    def is_told_in_sight(self, ticket: int) -> bool:
        """Whether the page in sight tells what became of a task."""


class Tidings(QObject):
    """Tells how jobs ended, what became of the process, and what can be undone."""

    def __init__(self, page: Jobs, notices: Notices, parent: QObject) -> None:
        super().__init__(parent)
        self._page, self._notices = page, notices
        client = page.client
        client.job_ended.connect(self._on_job_ended)
        client.review_failed.connect(notices.tell_error)
        client.remarked.connect(notices.tell)
        client.died.connect(self._on_died)
        client.failed.connect(self._on_failed)
        page.deeds.ended.connect(self._on_deed_ended)

    def tell_removed(self, news: JobNews) -> None:
        """Tell that a job was taken from the list."""
        text = f"“{title_text(news)}” was taken from the list. The photos are untouched."
        self._notices.tell(text, offer=("Undo", lambda: self._page.restore(news.facts.id)))

    def _on_deed_ended(self, job: str, ended: object) -> None:
        """What was sorted can be undone; what was called off can go on."""
        match ended:
            case TaskDone(told=told, sorting=sorting) if sorting:
                self._notices.tell(told, offer=("Undo", lambda: self._page.deeds.undo_sorting(job, sorting)))
            case TaskDone(ticket, told) if told and not self._page.is_told_in_sight(ticket):
                self._notices.tell(told)
            case TaskStopped(ticket) if not self._page.is_told_in_sight(ticket):
                self._notices.tell("It was stopped on the way. Everything so far can be gone on with, or undone.")

    def _on_job_ended(self, ended: JobEnded) -> None:
        news = self._page.jobs.get(ended.job)
        name = "The folder" if news is None else f"“{title_text(news)}”"
        if ended.error is not None:
            self._notices.tell(f"{name}: {ended.error}", offer=("Go on", lambda: self._page.go_on([ended.job])))
        if ended.troubles:
            places = ", ".join(printable(trouble.folder) for trouble in ended.troubles[:_MOST_TROUBLES])
            more = f" and {len(ended.troubles) - _MOST_TROUBLES:,} more" if len(ended.troubles) > _MOST_TROUBLES else ""
            self._notices.tell(f"{name}: not everything could be read: {places}{more}. {ended.troubles[0].hint}")
        for text in _passed_over(ended):
            self._notices.tell(f"{name}: {text}")

    def _on_died(self, jobs: tuple[str, ...]) -> None:
        known = self._page.jobs
        names = ", ".join(f"“{title_text(known[job])}”" for job in jobs if job in known)
        text = "The part of Fovea that classifies folders stopped unexpectedly. Everything so far is kept."
        offer = ("Go on", lambda: self._page.go_on(jobs)) if jobs else None
        self._notices.tell(f"{text} Not finished: {names}." if names else text, offer=offer)

    def _on_failed(self) -> None:
        self._notices.tell("The part of Fovea that works on folders cannot be started. Install Fovea again.")


def _passed_over(ended: JobEnded) -> list[str]:
    """What a person may miss among the photos."""
    counts = ((_LINKS, ended.links), (_MISNAMED, ended.misnamed))
    texts = [text.format(count=count) for text, count in counts if count]
    return [ended.skipped, *texts] if ended.skipped else texts
