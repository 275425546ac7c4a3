"""The place *Folders*: all jobs, a form for another, and the results of one with what can be made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path

from PySide6.QtCore import QTimer, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

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
    """Shows jobs, and starts the batch process when it is first seen or asked.

    Attributes:
        state_changed: other things can be done now.
        resumed: how far the jobs under way are, as one line; empty when none is.
        results_created: the results page was made; it wants to be filled with actions.
        wanted: the person wants to see this place.
        running_tasks: what is being done with photos.
        plans: the pages for sorting and for keywords that were made by now, by their form.
    """

    state_changed = Signal()
    resumed = Signal(str)
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
        """The results of a job, made when they are first wanted."""
        result = ResultsPage(self._widgets, self.client, self.reviewer, self._stack)
        result.strip.pause_wanted.connect(lambda on: self.client.pause(self.job_id, on=on))
        result.strip.stop_wanted.connect(self.stop)
        result.strip.resume_wanted.connect(self._resume_shown)
        result.panels_changed.connect(self.state_changed)
        result.noticed.connect(self._notices.show_notice)
        self._stack.addWidget(result)
        self.results_created.emit(result)
        return result

    @cached_property
    def review(self) -> ReviewPage:
        """The review, likewise."""
        result = ReviewPage(self.client, self._session.pictures, self.reviewer, self)
        result.closed.connect(self._back_to_results)
        self._stack.addWidget(result)
        return result

    @cached_property
    def sorting(self) -> PlanPage:
        """How photos are sorted into folders, likewise."""
        return self._plan_page(SortForm())

    @cached_property
    def keywords(self) -> PlanPage:
        """How keywords are written, likewise."""
        return self._plan_page(KeywordForm())

    def _plan_page(self, form: SortForm | KeywordForm) -> PlanPage:
        result = PlanPage(self.client, form, self.running_tasks, self)
        result.closed.connect(self._back_to_results)
        self.plans[type(form)] = result
        self._stack.addWidget(result)
        return result

    @property
    def job(self) -> JobStatus | None:
        """The job whose results are shown, or made use of, now."""
        if self._stack.currentWidget() in (self.list, self.form) or "results" not in self.__dict__:
            return None
        return self.results.job_status

    @property
    def job_id(self) -> str:
        """Its id; empty where there is none."""
        return "" if self.job is None else self.job.summary.id

    @property
    def shows_results(self) -> bool:
        """Whether the rows of a job are in sight."""
        return "results" in self.__dict__ and self._stack.currentWidget() is self.results

    @property
    def is_reviewing(self) -> bool:
        """Whether the review is in sight."""
        return "review" in self.__dict__ and self._stack.currentWidget() is self.review

    @property
    def summary(self) -> str:
        """What is in sight, in a line: the folder and its photos, or how many folders there are."""
        if self.job is not None:
            return f"{title_text(self.job)}: {summary_text(self.job)}"
        return "1 folder" if len(self.jobs) == 1 else f"{len(self.jobs):,} folders"

    def show_jobs(self) -> None:
        """Show all jobs."""
        if "results" in self.__dict__:
            self.results.close_job()
        self.client.list_jobs()  # how much was reviewed meanwhile
        self._show(self.list)
        self.list.list.setFocus()

    def open_form(self, folder: Path | None = None) -> None:
        """Show the form for a new job, with this folder where one is given."""
        self._show(self.form)
        self.form.open(folder)

    def classify(self, folder: Path | None = None) -> None:
        """Have the person see the form, with this folder where one is given."""
        self.wanted.emit()
        self.open_form(folder)

    def open_job(self, job: str) -> None:
        """Show the results of a job."""
        status = self.jobs.get(job)
        if status is not None:
            self.list.select(job)  # going back, the person finds it selected, and Delete is about it
            self.results.open(status, self._classes(status))
            self._show(self.results)
            self.results.view_in_use.setFocus()

    def open_review(self) -> None:
        """Go through what the filters leave, the least sure first."""
        job = self.job
        if job is not None:
            self._show(self.review)
            self.review.open(job.summary.id, self.results.filter, self._classes(job))

    def open_plan(self, page: PlanPage) -> None:
        """Show what sorting, or writing keywords, into the photos in sight would do."""
        if self.job is not None:
            self._show(page)
            page.open(self.job.summary, self.results.view, self.missing)

    def _show(self, page: QWidget) -> None:
        self._stack.setCurrentWidget(page)
        self.state_changed.emit()

    def _back_to_results(self) -> None:
        self.open_job(self.job_id)

    def _classes(self, status: JobStatus) -> tuple[str, ...]:
        """The classes of a job's model, where it is still there."""
        model = self._session.models.get(status.summary.model)
        return () if model is None else tuple(model.card.classes)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.client.list_jobs()
        self._prepare()

    def _prepare(self) -> None:
        """Make what results are shown with, a part a turn, before the person opens a job."""
        if "results" not in self.__dict__:
            if self._widgets.make_next():
                QTimer.singleShot(0, self, self._prepare)
            else:
                self.results.filters.prepare()  # all of it before it is wanted

    def close_down(self) -> None:
        """End the batch process; what it did is kept."""
        self.client.close()

    # ---- what the window's own actions do here

    def copy_answers(self) -> None:
        """Put the marked rows on the clipboard."""
        if self.shows_results:
            self.results.copy_answers()

    def select_all(self) -> None:
        """Mark all rows."""
        if self.shows_results:
            self.results.view_in_use.selectAll()

    def remove_selected(self) -> None:
        """Take the selected job from the list; rows are what is in the folder, and none is taken out."""
        status = self.list.current() if self._stack.currentWidget() is self.list else None
        if status is not None and (running := self.running_tasks.description(status.summary.id)):
            self._notices.show_notice(f"“{title_text(status)}” stays in the list for now: {running}.")
        elif status is not None:
            self.run(self.client.remove(status.summary.id), lambda _: self._job_notices.notify_removed(status))

    def step(self, by: int) -> None:
        """Look at the row this many further."""
        if self.shows_results:
            self.results.step(by)

    def resize_photos(self, step: int) -> None:
        """Show photos larger (1) or smaller (-1)."""
        if self.shows_results:
            self.results.gallery.resize_photos(step)

    @property
    def shows_inspector(self) -> bool:
        """Whether the row looked at is shown large."""
        return self.shows_results and not self.results.inspector.isHidden()

    def toggle_inspector(self) -> None:
        """Show the row looked at large, or no longer."""
        if self.shows_results:
            self.results.show_panel(self.results.inspector, shown=self.results.inspector.isHidden())

    def correct(self) -> None:
        """Let the person say what the photo, or the marked photos, are."""
        if self.is_reviewing:
            self.review.ask_for_class()
        elif self.shows_results:
            self.results.ask_for_class()

    def remove_correction(self) -> None:
        """Have nothing said about the marked photos."""
        if self.shows_results:
            self.results.review(None)

    def undo(self) -> None:
        """Take back what was said last."""
        if self.is_reviewing:
            self.review.undo()
        else:
            self.reviewer.undo()

    # ---- what is asked

    def begin(self, request: JobRequest) -> None:
        """Begin a job."""
        self.form.show_starting(is_starting=True)
        self._is_form_pending = self.client.begin(request)

    def toggle(self) -> None:
        """Pause the job in sight, or let it go on; look for what is new where it is finished."""
        if self.job is not None and self.job.activity is Activity.FINISHED:
            self.resume([self.job_id])
        elif self.job is not None:
            self.results.strip.toggle()

    def resume(self, jobs: Iterable[str]) -> None:
        """Go on with jobs that stopped."""
        for job in jobs:
            self.client.resume(job)

    def _resume_shown(self) -> None:
        self.resume([self.job_id])

    def stop(self) -> None:
        """Stop the job in sight, watching its folder, and whatever is being done with its photos."""
        if self.job is not None:
            self.client.stop(self.job_id)
            self.running_tasks.stop(self.job_id)

    def run(self, ticket: int, on_done: Callable[[TaskDone], object]) -> None:
        """Have this called when a task is done; its failure is told in a notice."""
        self._callbacks[ticket] = on_done

    def toggle_watch(self) -> None:
        """Classify what arrives in the folder from now on, or no longer."""
        if self.job is not None and self.job.activity is Activity.WATCHING:
            self.client.stop(self.job_id)
        elif self.job is not None:
            self.client.watch(self.job_id)
        self.state_changed.emit()  # what was checked by the click stays so only once it is so

    def export(self, format_: ReportFormat, file: Path, *, with_mark: bool = False) -> None:
        """Write the rows in sight to a file, and say so."""
        ticket = self.client.export(self.job_id, self.results.view, format_, file, with_mark=with_mark)
        self.run(
            ticket, lambda done: self._notices.show_notice(done.message, action=("Show it", lambda: show_folder(file)))
        )

    def restore(self, job: str) -> None:
        """Bring back a job that was taken from the list."""
        self.run(self.client.restore(job), lambda _: self.list.select(job))

    # ---- what the process says

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
        lines = [f"{title_text(status)}: {progress_text(status)}" for status in busy]
        lines += [
            f"{title_text(self.jobs[job])}: {line}" for job, line in self.running_tasks.lines() if job in self.jobs
        ]
        self.resumed.emit("  ".join(lines))
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
        """Whether the page in sight tells what became of a task."""
        page = self._stack.currentWidget()
        return isinstance(page, PlanPage) and page.is_about(ticket)

    def _on_capabilities(self, capabilities: Capabilities) -> None:
        self.missing = capabilities.missing
        self.state_changed.emit()


def show_folder(file: Path) -> None:
    """Open the folder a file was written to."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(file.parent)))
