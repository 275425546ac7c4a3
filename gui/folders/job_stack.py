"""The pages about jobs: the list, the form for a new job, results, review, sorting and keywords."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QStackedWidget, QWidget

from core.jobs.values import Filter
from gui.folders.arranging import Arranging
from gui.folders.job_form import JobForm
from gui.folders.job_view import JobView
from gui.folders.jobs_page import JobsPage
from gui.folders.outputs_controller import OutputsController
from gui.folders.plan_forms import KeywordForm, PlanForm, SortForm
from gui.folders.plan_page import PlanPage
from gui.folders.results_page import ResultsPage
from gui.folders.results_widgets import ResultsWidgets
from gui.folders.review import ReviewPage
from gui.folders.reviewer import Reviewer
from gui.session.session import Session
from gui.tasks.idle_steps import run_when_idle
from gui.tasks.task import Task, Tasks
from gui.widgets.lazy import Lazy
from gui.widgets.notices import Notices

_PAUSE_MS: Final = 10
"""The time between the creation of two widgets, in which events that came meanwhile are handled."""
_SHOWN_MS: Final = 200
"""The time in which the results of a job are shown, before the review is created."""


class JobStack(QStackedWidget):
    """Shows one of the pages. All but the first two are created on first use, or before it when the window is idle.

    Attributes:
        results_created: the results page was created, and needs its actions.
        review_created: the review was created, and needs its actions.
        panels_changed: the results page shows other panels.
        closed: the user leaves the review, or a page that plans.
        review_wanted: the user wants to review the photos that match a filter.
        list: all jobs.
        form: the form for a new job.
        plans: the pages for sorting into folders and for writing keywords, by the types of their forms.
    """

    results_created = Signal(object)
    review_created = Signal(object)
    panels_changed = Signal()
    closed = Signal()
    review_wanted = Signal(Filter)

    def __init__(
        self,
        session: Session,
        notices: Notices,
        tasks: Tasks,
        outputs: OutputsController,
        reviewer: Reviewer,
        classify: QAction,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._session, self._notices = session, notices
        self._tasks, self._outputs, self._reviewer = tasks, outputs, reviewer
        self._widgets = ResultsWidgets(self._make_view("results"), session.pictures, session.models.title_of, self)
        self._results, self._review = Lazy(self._make_results), Lazy(self._make_review)
        self.plans: Mapping[type[PlanForm], Lazy[PlanPage]] = {
            form: Lazy(partial(self._make_plan, form)) for form in (SortForm, KeywordForm)
        }
        self.list = JobsPage(classify, session.models.title_of, self)
        self.form = JobForm(session.models, session.settings, session.pictures, self)
        session.models.changed.connect(self.list.list.viewport().update)  # their titles may be known now
        self.addWidget(self.list)
        self.addWidget(self.form)

    def _make_view(self, name: str) -> JobView:
        result = JobView(name, self._tasks, self._reviewer.outbox, self)
        result.failed.connect(self._notices.show_error)
        return result

    def _make_arranging(self) -> Arranging:
        result = Arranging(self._tasks, self)
        result.failed.connect(self._notices.show_error)
        return result

    @property
    def results(self) -> ResultsPage:
        """The results of a job."""
        return self._results.get()

    @property
    def made_results(self) -> ResultsPage | None:
        """The results of a job; None until they are created."""
        return self._results.made

    def _make_results(self) -> ResultsPage:
        result = ResultsPage(self._widgets, self._reviewer, self._make_arranging(), self)
        result.panels_changed.connect(self.panels_changed)
        result.selection.noticed.connect(self._notices.show_one)
        result.filters.acceptance.review_wanted.connect(self.review_wanted)
        result.filters.acceptance.bar.valueChanged.connect(self._use_threshold)
        self._session.explaining.serve(result.inspector.map)
        self._session.forgetting.serve(result.inspector.neighbours)
        self.addWidget(result)
        self.results_created.emit(result)
        run_when_idle(self, self._prepare_review(), _SHOWN_MS)
        return result

    @property
    def review(self) -> ReviewPage:
        """The review."""
        return self._review.get()

    def _make_review(self) -> ReviewPage:
        pictures, arranging = self._session.pictures, self._make_arranging()
        result = ReviewPage(self._make_view("review"), pictures, self._reviewer, arranging, self)
        result.closed.connect(self.closed)
        self._session.explaining.serve(result.map)
        self._session.forgetting.serve(result.neighbours)
        self.addWidget(result)
        self.review_created.emit(result)
        return result

    def _make_plan(self, form: type[PlanForm]) -> PlanPage:
        result = PlanPage(self._tasks, form(), self._outputs, self)
        if not self.results.filters.acceptance.by_classes:
            result.form.threshold.show_fraction(self.results.filters.acceptance.fraction())
        result.closed.connect(self.closed)
        result.planning_failed.connect(
            lambda error: None if self.currentWidget() is result else self._notices.show_error(error)
        )
        self.addWidget(result)
        return result

    def _use_threshold(self, percent: int) -> None:
        """Sort and write keywords at the minimum confidence at which predictions are accepted."""
        for page in self.plans.values():
            if page.made is not None and not self.results.filters.acceptance.by_classes:
                page.made.form.threshold.setValue(percent)

    @property
    def shows_results(self) -> bool:
        """Whether the results of a job are shown."""
        return self.currentWidget() is self.made_results

    @property
    def is_reviewing(self) -> bool:
        """Whether the review is shown."""
        return self.currentWidget() is self._review.made

    def shows_result(self, task: Task) -> bool:
        """Whether the shown page reports the result of a task itself."""
        page = self.currentWidget()
        return isinstance(page, PlanPage) and page.is_about(task)

    def prepare(self) -> None:
        """Create the results page while the window is idle, before the user opens a job."""
        if self.made_results is None:
            run_when_idle(self, self._prepare_results(), _PAUSE_MS)

    def _prepare_results(self) -> Iterator[None]:
        while self.made_results is None and self._widgets.make_next():
            yield
        self.results.filters.prepare()
        yield

    def _prepare_review(self) -> Iterator[None]:
        """Create the review, once the results were painted."""
        yield
        self._review.get()
