"""The *Folders* page: the list of jobs, the form for a new one, and the results of one with their exports."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from core.api import jobs as api
from core.base.errors import StorageError
from core.base.i18n import tr, tr_n
from core.jobs.values import JobSummary, View
from core.services.processes import serve_batch
from gui.folders.job_notices import JobNotices
from gui.folders.job_stack import JobStack
from gui.folders.job_text import summary_text, title_text
from gui.folders.jobs_controller import JobsController
from gui.folders.outputs_controller import OutputsController
from gui.folders.plan_forms import PlanForm
from gui.folders.review_outbox import ReviewOutbox
from gui.folders.reviewer import Reviewer
from gui.session.session import Session
from gui.tasks.task import Tasks
from gui.widgets.layouts import vbox
from gui.widgets.notices import Notices


class FoldersPage(QWidget):
    """Shows jobs. The batch process starts when the page is first shown or used.

    Attributes:
        state_changed: the set of available actions may have changed.
        wanted: the user asked for something that this page shows.
        tasks: the batch process.
        jobs: all jobs, and those that run.
        outputs: what is made of the photos of jobs.
        reviewer: stores reviews.
        stack: the pages about jobs.
    """

    state_changed = Signal()
    wanted = Signal()

    def __init__(self, session: Session, notices: Notices, classify: QAction, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._models, self._notices = session.models, notices
        self.tasks = Tasks(serve_batch, _exit_error(), self)
        self.jobs, self.outputs = JobsController(self.tasks, self), OutputsController(self.tasks, self)
        self.reviewer = Reviewer(ReviewOutbox(self.tasks, self), self.outputs, session.corrections, self)
        self.stack = JobStack(session, notices, self.tasks, self.outputs, self.reviewer, classify, self)
        self._job_notices = JobNotices(self.jobs, self.outputs, notices, self.stack.shows_result, self)
        vbox(self.stack, parent=self, margins=12)
        self._connect()

    def _connect(self) -> None:
        self.tasks.warned.connect(self._notices.show_warning)
        self.tasks.failed.connect(self._job_notices.show_unavailable)
        self.reviewer.outbox.failed.connect(self._notices.show_error)
        self._job_notices.unknown_wanted.connect(self.show_unknown)
        self._models.changed.connect(self._show_active_version)
        self.jobs.changed.connect(self._on_jobs_changed)
        self.jobs.restored.connect(self.stack.list.select)
        self.outputs.changed.connect(self.state_changed)
        self.outputs.ended.connect(self.jobs.refresh)
        self.reviewer.reviewed.connect(lambda _: self._count_reviews())
        self.stack.list.opened.connect(self.open_job)
        self.stack.list.list.currentRowChanged.connect(self.state_changed)
        run_job = partial(self.jobs.run, api.run_job, on_started=self.open_job, on_refused=self.stack.form.show_error)
        self.stack.form.submitted.connect(run_job)
        self.stack.form.cancelled.connect(self.show_jobs)
        self.stack.panels_changed.connect(self.state_changed)
        self.stack.closed.connect(self._back_to_results)
        self.stack.review_wanted.connect(lambda chosen: self._open_review(View(filter=chosen)))
        self.stack.results_created.connect(lambda it: it.learn.again_wanted.connect(self._classify_again))

    # ---- what is shown

    @property
    def job(self) -> JobSummary | None:
        """The job whose results, review or plan is shown now."""
        results, stack = self.stack.made_results, self.stack
        return None if results is None or stack.currentWidget() in (stack.list, stack.form) else results.job

    @property
    def listed_job(self) -> JobSummary | None:
        """The job that is selected in the list, while the list is shown."""
        return self.stack.list.current() if self.stack.currentWidget() is self.stack.list else None

    @property
    def summary(self) -> str:
        """What is shown, in one line: the job and its photos, or the number of jobs; empty if it is not known yet."""
        if self.job is not None:
            return tr("{folder}: {summary}", folder=title_text(self.job), summary=summary_text(self.job))
        return tr_n("{count:,} folder", "{count:,} folders", len(self.jobs.all)) if self.stack.list.is_known else ""

    def show_jobs(self) -> None:
        """Show all jobs."""
        if self.stack.made_results is not None:
            self.stack.made_results.close_job()
        self.jobs.refresh()  # for the counts of reviewed photos
        self._show(self.stack.list)
        self.stack.list.list.setFocus()

    def choose_folder(self) -> None:
        """Ask for the folder of a new job, over its form."""
        self.open_form()
        self.stack.form.ask_for_folder()

    def open_form(self, folder: Path | None = None) -> None:
        """Show the form for a new job, with this folder selected if one is given."""
        self.wanted.emit()
        self._show(self.stack.form)
        self.stack.form.open(folder)

    def open_job(self, job: str, *, unknown: bool = False) -> None:
        """Show the results of a job; of the unknown photos only, those that look alike together, if wanted."""
        status = self.jobs.all.get(job)
        if status is not None:
            if self.job is None:
                self.reviewer.take_over_labels(job)
            self.stack.list.select(job)  # so that it is selected when the user goes back
            results = self.stack.results
            results.selection.open(job, self.reviewer.classes_of(status, self._models.installed))
            results.show_job(status)
            if unknown:
                results.show_unknown()
            else:
                results.open_view()
            self._show(results)
            self._show_active_version()
            results.view_in_use.setFocus()

    def show_unknown(self, job: str) -> None:
        """Show the unknown photos of a job, those that look alike together."""
        self.wanted.emit()
        self.open_job(job, unknown=True)

    def _classify_again(self) -> None:
        if self.job is not None:
            self.jobs.run(api.classify_job_again, self.job.id)

    def _show_active_version(self) -> None:
        results = self.stack.made_results
        if results is not None and results.job is not None:
            model = self._models.installed.get(results.job.model)
            results.show_active_version(None if model is None else model.version)

    def open_review(self) -> None:
        """Review the filtered photos."""
        self._open_review(self.stack.results.view)

    def _open_review(self, chosen: View) -> None:
        job = self.job
        if job is not None:
            self._show(self.stack.review)
            model = self._models.current
            can_retrain = model is not None and model.card.name == job.model and model.has_training_data
            classes = self.reviewer.classes_of(job, self._models.installed)
            self.stack.review.open(job.id, chosen, classes, can_retrain=can_retrain)

    def open_plan(self, form: type[PlanForm]) -> None:
        """Show the page that plans sorting, or writing keywords to, the photos in the current view."""
        job = self.job
        if job is not None:
            page = self.stack.plans[form].get()
            self._show(page)
            page.form.allow_threshold(applies=not self.stack.results.filters.acceptance.by_classes)
            model = self._models.installed.get(job.model)
            page.form.offer_groups(has_groups=model is not None and model.card.hierarchy is not None)
            page.open(job, self.stack.results.view, self.outputs.missing)

    def _show(self, page: QWidget) -> None:
        if self.job is not None and page not in (self.stack.list, self.stack.form, self.stack.made_results):
            self._job_notices.forget(self.job)
        self.stack.setCurrentWidget(page)
        self.state_changed.emit()

    def _back_to_results(self) -> None:
        if self.job is not None:
            self.open_job(self.job.id)
            self._count_reviews()

    def _count_reviews(self) -> None:
        """List the jobs with their new counts; after a review only once, when it ends."""
        if not self.stack.is_reviewing:
            self.reviewer.outbox.when_stored(self.jobs.refresh)

    def _on_jobs_changed(self) -> None:
        self.stack.list.show_jobs(self.jobs.all.values())
        results = self.stack.made_results
        if results is not None and results.job is not None:
            job = self.jobs.all.get(results.job.id)
            if job is not None:
                results.show_job(job)
                self._show_active_version()
        self.state_changed.emit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.jobs.refresh()
        if self.job is not None:
            self.reviewer.take_over_labels(self.job.id)
        self.outputs.prepare()
        self.stack.prepare()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.state_changed.emit()


def _exit_error() -> StorageError:
    return StorageError(
        tr("The part of Fovea that processes folders stopped unexpectedly."), hint=tr("It was restarted. Try again.")
    )
