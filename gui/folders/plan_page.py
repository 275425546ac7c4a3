"""Planning a sorting or the writing of keywords: choose options, check every step, then run it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut, Qt
from PySide6.QtWidgets import QWidget

from core.api import jobs as api
from core.base.errors import FoveaError
from core.base.i18n import mark, tr
from core.base.progress import Progress
from core.jobs.values import JobSummary, View
from core.services.job_values import OutputResult, PlannedSteps
from gui.folders.outputs_controller import OutputsController
from gui.folders.plan_forms import PlanForm
from gui.folders.steps_model import StepsModel, StepsTable
from gui.tasks.task import Task, Tasks
from gui.widgets import theme
from gui.widgets.basic import Panel, ProgressBar, ScrollColumn, button, label, restyle, show_text
from gui.widgets.files import open_file
from gui.widgets.layouts import SPACE, add, fill, hbox, vbox

_MIN_HEIGHT: Final = 112
"""Minimum height of the table of steps, in pixels; a lower page scrolls."""


class Stage(Enum):
    """Where a plan is; the values are titles, marked for translation."""

    PREVIEW = mark("Preview")
    RUNNING = mark("In progress")
    DONE = mark("Done")
    UNDONE = mark("Undone")


class PlanPage(QWidget):
    """A form, the steps it results in, and the button that runs them.

    Attributes:
        closed: the user went back.
        planning_failed: no steps could be planned; why.
    """

    closed = Signal()
    planning_failed = Signal(FoveaError)

    def __init__(self, tasks: Tasks, form: PlanForm, outputs: OutputsController, parent: QWidget) -> None:
        super().__init__(parent)
        self._tasks, self._outputs, self.form = tasks, outputs, form
        self._job, self._folder, self._view = "", Path(), View()
        self._planning: Task | None = None
        self._plan: PlannedSteps | None = None
        self._task: Task | None = None
        self.stage, self._sorting = Stage.PREVIEW, ""
        self.steps = StepsModel(tasks, self)
        self.table = StepsTable(self.steps)
        self.summary = label(wrap=True)
        self._reason = label(kind="warning", wrap=True)
        self.bar = ProgressBar()
        self.bar.setAccessibleName(tr("Steps done"))
        self._panel = Panel("")
        self.show_steps = button(tr("Preview steps"), self.plan, kind="primary")
        self.execute = button(tr(form.action), self._execute)
        self.show_made = button(tr("Open folder"), lambda: open_file(self.form.made_in(self._folder)))
        self.undo = button(tr("Undo"), self._undo, hint=tr("Ctrl+Z"), name=tr("Undo the sorting"))
        QShortcut(QKeySequence.StandardKey.Undo, self, self._undo_by_key)
        self.stop = button(tr("Stop"), self._stop)
        self.back = button(tr("Back to results"), self.closed.emit)
        self._place()
        self._connect()
        self._show_state()

    def _place(self) -> None:
        panel, steps, area = Panel(tr(self.form.title)), self._panel, ScrollColumn(tr(self.form.title))
        add(panel.body, label(tr(self.form.introduction), "muted", wrap=True), self.form)
        add(steps.body, self.summary, self._reason, self.bar)
        add(steps.body, hbox(self.show_made, self.undo, SPACE), fill(self.table))
        self.table.setMinimumHeight(_MIN_HEIGHT)
        area.show_column(panel, fill(steps), margins=0)
        buttons = hbox(self.back, SPACE, self.stop, self.show_steps, self.execute)
        vbox(fill(area), buttons, parent=self, spacing=theme.GRID)

    def _connect(self) -> None:
        self.form.changed.connect(self.forget)
        self._outputs.changed.connect(self._show_state)
        self._outputs.undone.connect(self._on_undone)

    def open(self, job: JobSummary, view: View, missing: Mapping[str, str]) -> None:
        """Plan for the photos of a view; while a task runs, keep showing its own."""
        if self._task is None and (job.id, view) != (self._job, self._view):
            self._job, self._folder, self._view = job.id, job.folder, view
            self.forget()
        self.form.show_missing(missing)
        self.form.setFocus()

    @property
    def busy_with(self) -> str:
        """The job on which this page's task is running; empty if none is."""
        return self._job if self._outputs.is_running(self._task) else ""

    def is_about(self, task: Task) -> bool:
        """Whether a task was started here, so that its result is shown here."""
        return task is self._task

    def plan(self) -> None:
        """Request the steps without running any."""
        request = self.form.request(self._folder)
        if request is not None and self._task is None:
            self.stage = Stage.PREVIEW
            self._show_plan(None)
            self._planning = self._tasks.start(api.plan_output, self._job, self._view, request)
            self._planning.succeeded.connect(self._on_planned)
            self._planning.failed.connect(self.planning_failed)
            self._connect_task(self._planning)
            self.summary.setText(tr("Planning the steps… Nothing is changed yet."))
            self._show_state()

    def forget(self) -> None:
        """Discard the plan, because the options or the view changed."""
        if self._task is not None:
            return
        if self._planning is not None:
            self._planning.abandon()
            self._planning = None
        self.stage = Stage.PREVIEW
        self._show_plan(None)
        self.summary.setText(tr("Preview the steps first. Nothing is changed until you confirm."))
        self._show_state()

    def _show_plan(self, plan: PlannedSteps | None) -> None:
        self._plan = plan
        self.steps.show_plan(plan)

    def _execute(self) -> None:
        if self._plan is not None and self._task is None:
            plan, description = self._plan.id, tr(self.form.running_text)
            self._task = self._outputs.run(self._job, description, api.run_plan, plan)
            self._task.succeeded.connect(self._on_done)
            self._connect_task(self._task)
            self.stage = Stage.RUNNING
            self._show_state()
            self.stop.setFocus()  # the pressed button is disabled, and would lose the focus to another page

    def _undo_by_key(self) -> None:
        if self.undo.isVisible():
            self.undo.click()

    def _undo(self) -> None:
        self._outputs.undo_sorting(self._job, self._sorting)
        self.back.setFocus()

    def _stop(self) -> None:
        task = self._task or self._planning
        if task is not None:
            task.cancel()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def _show_state(self) -> None:
        is_busy, is_done = self._planning is not None or self._task is not None, self.stage is Stage.DONE
        other = "" if self._task is not None else self._outputs.description(self._job)
        show_text(self._reason, tr("Wait until this task is finished: {task}.", task=other) if other else "")
        self._panel.heading.setText(tr(self.stage.value))
        self.show_made.setVisible(is_done)
        self.undo.setVisible(is_done and bool(self._sorting))
        self.undo.setEnabled(not other)
        self.form.setEnabled(self._task is None)
        self.bar.setVisible(is_busy)
        if not is_busy:
            self.bar.setRange(0, 0)
        self.stop.setVisible(is_busy)
        self.show_steps.setEnabled(not is_busy and self.form.request(self._folder) is not None)
        can_execute = self._plan is not None and self._plan.count > 0 and not is_busy and not other
        self.execute.setText(tr(self.form.action))
        self.execute.setEnabled(can_execute)
        restyle(self.execute, "kind", "primary" if can_execute else "")
        restyle(self.show_steps, "kind", "" if self._plan is not None or is_done else "primary")

    def _connect_task(self, task: Task) -> None:
        task.progressed.connect(self._on_progress)
        task.failed.connect(lambda error: self.summary.setText(str(error)))
        task.stopped.connect(self._on_stopped)
        task.ended.connect(self._on_ended)

    def _on_planned(self, plan: PlannedSteps) -> None:
        self._planning = None
        self._show_plan(plan)
        self.summary.setText(plan.text)
        self._show_state()
        self.execute.setFocus()

    def _on_progress(self, progress: Progress) -> None:
        self.bar.setRange(0, max(1, progress.total))
        self.bar.setValue(progress.step)
        self.summary.setText(
            tr("{task}: {done:,} of {total:,}", task=progress.stage, done=progress.step, total=progress.total)
        )

    def _on_done(self, result: OutputResult) -> None:
        self.stage, self._sorting = Stage.DONE, result.sorting
        self.summary.setText(result.message)

    def _on_undone(self, job: str, message: str) -> None:
        if job == self._job and self.stage is Stage.DONE:
            self.stage = Stage.UNDONE
            self._show_plan(None)
            self.summary.setText(message)
            self._show_state()

    def _on_stopped(self) -> None:
        self.summary.setText(tr("Cancelled.") if self._task is None else tr("Stopped partway."))

    def _on_ended(self) -> None:
        if self._task is not None:
            self._task = self._plan = None
            if self.stage is Stage.RUNNING:  # it was stopped, or failed
                self.stage = Stage.PREVIEW
        self._planning = None
        self._show_state()
        if self.stage is Stage.DONE:
            self.show_made.setFocus()
