"""The user's commands about the job that is shown, and about all running jobs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.api import jobs as api
from core.base.i18n import tr
from core.jobs.values import JobState, JobSummary
from core.outputs.reports.plan import ReportFormat
from gui.folders.job_text import progress_text, title_text
from gui.folders.page import FoldersPage
from gui.folders.results_page import ResultsPage
from gui.widgets.files import ask_where_to_save


class JobCommands(QObject):
    """Pauses, resumes, stops and exports jobs as the user asks on the page.

    Attributes:
        status_changed: the progress of the running jobs and tasks, in one line; empty when none is running.
    """

    status_changed = Signal(str)

    def __init__(self, page: FoldersPage) -> None:
        super().__init__(page)
        self._page, self._jobs, self._outputs = page, page.jobs, page.outputs
        page.stack.results_created.connect(self._connect_strip)
        page.state_changed.connect(self._show_running)

    def _connect_strip(self, results: ResultsPage) -> None:
        results.strip.toggle_wanted.connect(self.toggle)
        results.strip.stop_wanted.connect(self.stop)

    # ---- the job that is shown, or else selected in the list

    @property
    def _job(self) -> JobSummary | None:
        return self._page.job or self._page.listed_job

    def toggle(self) -> None:
        """Pause or resume the job; if it is finished, look for new photos."""
        job = self._job
        if job is not None and job.state in (JobState.RUNNING, JobState.PAUSED):
            self._jobs.pause(job.id, on=job.state is JobState.RUNNING)
        elif job is not None and job.state in (JobState.FINISHED, JobState.STOPPED, JobState.MISSING):
            self._jobs.run(api.resume_job, job.id)

    def stop(self) -> None:
        """Stop the job, watching its folder, and the task running on its photos."""
        job = self._job
        if job is not None:
            self._jobs.stop(job.id)
            self._outputs.stop(job.id)

    def toggle_watch(self) -> None:
        """Start or stop watching the folder of the job."""
        job = self._job
        if job is not None and job.state is JobState.WATCHING:
            self._jobs.stop(job.id)
        elif job is not None:
            self._jobs.run(api.watch_job, job.id)
        self._page.state_changed.emit()  # the action shows the actual state, not what the click set

    def undo_sorting(self) -> None:
        """Undo the last sorting of the job."""
        if self._page.job is not None:
            self._outputs.undo_sorting(self._page.job.id)

    def continue_sorting(self) -> None:
        """Resume the interrupted sorting of the job."""
        if self._page.job is not None:
            self._outputs.continue_sorting(self._page.job.id)

    def choose_export(self, format_: ReportFormat, *, with_mark: bool = False) -> None:
        """Ask for a file without blocking, and export the filtered rows to it; a mark is a byte order mark."""
        job = self._page.job
        if job is None:
            return
        name = f"{job.folder.name or tr('results')}.{format_}"
        write = partial(self.export, format_, with_mark=with_mark)
        ask_where_to_save(self._page, tr("Export results"), Path.home() / name, write)

    def export(self, format_: ReportFormat, file: Path, *, with_mark: bool = False) -> None:
        """Write the rows of the current view to a file."""
        job = self._page.job
        if job is not None:
            self._outputs.export(job.id, self._page.stack.results.view, format_, file, with_mark=with_mark)

    # ---- all running jobs

    def _show_running(self) -> None:
        """Show the progress of the jobs, except of the one whose results show it themselves."""
        jobs = self._jobs.all
        shown = self._page.job if self._page.isVisible() and self._page.stack.shows_results else None
        states = (JobState.RUNNING, JobState.PAUSED)
        busy = [job for job in jobs.values() if job.state in states and (shown is None or job.id != shown.id)]
        lines = [(job, progress_text(job)) for job in busy]
        lines += [(jobs[job], line) for job, line in self._outputs.lines() if job in jobs]
        texts = (tr("{folder}: {progress}", folder=title_text(job), progress=line) for job, line in lines)
        self.status_changed.emit("  ".join(texts))
