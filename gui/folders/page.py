"""The *Folders* page: the list of jobs, the form for a new one, and the results of one with their exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path

from PySide6.QtCore import QTimer, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from core.base.i18n import tr, tr_n
from core.jobs.values import JobRequest
from core.outputs.reports.plan import ReportFormat
from core.services.batch_messages import Capabilities, JobChanged, JobsListed, JobStarted, TaskDone, TaskFailed
from core.services.batch_values import Activity, JobStatus
from gui.folders.external_jobs import ExternalJobs
from gui.folders.job_form import JobForm
from gui.folders.job_notices import JobNotices
from gui.folders.job_text import progress_text, summary_text, title_text
from gui.folders.jobs_page import JobsPage
from gui.folders.plan_forms import KeywordForm, PlanForm, SortForm
from gui.folders.plan_page import PlanPage
from gui.folders.results_page import ResultsPage
from gui.folders.results_widgets import ResultsWidgets
from gui.folders.review import ReviewPage
from gui.folders.reviewer import Reviewer
from gui.folders.running_tasks import RunningTasks
from gui.session.session import Session
from gui.tasks.jobs_client import BatchClient
from gui.widgets.notices import Notices


class FoldersPage(QWidget):
    """Shows jobs. The batch process starts when the page is first shown or used.

    Attributes:
        state_changed: the set of available actions may have changed.
        status_changed: the progress of the running jobs and tasks, in one line; empty when none is running.
        results_created: the results page was created, and needs its actions.
        wanted: the user asked for something that this page shows.
        running_tasks: the tasks running on photos of jobs.
        plans: the pages for sorting and for keywords created so far, by the type of their form.
    """

    state_changed = Signal()
    status_changed = Signal(str)
    results_created = Signal(object)
    wanted = Signal()

    def __init__(self, session: Session, notices: Notices, classify: QAction, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._session, self._notices = session, notices
        self.client = BatchClient(self)
        self.running_tasks, self._external_jobs = RunningTasks(self.client, self), ExternalJobs(self.client, self)
        self._job_notices = JobNotices(self, notices, self)
        self.reviewer = Reviewer(self.client, session.corrections, self.running_tasks, self)
        self.jobs: dict[str, JobStatus] = {}
        self.missing: Mapping[str, str] = {}
        self._callbacks: dict[int, Callable[[TaskDone], object]] = {}
        self._is_form_pending = 0
        self.plans: dict[type[PlanForm], PlanPage] = {}
        self._widgets = ResultsWidgets(self.client, session.pictures, self)
        self._stack = QStackedWidget(self)
        self.list, self.form = JobsPage(classify, self._stack), JobForm(session, self._stack)
        self._stack.addWidget(self.list)
        self._stack.addWidget(self.form)
        page = QVBoxLayout(self)
        page.setContentsMargins(12, 12, 12, 12)
        page.addWidget(self._stack)
        self._connect()

    def _connect(self) -> None:
        client = self.client
        client.jobs_listed.connect(self._on_listed)
        client.job_changed.connect(self._on_changed)
        client.started.connect(self._on_started)
        client.task_ended.connect(self._on_task_ended)
        client.capabilities.connect(self._on_capabilities)
        self.running_tasks.changed.connect(self._show_running)
        self.list.opened.connect(self.open_job)
        self.form.submitted.connect(self.begin)
        self.form.cancelled.connect(self.show_jobs)

    # ---- what is shown

    @cached_property
    def results(self) -> ResultsPage:
        """The results of a job; created on first use."""
        result = ResultsPage(self._widgets, self.reviewer, self._stack)
        result.strip.pause_wanted.connect(lambda on: self.client.pause(self.job_id, on=on))
        result.strip.stop_wanted.connect(self.stop)
        result.strip.resume_wanted.connect(self._resume_shown)
        result.panels_changed.connect(self.state_changed)
        result.selection.noticed.connect(self._notices.show_notice)
        self._stack.addWidget(result)
        self.results_created.emit(result)
        return result

    @cached_property
    def review(self) -> ReviewPage:
        """The review; created on first use."""
        result = ReviewPage(self.client, self._session.pictures, self.reviewer, self)
        result.closed.connect(self._back_to_results)
        self._stack.addWidget(result)
        return result

    @cached_property
    def sorting(self) -> PlanPage:
        """The page for sorting into folders; created on first use."""
        return self._plan_page(SortForm())

    @cached_property
    def keywords(self) -> PlanPage:
        """The page for writing keywords; created on first use."""
        return self._plan_page(KeywordForm())

    def _plan_page(self, form: SortForm | KeywordForm) -> PlanPage:
        result = PlanPage(self.client, form, self.running_tasks, self)
        result.closed.connect(self._back_to_results)
        self.plans[type(form)] = result
        self._stack.addWidget(result)
        return result

    @property
    def job(self) -> JobStatus | None:
        """The job whose results, review or plan is shown now."""
        if self._stack.currentWidget() in (self.list, self.form) or "results" not in self.__dict__:
            return None
        return self.results.job_status

    @property
    def job_id(self) -> str:
        """The id of the current job; empty if there is none."""
        return "" if self.job is None else self.job.summary.id

    @property
    def shows_results(self) -> bool:
        """Whether the results of a job are visible."""
        return "results" in self.__dict__ and self._stack.currentWidget() is self.results

    @property
    def is_reviewing(self) -> bool:
        """Whether the review is visible."""
        return "review" in self.__dict__ and self._stack.currentWidget() is self.review

    @property
    def summary(self) -> str:
        """What is shown, in one line: the job and its photos, or the number of jobs."""
        if self.job is not None:
            return tr("{folder}: {summary}", folder=title_text(self.job), summary=summary_text(self.job))
        return tr_n("{count:,} folder", "{count:,} folders", len(self.jobs))

    def show_jobs(self) -> None:
        """Show all jobs."""
        if "results" in self.__dict__:
            self.results.close_job()
        self.client.list_jobs()  # refresh the counts of reviewed photos
        self._show(self.list)
        self.list.list.setFocus()

    def open_form(self, folder: Path | None = None) -> None:
        """Show the form for a new job, with this folder selected if one is given."""
        self._show(self.form)
        self.form.open(folder)

    def classify(self, folder: Path | None = None) -> None:
        """Switch to this page and show the form, with this folder selected if one is given."""
        self.wanted.emit()
        self.open_form(folder)

    def open_job(self, job: str) -> None:
        """Show the results of a job."""
        status = self.jobs.get(job)
        if status is not None:
            self.list.select(job)  # so that it is selected when the user goes back
            self.results.open(status, self._classes(status))
            self._show(self.results)
            self.results.view_in_use.setFocus()

    def open_review(self) -> None:
        """Review the filtered photos, lowest confidence first."""
        job = self.job
        if job is not None:
            self._show(self.review)
            self.review.open(job.summary.id, self.results.view.filter, self._classes(job))

    def open_plan(self, page: PlanPage) -> None:
        """Show the page that plans sorting, or writing keywords to, the photos in the current view."""
        if self.job is not None:
            self._show(page)
            page.open(self.job.summary, self.results.view, self.missing)

    def _show(self, page: QWidget) -> None:
        self._stack.setCurrentWidget(page)
        self.state_changed.emit()

    def _back_to_results(self) -> None:
        self.open_job(self.job_id)

    def _classes(self, status: JobStatus) -> tuple[str, ...]:
        """The classes of a job's model; empty if the model is gone."""
        model = self._session.models.get(status.summary.model)
        return () if model is None else tuple(model.card.classes)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.client.list_jobs()
        self._prepare()

    def _prepare(self) -> None:
        """Create the widgets of the results page one by one while idle, before the user opens a job."""
        if "results" not in self.__dict__:
            if self._widgets.make_next():
                QTimer.singleShot(0, self, self._prepare)
            else:
                self.results.filters.prepare()

    def close_down(self) -> None:
        """End the batch process; its results are saved."""
        self.client.close()

    # ---- actions of the window

    def copy_answers(self) -> None:
        """Copy the selected rows to the clipboard."""
        if self.shows_results:
            self.results.selection.copy()

    def select_all(self) -> None:
        """Select all rows."""
        if self.shows_results:
            self.results.view_in_use.selectAll()

    def remove_selected(self) -> None:
        """Remove the selected job from the list. Rows cannot be removed: they reflect the folder."""
        status = self.list.current() if self._stack.currentWidget() is self.list else None
        if status is not None and (running := self.running_tasks.description(status.summary.id)):
            self._notices.show_notice(
                tr("Can't remove “{name}” yet. In progress: {task}.", name=title_text(status), task=running)
            )
        elif status is not None:
            self.run(self.client.remove(status.summary.id), lambda _: self._job_notices.notify_removed(status))

    def step(self, by: int) -> None:
        """Move the current row by this many."""
        if self.shows_results:
            self.results.selection.step(by)

    def resize_photos(self, step: int) -> None:
        """Show photos larger (1) or smaller (-1)."""
        if self.shows_results:
            self.results.gallery.resize_photos(step)

    @property
    def shows_inspector(self) -> bool:
        """Whether the inspector is visible."""
        return self.shows_results and not self.results.inspector.isHidden()

    def toggle_inspector(self) -> None:
        """Show or hide the inspector."""
        if self.shows_results:
            self.results.panels.toggle(self.results.inspector)

    def correct(self) -> None:
        """Ask for the class of the photo under review, or of the selected photos."""
        if self.is_reviewing:
            self.review.ask_for_class()
        elif self.shows_results:
            self.results.selection.ask_for_class()

    def remove_correction(self) -> None:
        """Remove the labels of the selected photos."""
        if self.shows_results:
            self.results.selection.review(None)

    def undo(self) -> None:
        """Undo the last review."""
        if self.is_reviewing:
            self.review.undo()
        else:
            self.reviewer.undo()

    # ---- requests

    def begin(self, request: JobRequest) -> None:
        """Start a job."""
        self.form.show_starting(is_starting=True)
        self._is_form_pending = self.client.begin(request)

    def toggle(self) -> None:
        """Pause or resume the current job; if it is finished, look for new photos."""
        if self.job is not None and self.job.activity is Activity.FINISHED:
            self.resume([self.job_id])
        elif self.job is not None:
            self.results.strip.toggle()

    def resume(self, jobs: Iterable[str]) -> None:
        """Resume stopped jobs."""
        for job in jobs:
            self.client.resume(job)

    def _resume_shown(self) -> None:
        self.resume([self.job_id])

    def stop(self) -> None:
        """Stop the current job, watching its folder, and the tasks running on its photos."""
        if self.job is not None:
            self.client.stop(self.job_id)
            self.running_tasks.stop(self.job_id)

    def run(self, ticket: int, on_done: Callable[[TaskDone], object]) -> None:
        """Call this when a task is done; if it fails, show a notice instead."""
        self._callbacks[ticket] = on_done

    def toggle_watch(self) -> None:
        """Start or stop watching the folder of the current job."""
        if self.job is not None and self.job.activity is Activity.WATCHING:
            self.client.stop(self.job_id)
        elif self.job is not None:
            self.client.watch(self.job_id)
        self.state_changed.emit()  # the action shows the actual state, not what the click set

    def export(self, format_: ReportFormat, file: Path, *, with_mark: bool = False) -> None:
        """Write the rows of the current view to a file, and show a notice when it is done."""
        ticket = self.client.export(self.job_id, self.results.view, format_, file, with_mark=with_mark)
        show = (tr("Show in folder"), lambda: show_folder(file))
        self.run(ticket, lambda done: self._notices.show_notice(done.message, action=show))

    def restore(self, job: str) -> None:
        """Restore a job that was removed from the list."""
        self.run(self.client.restore(job), lambda _: self.list.select(job))

    # ---- messages of the process

    def _on_listed(self, listed: JobsListed) -> None:
        self.jobs = {status.summary.id: status for status in listed.jobs}
        self._show_status()

    def _on_changed(self, changed: JobChanged) -> None:
        id_ = changed.status.summary.id
        self.jobs = {id_: changed.status, **self.jobs} if id_ not in self.jobs else {**self.jobs, id_: changed.status}
        self._show_status()

    def _show_status(self) -> None:
        self.list.show_jobs(self.jobs.values())
        if "results" in self.__dict__ and self.results.job_status is not None:
            status = self.jobs.get(self.results.job_status.summary.id)
            if status is not None:
                self.results.show_job(status)
        self._show_running()

    def _show_running(self) -> None:
        busy = [status for status in self.jobs.values() if status.activity in (Activity.RUNNING, Activity.PAUSED)]
        lines = [_progress_line(status, progress_text(status)) for status in busy]
        lines += [_progress_line(self.jobs[job], line) for job, line in self.running_tasks.lines() if job in self.jobs]
        self.status_changed.emit("  ".join(lines))
        self.state_changed.emit()

    def _on_started(self, started: JobStarted) -> None:
        if started.ticket == self._is_form_pending:
            self._is_form_pending = 0
            self.form.show_starting(is_starting=False)
            self.open_job(started.job)

    def _on_task_ended(self, ended: object) -> None:
        on_done = self._callbacks.pop(getattr(ended, "ticket", 0), None)
        if isinstance(ended, TaskFailed):
            self._on_task_failed(ended)
        elif isinstance(ended, TaskDone) and on_done is not None:
            on_done(ended)

    def _on_task_failed(self, failed: TaskFailed) -> None:
        if failed.ticket == self._is_form_pending:
            self._is_form_pending = 0
            self.form.show_error(failed.error)
        elif not self.is_reported_on_page(failed.ticket):
            self._notices.show_error(failed.error)

    def is_reported_on_page(self, ticket: int) -> bool:
        """Whether the visible page reports the result of a task itself."""
        page = self._stack.currentWidget()
        return isinstance(page, PlanPage) and page.is_about(ticket)

    def _on_capabilities(self, capabilities: Capabilities) -> None:
        self.missing = capabilities.missing
        self.state_changed.emit()


def _progress_line(status: JobStatus, text: str) -> str:
    return tr("{folder}: {progress}", folder=title_text(status), progress=text)


def show_folder(file: Path) -> None:
    """Open the folder that contains a file."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(file.parent)))
