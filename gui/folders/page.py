"""The place *Folders*: all jobs, a form for another, and the results of one with what can be made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path

from PySide6.QtCore import QTimer, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from core.jobs.values import JobRequest
from core.outputs.reports.plan import Form
from core.services.batch_messages import Begun, JobChanged, JobsListed, Means, TaskDone, TaskFailed
from core.services.batch_values import Doing, JobNews
from gui.folders.external_jobs import Elsewhere
from gui.folders.job_form import JobForm
from gui.folders.job_notices import Tidings
from gui.folders.job_text import progress_text, standing_text, title_text
from gui.folders.jobs_page import JobsPage
from gui.folders.plan_forms import KeywordForm, PlanForm, SortForm
from gui.folders.plan_page import PlanPage
from gui.folders.results_page import ResultsPage
from gui.folders.results_widgets import ResultsParts
from gui.folders.review import ReviewPage
from gui.folders.reviewer import Reviewer
from gui.folders.running_tasks import Deeds
from gui.session.session import Session
from gui.tasks.jobs_client import BatchClient
from gui.widgets.notices import Notices


class FoldersPage(QWidget):
    """Shows jobs, and starts the batch process when it is first seen or asked.

    Attributes:
        state_changed: other things can be done now.
        went_on: how far the jobs under way are, as one line; empty when none is.
        results_made: the results page was made; it wants to be filled with actions.
        wanted: the person wants to see this place.
        deeds: what is being done with photos.
        plans: the pages for sorting and for keywords that were made by now, by their form.
    """

    state_changed = Signal()
    went_on = Signal(str)
    results_made = Signal(object)
    wanted = Signal()

    def __init__(self, session: Session, notices: Notices, classify: QAction, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._session, self._notices = session, notices
        self.client = BatchClient(self)
        self.deeds, self._elsewhere = Deeds(self.client, self), Elsewhere(self.client, self)
        self._tidings = Tidings(self, notices, self)
        self.reviewer = Reviewer(self.client, session.corrections, self.deeds, self)
        self.jobs: dict[str, JobNews] = {}
        self.lacking: Mapping[str, str] = {}
        self._wanted: dict[int, Callable[[TaskDone], object]] = {}
        self._asked_by_form = 0
        self.plans: dict[type[PlanForm], PlanPage] = {}
        self._parts = ResultsParts(self.client, session.pictures, self)
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
        client.begun.connect(self._on_begun)
        client.task_ended.connect(self._on_task_ended)
        client.means.connect(self._on_means)
        self.deeds.changed.connect(self._show_under_way)
        self.list.opened.connect(self.open_job)
        self.form.asked.connect(self.begin)
        self.form.left.connect(self.show_jobs)

    # ---- what is shown

    @cached_property
    def results(self) -> ResultsPage:
        """The results of a job, made when they are first wanted."""
        made = ResultsPage(self._parts, self.client, self.reviewer, self._stack)
        made.strip.pause_wanted.connect(lambda on: self.client.pause(self.job_id, on=on))
        made.strip.stop_wanted.connect(self.stop)
        made.strip.go_on_wanted.connect(self._go_on_shown)
        made.panels_changed.connect(self.state_changed)
        made.noticed.connect(self._notices.tell)
        self._stack.addWidget(made)
        self.results_made.emit(made)
        return made

    @cached_property
    def review(self) -> ReviewPage:
        """The review, likewise."""
        made = ReviewPage(self.client, self._session.pictures, self.reviewer, self)
        made.left.connect(self._back_to_results)
        self._stack.addWidget(made)
        return made

    @cached_property
    def sorting(self) -> PlanPage:
        """How photos are sorted into folders, likewise."""
        return self._plan_page(SortForm())

    @cached_property
    def keywords(self) -> PlanPage:
        """How keywords are written, likewise."""
        return self._plan_page(KeywordForm())

    def _plan_page(self, form: SortForm | KeywordForm) -> PlanPage:
        made = PlanPage(self.client, form, self.deeds, self)
        made.left.connect(self._back_to_results)
        self.plans[type(form)] = made
        self._stack.addWidget(made)
        return made

    @property
    def job(self) -> JobNews | None:
        """The job whose results are shown, or made use of, now."""
        if self._stack.currentWidget() in (self.list, self.form) or "results" not in self.__dict__:
            return None
        return self.results.news

    @property
    def job_id(self) -> str:
        """Its id; empty where there is none."""
        return "" if self.job is None else self.job.facts.id

    @property
    def shows_results(self) -> bool:
        """Whether the rows of a job are in sight."""
        return "results" in self.__dict__ and self._stack.currentWidget() is self.results

    @property
    def is_reviewing(self) -> bool:
        """Whether the review is in sight."""
        return "review" in self.__dict__ and self._stack.currentWidget() is self.review

    @property
    def standing(self) -> str:
        """What is in sight, in a line: the folder and its photos, or how many folders there are."""
        if self.job is not None:
            return f"{title_text(self.job)}: {standing_text(self.job)}"
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
        news = self.jobs.get(job)
        if news is not None:
            self.list.select(job)  # going back, the person finds it selected, and Delete is about it
            self.results.open(news, self._classes(news))
            self._show(self.results)
            self.results.view_in_use.setFocus()

    def open_review(self) -> None:
        """Go through what the filters leave, the least sure first."""
        job = self.job
        if job is not None:
            self._show(self.review)
            self.review.open(job.facts.id, self.results.filter, self._classes(job))

    def open_plan(self, page: PlanPage) -> None:
        """Show what sorting, or writing keywords, into the photos in sight would do."""
        if self.job is not None:
            self._show(page)
            page.open(self.job.facts, self.results.view, self.lacking)

    def _show(self, page: QWidget) -> None:
        self._stack.setCurrentWidget(page)
        self.state_changed.emit()

    def _back_to_results(self) -> None:
        self.open_job(self.job_id)

    def _classes(self, news: JobNews) -> tuple[str, ...]:
        """The classes of a job's model, where it is still there."""
        model = self._session.models.get(news.facts.model)
        return () if model is None else tuple(model.card.classes)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.client.list_jobs()
        self._prepare()

    def _prepare(self) -> None:
        """Make what results are shown with, a part a turn, before the person opens a job."""
        if "results" not in self.__dict__:
            if self._parts.make_next():
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
        news = self.list.current() if self._stack.currentWidget() is self.list else None
        if news is not None and (words := self.deeds.words(news.facts.id)):
            self._notices.tell(f"“{title_text(news)}” stays in the list for now: {words}.")
        elif news is not None:
            self.run(self.client.remove(news.facts.id), lambda _: self._tidings.tell_removed(news))

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

    def take_back(self) -> None:
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
        self.form.show_beginning(is_so=True)
        self._asked_by_form = self.client.begin(request)

    def toggle(self) -> None:
        """Pause the job in sight, or let it go on; look for what is new where it is finished."""
        if self.job is not None and self.job.doing is Doing.FINISHED:
            self.go_on([self.job_id])
        elif self.job is not None:
            self.results.strip.toggle()

    def go_on(self, jobs: Iterable[str]) -> None:
        """Go on with jobs that stopped."""
        for job in jobs:
            self.client.go_on(job)

    def _go_on_shown(self) -> None:
        self.go_on([self.job_id])

    def stop(self) -> None:
        """Stop the job in sight, watching its folder, and whatever is being done with its photos."""
        if self.job is not None:
            self.client.stop(self.job_id)
            self.deeds.stop(self.job_id)

    def run(self, ticket: int, then: Callable[[TaskDone], object]) -> None:
        """Have this called when a task is done; its failure is told in a notice."""
        self._wanted[ticket] = then

    def toggle_watch(self) -> None:
        """Classify what arrives in the folder from now on, or no longer."""
        if self.job is not None and self.job.doing is Doing.WATCHING:
            self.client.stop(self.job_id)
        elif self.job is not None:
            self.client.watch(self.job_id)
        self.state_changed.emit()  # what was checked by the click stays so only once it is so

    def export(self, form: Form, file: Path, *, with_mark: bool = False) -> None:
        """Write the rows in sight to a file, and say so."""
        ticket = self.client.export(self.job_id, self.results.view, form, file, with_mark=with_mark)
        self.run(ticket, lambda done: self._notices.tell(done.told, offer=("Show it", lambda: show_folder(file))))

    def restore(self, job: str) -> None:
        """Bring back a job that was taken from the list."""
        self.run(self.client.restore(job), lambda _: self.list.select(job))

    # ---- what the process says

    def _on_listed(self, listed: JobsListed) -> None:
        self.jobs = {news.facts.id: news for news in listed.jobs}
        self._show_news()

    def _on_changed(self, changed: JobChanged) -> None:
        id_ = changed.news.facts.id
        self.jobs = {id_: changed.news, **self.jobs} if id_ not in self.jobs else {**self.jobs, id_: changed.news}
        self._show_news()

    def _show_news(self) -> None:
        self.list.show_jobs(self.jobs.values())
        if "results" in self.__dict__ and self.results.news is not None:
            news = self.jobs.get(self.results.news.facts.id)
            if news is not None:
                self.results.show_news(news)
        self._show_under_way()

    def _show_under_way(self) -> None:
        busy = [news for news in self.jobs.values() if news.doing in (Doing.RUNNING, Doing.PAUSED)]
        lines = [f"{title_text(news)}: {progress_text(news)}" for news in busy]
        lines += [f"{title_text(self.jobs[job])}: {line}" for job, line in self.deeds.lines() if job in self.jobs]
        self.went_on.emit("  ".join(lines))
        self.state_changed.emit()

    def _on_begun(self, begun: Begun) -> None:
        if begun.ticket == self._asked_by_form:
            self._asked_by_form = 0
            self.form.show_beginning(is_so=False)
            self.open_job(begun.job)

    def _on_task_ended(self, ended: object) -> None:
        then = self._wanted.pop(getattr(ended, "ticket", 0), None)
        if isinstance(ended, TaskFailed):
            self._on_task_failed(ended)
        elif isinstance(ended, TaskDone) and then is not None:
            then(ended)

    def _on_task_failed(self, failed: TaskFailed) -> None:
        if failed.ticket == self._asked_by_form:
            self._asked_by_form = 0
            self.form.show_error(failed.error)
        elif not self.is_told_in_sight(failed.ticket):
            self._notices.tell_error(failed.error)

    def is_told_in_sight(self, ticket: int) -> bool:
        """Whether the page in sight tells what became of a task."""
        page = self._stack.currentWidget()
        return isinstance(page, PlanPage) and page.is_about(ticket)

    def _on_means(self, means: Means) -> None:
        self.lacking = means.lacking
        self.state_changed.emit()


def show_folder(file: Path) -> None:
    """Open the folder a file was written to."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(file.parent)))
