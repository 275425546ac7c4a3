"""Notices about jobs and tasks that ended, failed or were interrupted, with the action that helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from core.api import jobs as api
from core.base.errors import FoveaError
from core.base.i18n import tr, tr_n
from core.base.text import display_path
from core.jobs.values import JobState, JobSummary
from core.prediction import Failure
from core.services.job_values import JobEnd, OutputResult
from gui.folders.job_text import end_text, title_text
from gui.folders.jobs_controller import JobsController
from gui.folders.outputs_controller import OutputsController
from gui.tasks.notice import NoticeKind
from gui.tasks.task import Task
from gui.widgets.files import show_in_folder
from gui.widgets.notices import Notices

_MAX_FOLDERS: Final = 3


class JobNotices(QObject):
    """Shows how jobs and tasks ended, and what can be undone or resumed.

    Attributes:
        unknown_wanted: show the unknown photos of this job.
    """

    unknown_wanted = Signal(str)

    def __init__(
        self,
        jobs: JobsController,
        outputs: OutputsController,
        notices: Notices,
        is_shown: Callable[[Task], bool],
        parent: QObject,
    ) -> None:
        """`is_shown` returns whether the visible page shows the result of a task itself."""
        super().__init__(parent)
        self._jobs, self._outputs, self._notices, self._is_shown = jobs, outputs, notices, is_shown
        jobs.ended.connect(self._on_job_ended)
        jobs.removed.connect(self._on_removed)
        jobs.failed.connect(notices.show_error)
        jobs.lost.connect(self._on_lost)
        outputs.exported.connect(self._on_exported)
        outputs.export_failed.connect(notices.show_error)
        outputs.succeeded.connect(self._on_task_succeeded)
        outputs.failed.connect(self._on_task_failed)
        outputs.stopped.connect(self._on_task_stopped)

    def show_unavailable(self) -> None:
        """Show that the batch process cannot be started."""
        self._notices.show_notice(tr("Couldn't start folder classification. Reinstall Fovea."), NoticeKind.ERROR)

    def forget(self, job: JobSummary) -> None:
        """Remove the notice of how a job ended, as the user goes on with its photos."""
        self._notices.remove(f"job {job.id}")

    def _on_removed(self, job: JobSummary) -> None:
        text = tr("Removed “{name}” from the list. The photos were not changed.", name=title_text(job))
        undo = (tr("Undo"), lambda: self._jobs.restore(job.id))
        self._notices.show_success(text, action=undo, key=f"job {job.id}")

    def _on_exported(self, message: str, file: Path) -> None:
        self._notices.show_success(message, action=(tr("Show in file manager"), lambda: show_in_folder(file)))

    def _on_task_succeeded(self, task: Task, job: str, result: OutputResult | str | None) -> None:
        """Offer to undo a sorting; report other results unless the page does."""
        match result:
            case OutputResult(message, sorting) if sorting and not self._is_shown(task):
                undo = (tr("Undo"), lambda: self._outputs.undo_sorting(job, sorting))
                self._notices.show_success(message, action=undo, key=f"output {job}")
            case OutputResult(message) | str(message) if not self._is_shown(task):
                self._notices.show_success(message, key=f"output {job}")

    def _on_task_failed(self, task: Task, error: FoveaError) -> None:
        if not self._is_shown(task):
            self._notices.show_error(error)

    def _on_task_stopped(self, task: Task) -> None:
        if not self._is_shown(task):
            self._notices.show_warning(tr("Stopped partway. You can resume it or undo what was done."))

    def _on_job_ended(self, end: JobEnd) -> None:
        name = title_text(end.job)
        if end.error is not None:
            resume = (tr("Resume"), lambda: self._resume([end.job.id]))
            text = _prefixed(name, str(end.error))
            self._notices.show_notice(text, NoticeKind.ERROR, action=resume, key=f"job {end.job.id}")
        elif end.job.state is JobState.FINISHED:
            offer = (tr("Show unknown photos"), lambda: self.unknown_wanted.emit(end.job.id)) if end.unknown else None
            self._notices.show_success(_prefixed(name, end_text(end)), action=offer, key=f"job {end.job.id}")
        QApplication.alert(self._notices.window())
        if end.unreadable_folders:
            self._notices.show_warning(_prefixed(name, _unreadable_text(end.unreadable_folders)))
        for text in _skipped_texts(end):
            self._notices.show_notice(_prefixed(name, text))

    def _resume(self, jobs: Sequence[str]) -> None:
        for job in jobs:
            self._jobs.run(api.resume_job, job)

    def _on_lost(self, jobs: Sequence[str]) -> None:
        known = self._jobs.all
        names = ", ".join(f"“{title_text(known[job])}”" for job in jobs if job in known)
        offer = (tr("Resume"), lambda: self._resume(jobs)) if jobs else None
        text = tr("Folder classification stopped unexpectedly. The results so far are saved.")
        if names:
            text = tr(
                "Folder classification stopped unexpectedly. The results so far are saved. Not finished: {names}.",
                names=names,
            )
        self._notices.show_notice(text, NoticeKind.ERROR, action=offer)


def _prefixed(name: str, message: str) -> str:
    return tr("{folder}: {message}", folder=name, message=message)


def _unreadable_text(folders: Sequence[Failure]) -> str:
    names, hint = ", ".join(display_path(folder.path) for folder in folders[:_MAX_FOLDERS]), folders[0].hint
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


def _skipped_texts(end: JobEnd) -> list[str]:
    """What was skipped that the user may miss."""
    texts = [end.skipped] if end.skipped else []
    if end.links:
        texts.append(
            tr_n(
                "Skipped {count:,} link to a folder. To include its photos, add the folder it points to.",
                "Skipped {count:,} links to folders. To include their photos, add the folders they point to.",
                end.links,
            )
        )
    if end.misnamed:
        texts.append(
            tr_n(
                "Skipped {count:,} photo without an image extension. Rename it, for example to end in .jpg.",
                "Skipped {count:,} photos without an image extension. Rename them, for example to end in .jpg.",
                end.misnamed,
            )
        )
    return texts
