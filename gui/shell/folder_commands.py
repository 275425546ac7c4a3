"""What the actions of the place *Folders* do, and which of them can be done now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMenu

from core.outputs.reports.plan import Form
from core.services.batch_values import Doing
from gui.folders.page import FoldersPage
from gui.folders.plan_forms import KeywordForm, SortForm
from gui.folders.results_page import ResultsPage
from gui.shell.actions import ON_A_JOB, Act, Actions

EXPORTS: Final = {
    Act.EXPORT_CSV: Form.CSV,
    Act.EXPORT_CSV_BOM: Form.CSV,
    Act.EXPORT_EXCEL: Form.XLSX,
    Act.EXPORT_JSONL: Form.JSONL,
    Act.EXPORT_PARQUET: Form.PARQUET,
    Act.EXPORT_HTML: Form.HTML,
}
_ONE_AT_A_TIME: Final = (Act.WRITE_KEYWORDS, Act.SORT_INTO_FOLDERS, Act.CONTINUE_SORTING, Act.UNDO_SORTING)
"""What writes photos, or beside them, waits until the last such thing is done."""


class FolderCommands(QObject):
    """Carries out actions on the page *Folders*.

    Attributes:
        page: that page.
    """

    def __init__(self, page: FoldersPage, actions: Actions) -> None:
        super().__init__(page)
        self.page, self._actions = page, actions
        self._table = self._make_table()
        self._titles = {act: (actions[act].text(), actions[act].toolTip()) for act in (*EXPORTS, *_ONE_AT_A_TIME)}
        page.results_made.connect(self._fill_bar)
        page.list.list.addAction(actions[Act.REMOVE])
        page.state_changed.connect(self.show_state)
        self.show_state()

    def do(self, act: Act) -> None:
        """Carry out one of the actions."""
        self._table[act]()

    def _make_table(self) -> Mapping[Act, Callable[[], object]]:
        """What each action does to the page."""
        page = self.page

        def on_results(act: Callable[[ResultsPage], object]) -> Callable[[], object]:
            return lambda: act(page.results)

        return {
            Act.CLASSIFY_FOLDER: page.classify,
            Act.ALL_JOBS: page.show_jobs,
            Act.GO_ON: page.toggle,
            Act.STOP_JOB: page.stop,
            Act.WATCH_FOLDER: page.toggle_watch,
            Act.AS_TABLE: on_results(lambda results: results.show_as(gallery=False)),
            Act.AS_GALLERY: on_results(lambda results: results.show_as(gallery=True)),
            Act.SHOW_FILTERS: on_results(lambda it: it.show_panel(it.filters, shown=it.filters.isHidden())),
            Act.FIND_PHOTOS: on_results(lambda results: results.find_text()),
            Act.CLEAR_FILTERS: on_results(lambda results: results.filters.reset()),
            Act.REVIEW: page.open_review,
            **{act: partial(_export, page, form, with_mark=act is Act.EXPORT_CSV_BOM) for act, form in EXPORTS.items()},
            Act.WRITE_KEYWORDS: lambda: page.open_plan(page.keywords),
            Act.SORT_INTO_FOLDERS: lambda: page.open_plan(page.sorting),
            Act.CONTINUE_SORTING: lambda: page.deeds.continue_sorting(page.job_id),
            Act.UNDO_SORTING: lambda: page.deeds.undo_sorting(page.job_id),
        }

    def show_state(self) -> None:
        """Check what is chosen, and dim what cannot be done now, with the reason where there is one."""
        page, act, job = self.page, self._actions, self.page.job
        for one in ON_A_JOB:
            act[one].setEnabled(job is not None)
        if job is None:
            return
        for one in (Act.AS_TABLE, Act.AS_GALLERY, Act.SHOW_FILTERS, Act.FIND_PHOTOS, Act.CLEAR_FILTERS):
            act[one].setEnabled(page.shows_results)
        act[Act.AS_TABLE].setChecked(not page.results.bar.shows_gallery)
        act[Act.AS_GALLERY].setChecked(page.results.bar.shows_gallery)
        act[Act.SHOW_FILTERS].setChecked(not page.results.filters.isHidden())
        act[Act.WATCH_FOLDER].setChecked(job.doing is Doing.WATCHING)
        act[Act.WATCH_FOLDER].setEnabled(job.doing in (Doing.STOPPED, Doing.FINISHED, Doing.WATCHING))
        act[Act.GO_ON].setEnabled(job.doing is not Doing.ELSEWHERE)
        words = page.deeds.words(job.facts.id)
        act[Act.STOP_JOB].setEnabled(bool(words) or job.doing in (Doing.RUNNING, Doing.PAUSED, Doing.WATCHING))
        for one in _ONE_AT_A_TIME:
            self._dim(one, self._reason(one, job.facts.id))
        if not words:
            act[Act.CONTINUE_SORTING].setEnabled(bool(job.interrupted))
            act[Act.UNDO_SORTING].setEnabled(bool(job.sortings))
        for one, form in EXPORTS.items():
            self._dim(one, page.lacking.get(form.value, ""))

    def _reason(self, one: Act, job: str) -> str:
        """Why this has to wait; the page on which it is under way can be seen again."""
        form = {Act.WRITE_KEYWORDS: KeywordForm, Act.SORT_INTO_FOLDERS: SortForm}.get(one)
        plan = self.page.plans.get(form) if form is not None else None
        busy_with = "" if plan is None else plan.busy_with
        if busy_with == job:
            return ""
        return self.page.deeds.words(job) or ("another folder’s photos come first" if busy_with else "")

    def _dim(self, one: Act, reason: str) -> None:
        text, tip = self._titles[one]
        action = self._actions[one]
        action.setEnabled(not reason)
        action.setText(f"{text}  ({reason})" if reason else text)
        action.setToolTip(reason or tip)

    def _fill_bar(self, results: ResultsPage) -> None:
        act = self._actions
        menu = QMenu(results)
        menu.setToolTipsVisible(True)
        menu.addActions([act[one] for one in EXPORTS])
        menu.addSeparator()
        menu.addActions([act[Act.WRITE_KEYWORDS]])
        menu.addActions([act[one] for one in (Act.SORT_INTO_FOLDERS, Act.CONTINUE_SORTING, Act.UNDO_SORTING)])
        menu.addSeparator()
        menu.addActions([act[one] for one in (Act.WATCH_FOLDER, Act.GO_ON)])
        results.bar.fill(
            act[Act.ALL_JOBS], (act[Act.AS_TABLE], act[Act.AS_GALLERY]), act[Act.REVIEW], menu, act[Act.SHOW_FILTERS]
        )


def _export(folders: FoldersPage, form: Form, *, with_mark: bool) -> None:
    """Ask where to, beside the event loop, and have the rows in sight written there."""
    job = folders.job
    if job is None:
        return
    name = f"{job.facts.folder.name or 'results'}.{form}"
    dialog = QFileDialog(folders, "Export the results", str(Path.home() / name))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(form.value)
    dialog.fileSelected.connect(lambda chosen: folders.export(form, Path(chosen), with_mark=with_mark))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
