"""The *Folders* page: the list of jobs, the form for a new one, and the results of one with their exports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QHideEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from core.base.errors import StorageError
from core.base.i18n import tr, tr_n
from core.jobs.values import JobSummary
from core.services.processes import serve_batch
from gui.folders.job_form import JobForm
from gui.folders.job_notices import JobNotices
from gui.folders.job_text import summary_text, title_text
from gui.folders.job_view import JobView
from gui.folders.jobs_controller import JobsController
from gui.folders.jobs_page import JobsPage
from gui.folders.outputs_controller import OutputsController
from gui.folders.plan_forms import KeywordForm, PlanForm, SortForm
from gui.folders.plan_page import PlanPage
from gui.folders.results_page import ResultsPage
from gui.folders.results_widgets import ResultsWidgets
from gui.folders.review import ReviewPage
from gui.folders.review_outbox import ReviewOutbox
from gui.folders.reviewer import Reviewer
from gui.session.session import Session
from gui.tasks.idle_steps import run_when_idle
from gui.tasks.task import Task, Tasks
from gui.widgets.layouts import vbox
from gui.widgets.lazy import Lazy
from gui.widgets.notices import Notices

_PAUSE_MS: Final = 10
"""The time between the creation of two widgets, in which events that came meanwhile are handled."""
_SHOWN_MS: Final = 200
"""The time in which the results of a job are shown, before the review is created."""


class FoldersPage(QWidget):
    """Shows jobs. The batch process starts when the page is first shown or used.

    Attributes:
        state_changed: the set of available actions may have changed.
        results_created: the results page was created, and needs its actions.
        review_created: the review was created, and needs its actions.
        wanted: the user asked for something that this page shows.
        tasks: the batch process.
        jobs: all jobs, and those that run.
        outputs: what is made of the photos of jobs.
        reviewer: stores reviews.
        list: all jobs.
        form: the form for a new job.
        plans: the pages for sorting into folders and for writing keywords, by the types of their forms.
    """

    state_changed = Signal()
    results_created = Signal(object)
    review_created = Signal(object)
    wanted = Signal()

    def __init__(self, session: Session, notices: Notices, classify: QAction, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._models, self._pictures, self._notices = session.models, session.pictures, notices
        self._explaining = session.explaining
        self.tasks = Tasks(serve_batch, _exit_error(), self)
        self.jobs, self.outputs = JobsController(self.tasks, self), OutputsController(self.tasks, self)
        self.reviewer = Reviewer(ReviewOutbox(self.tasks, self), self.outputs, session.corrections, self)
        self._job_notices = JobNotices(self.jobs, self.outputs, notices, self._shows_result, self)
        self._widgets = ResultsWidgets(self._make_view("results"), session.pictures, session.models.title_of, self)
        self._results, self._review = Lazy(self._make_results), Lazy(self._make_review)
        self.plans: Mapping[type[PlanForm], Lazy[PlanPage]] = {
            form: Lazy(partial(self._make_plan, form)) for form in (SortForm, KeywordForm)
        }
        self._stack = QStackedWidget(self)
        self.list = JobsPage(classify, session.models.title_of, self._stack)
        self.form = JobForm(session.models, session.settings, session.pictures, self._stack)
        self._stack.addWidget(self.list)
        self._stack.addWidget(self.form)
        vbox(self._stack, parent=self, margins=12)
        self._connect()

    def _connect(self) -> None:
        self.tasks.warned.connect(self._notices.show_warning)
        self.tasks.failed.connect(self._job_notices.show_unavailable)
        self.reviewer.outbox.failed.connect(self._notices.show_error)
        self.jobs.changed.connect(self._on_jobs_changed)
        self.jobs.restored.connect(self.list.select)
        self.outputs.changed.connect(self.state_changed)
        self.outputs.ended.connect(self.jobs.refresh)
        self.reviewer.reviewed.connect(lambda _: self._count_reviews())
        self.list.opened.connect(self.open_job)
        self.list.list.currentRowChanged.connect(self.state_changed)
        self.form.cancelled.connect(self.show_jobs)
        self._models.changed.connect(self.list.list.viewport().update)  # their titles may be known now

    def _make_view(self, name: str) -> JobView:
        result = JobView(name, self.tasks, self.reviewer.outbox, self)
        result.failed.connect(self._notices.show_error)
        return result

    # ---- pages, created on first use

    @property
    def results(self) -> ResultsPage:
        """The results of a job."""
        return self._results.get()

    def _make_results(self) -> ResultsPage:
        result = ResultsPage(self._widgets, self.reviewer, self._stack)
        result.panels_changed.connect(self.state_changed)
        result.selection.noticed.connect(self._notices.show_one)
        self._explaining.serve(result.inspector.map)
        self._stack.addWidget(result)
        self.results_created.emit(result)
        run_when_idle(self, self._prepare_review(), _SHOWN_MS)
        return result

    @property
    def review(self) -> ReviewPage:
        """The review."""
        return self._review.get()

    def _make_review(self) -> ReviewPage:
        result = ReviewPage(self._make_view("review"), self._pictures, self.reviewer, self)
        result.closed.connect(self._back_to_results)
        self._explaining.serve(result.map)
        self._stack.addWidget(result)
        self.review_created.emit(result)
        return result

    def _make_plan(self, form: type[PlanForm]) -> PlanPage:
        result = PlanPage(self.tasks, form(), self.outputs, self)
        result.closed.connect(self._back_to_results)
        result.planning_failed.connect(
            lambda error: None if self._stack.currentWidget() is result else self._notices.show_error(error)
        )
        self._stack.addWidget(result)
        return result

    # ---- what is shown

    @property
    def job(self) -> JobSummary | None:
        """The job whose results, review or plan is shown now."""
        results = self._results.made
        return None if results is None or self._stack.currentWidget() in (self.list, self.form) else results.job

    @property
    def listed_job(self) -> JobSummary | None:
        """The job that is selected in the list, while the list is shown."""
        return self.list.current() if self._stack.currentWidget() is self.list else None

    @property
    def shows_results(self) -> bool:
        """Whether the results of a job are visible."""
        return self._stack.currentWidget() is self._results.made

    @property
    def is_reviewing(self) -> bool:
        """Whether the review is visible."""
        return self._stack.currentWidget() is self._review.made

    @property
    def summary(self) -> str:
        """What is shown, in one line: the job and its photos, or the number of jobs; empty if it is not known yet."""
        if self.job is not None:
            return tr("{folder}: {summary}", folder=title_text(self.job), summary=summary_text(self.job))
        return tr_n("{count:,} folder", "{count:,} folders", len(self.jobs.all)) if self.list.is_known else ""

    def show_jobs(self) -> None:
        """Show all jobs."""
        if self._results.made is not None:
            self._results.made.close_job()
        self.jobs.refresh()  # for the counts of reviewed photos
        self._show(self.list)
        self.list.list.setFocus()

    def choose_folder(self) -> None:
        """Ask for the folder of a new job, over its form."""
        self.open_form()
        self.form.ask_for_folder()

    def open_form(self, folder: Path | None = None) -> None:
        """Show the form for a new job, with this folder selected if one is given."""
        self.wanted.emit()
        self._show(self.form)
        self.form.open(folder)

    def open_job(self, job: str) -> None:
        """Show the results of a job."""
        status = self.jobs.all.get(job)
        if status is not None:
            if self.job is None:
                self.reviewer.take_over_labels(job)
            self.list.select(job)  # so that it is selected when the user goes back
            self.results.open(status, self.reviewer.classes_of(status, self._models.installed))
            self._show(self.results)
            self.results.view_in_use.setFocus()

    def open_review(self) -> None:
        """Review the filtered photos, lowest confidence first."""
        job = self.job
        if job is not None:
            self._show(self.review)
            model = self._models.current
            can_retrain = model is not None and model.card.name == job.model and model.has_training_data
            classes = self.reviewer.classes_of(job, self._models.installed)
            self.review.open(job.id, self.results.view.filter, classes, can_retrain=can_retrain)

    def open_plan(self, form: type[PlanForm]) -> None:
        """Show the page that plans sorting, or writing keywords to, the photos in the current view."""
        job = self.job
        if job is not None:
            page = self.plans[form].get()
            self._show(page)
            page.open(job, self.results.view, self.outputs.missing)

    def _show(self, page: QWidget) -> None:
        if self.job is not None and page not in (self.list, self.form, self._results.made):
            self._job_notices.forget(self.job)
        self._stack.setCurrentWidget(page)
        self.state_changed.emit()

    def _back_to_results(self) -> None:
        if self.job is not None:
            self.open_job(self.job.id)
            self._count_reviews()

    def _count_reviews(self) -> None:
        """List the jobs with their new counts; after a review only once, when it ends."""
        if not self.is_reviewing:
            self.reviewer.outbox.when_stored(self.jobs.refresh)

    def _on_jobs_changed(self) -> None:
        self.list.show_jobs(self.jobs.all.values())
        results = self._results.made
        if results is not None and results.job is not None:
            job = self.jobs.all.get(results.job.id)
            if job is not None:
                results.show_job(job)
        self.state_changed.emit()

    def _shows_result(self, task: Task) -> bool:
        """Whether the visible page reports the result of a task itself."""
        page = self._stack.currentWidget()
        return isinstance(page, PlanPage) and page.is_about(task)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.jobs.refresh()
        if self.job is not None:
            self.reviewer.take_over_labels(self.job.id)
        self.outputs.prepare()
        if self._results.made is None:
            run_when_idle(self, self._prepare(), _PAUSE_MS)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.state_changed.emit()

    def _prepare(self) -> Iterator[None]:
        """Create the widgets of the results page one by one, before the user opens a job."""
        while self._results.made is None and self._widgets.make_next():
            yield
        self.results.filters.prepare()
        yield

    def _prepare_review(self) -> Iterator[None]:
        """Create the review, once the results were painted."""
        yield
        self._review.get()


def _exit_error() -> StorageError:
    return StorageError(
        tr("The part of Fovea that processes folders stopped unexpectedly."), hint=tr("It was restarted. Try again.")
    )
