"""The actions of the *Folders* page, and when they are enabled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from core.base.i18n import tr
from core.jobs.values import JobState, JobSummary
from core.outputs.reports.plan import ReportFormat
from gui.folders.browser import FolderBrowser
from gui.folders.job_commands import JobCommands
from gui.folders.page import FoldersPage
from gui.folders.plan_forms import KeywordForm, SortForm
from gui.folders.results_page import ResultsPage
from gui.folders.review import ReviewPage
from gui.shell.actions import JOB_MENU, NEEDS_JOB, PHOTO_MENU, ActionId, Actions, in_groups, no_job_text
from gui.widgets.context_menu import attach_menu
from gui.widgets.notices import Notices

EXPORTS: Final = {
    ActionId.EXPORT_CSV: ReportFormat.CSV,
    ActionId.EXPORT_CSV_BOM: ReportFormat.CSV,
    ActionId.EXPORT_EXCEL: ReportFormat.XLSX,
    ActionId.EXPORT_JSONL: ReportFormat.JSONL,
    ActionId.EXPORT_PARQUET: ReportFormat.PARQUET,
    ActionId.EXPORT_HTML: ReportFormat.HTML,
}
_ON_RESULTS: Final = (
    *(ActionId.AS_TABLE, ActionId.AS_GALLERY, ActionId.SHOW_FILTERS),
    *(ActionId.FIND_PHOTOS, ActionId.CLEAR_FILTERS, ActionId.NEW_CLASS),
)
"""Actions on the results, not on other pages about the job."""
_PLANS: Final = {ActionId.WRITE_KEYWORDS: KeywordForm, ActionId.SORT_INTO_FOLDERS: SortForm}
_EXCLUSIVE: Final = (*_PLANS, ActionId.CONTINUE_SORTING, ActionId.UNDO_SORTING)
"""Actions that modify files, of which only one may run at a time."""


class FolderCommands(QObject):
    """Implements the actions of the *Folders* page.

    Attributes:
        page: the page.
        jobs: the commands about jobs.
        browser: the actions on photos.
    """

    def __init__(self, page: FoldersPage, notices: Notices, actions: Actions) -> None:
        super().__init__(page)
        self.page, self._actions = page, actions
        self.jobs, self.browser = JobCommands(page), FolderBrowser(page, notices)
        self._table = self._make_table()
        page.stack.results_created.connect(self._fill_bar)
        page.stack.review_created.connect(self._fill_review)
        attach_menu(page.stack.list.list, lambda: in_groups(actions, JOB_MENU))
        page.state_changed.connect(self.show_state)
        self.show_state()

    def run(self, action: ActionId) -> None:
        """Run one of the actions."""
        self._table[action]()

    def _make_table(self) -> Mapping[ActionId, Callable[[], object]]:
        """The function of each action."""
        page, jobs = self.page, self.jobs

        def on_results(act: Callable[[ResultsPage], object]) -> Callable[[], object]:
            return lambda: act(page.stack.results)

        return {
            ActionId.CLASSIFY_FOLDER: page.choose_folder,
            ActionId.ALL_JOBS: page.show_jobs,
            ActionId.RESUME_JOB: jobs.toggle,
            ActionId.STOP_JOB: jobs.stop,
            ActionId.WATCH_FOLDER: jobs.toggle_watch,
            ActionId.AS_TABLE: on_results(lambda results: results.show_as(gallery=False)),
            ActionId.AS_GALLERY: on_results(lambda results: results.show_as(gallery=True)),
            ActionId.SHOW_FILTERS: on_results(lambda it: it.panels.toggle(it.filters)),
            ActionId.FIND_PHOTOS: on_results(lambda results: results.find_text()),
            ActionId.CLEAR_FILTERS: on_results(lambda results: results.filters.reset()),
            ActionId.REVIEW: page.open_review,
            ActionId.NEW_CLASS: on_results(lambda results: results.new_class.begin()),
            **{id_: partial(jobs.choose_export, form) for id_, form in EXPORTS.items()},
            ActionId.EXPORT_CSV_BOM: partial(jobs.choose_export, ReportFormat.CSV, with_mark=True),
            **{id_: partial(page.open_plan, form) for id_, form in _PLANS.items()},
            ActionId.CONTINUE_SORTING: jobs.continue_sorting,
            ActionId.UNDO_SORTING: jobs.undo_sorting,
        }

    def show_state(self) -> None:
        """Update which actions are checked and enabled, and show the reason why one is disabled."""
        page, id_, job = self.page, self._actions, self.page.job
        for one in NEEDS_JOB:
            id_[one].set_reason("" if job is not None else no_job_text())
        self._show_running(job or page.listed_job)
        if job is None:
            return
        for one in _ON_RESULTS:
            id_[one].set_reason("" if page.stack.shows_results else tr("Go back to the results first."))
        id_[ActionId.AS_TABLE].setChecked(not page.stack.results.shows_gallery)
        id_[ActionId.AS_GALLERY].setChecked(page.stack.results.shows_gallery)
        id_[ActionId.SHOW_FILTERS].setChecked(not page.stack.results.filters.isHidden())
        for one in _EXCLUSIVE:
            id_[one].set_reason(self._reason(one, job.id))
        if not page.outputs.description(job.id):
            id_[ActionId.CONTINUE_SORTING].set_reason("" if job.interrupted else tr("No sorting was interrupted."))
            id_[ActionId.UNDO_SORTING].set_reason("" if job.sortings else tr("There is no sorting to undo."))
        for one, form in EXPORTS.items():
            id_[one].set_reason(page.outputs.missing.get(form.value, ""))

    def _show_running(self, job: JobSummary | None) -> None:
        """Enable what can be done with a running or ended job."""
        if job is None:
            return
        id_, state = self._actions, job.state
        can_watch = state in (JobState.STOPPED, JobState.FINISHED, JobState.WATCHING)
        id_[ActionId.WATCH_FOLDER].setChecked(state is JobState.WATCHING)
        id_[ActionId.WATCH_FOLDER].set_reason("" if can_watch else tr("The folder is being classified or is missing."))
        is_elsewhere = state is JobState.EXTERNAL
        id_[ActionId.RESUME_JOB].set_reason(tr("The job runs in another program.") if is_elsewhere else "")
        is_busy = state in (JobState.RUNNING, JobState.PAUSED, JobState.WATCHING)
        can_stop = is_busy or bool(self.page.outputs.description(job.id))
        id_[ActionId.STOP_JOB].set_reason("" if can_stop else tr("Nothing is running in this folder."))

    def _reason(self, one: ActionId, job: str) -> str:
        """Why an action has to wait; empty if it is enabled, as is the one whose own plan page shows its progress."""
        form = _PLANS.get(one)
        plan = self.page.stack.plans[form].made if form is not None else None
        busy_with = "" if plan is None else plan.busy_with
        if busy_with == job:
            return ""
        return self.page.outputs.description(job) or (tr("waiting for another folder") if busy_with else "")

    def _fill_review(self, review: ReviewPage) -> None:
        menu = QMenu(review)
        menu.addActions([self._actions[one] for one in EXPORTS])
        review.end.fill(self._actions[ActionId.SORT_INTO_FOLDERS], menu)
        review.end.retrain_wanted.connect(self._actions[ActionId.SHOW_PHOTOS].trigger)  # shows how it goes
        review.end.retrain_wanted.connect(self._actions[ActionId.RETRAIN].trigger)

    def _fill_bar(self, results: ResultsPage) -> None:
        id_ = self._actions
        for view in (results.table, results.gallery):
            attach_menu(view, lambda: in_groups(id_, ((ActionId.NEW_CLASS,), *PHOTO_MENU)))
        results.learn.fill(id_[ActionId.NEW_CLASS])
        menu = QMenu(results)
        menu.setToolTipsVisible(True)
        menu.addActions([id_[one] for one in EXPORTS])
        menu.addSeparator()
        menu.addActions([id_[one] for one in _EXCLUSIVE])
        menu.addSeparator()
        menu.addActions([id_[one] for one in (ActionId.WATCH_FOLDER, ActionId.RESUME_JOB)])
        results.bar.fill(
            id_[ActionId.ALL_JOBS],
            (id_[ActionId.AS_TABLE], id_[ActionId.AS_GALLERY]),
            id_[ActionId.REVIEW],
            menu,
            id_[ActionId.SHOW_FILTERS],
        )
