"""Planning a sorting or the writing of keywords: choose options, check every step, then run it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent, Qt
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.jobs.values import JobSummary, View
from core.services.batch_messages import StepsPlanned, TaskCancelled, TaskDone, TaskFailed, TaskProgress
from gui.folders.plan_forms import PlanForm
from gui.folders.running_tasks import RunningTasks
from gui.folders.steps_model import StepsModel, StepsTable
from gui.tasks.jobs_client import BatchClient
from gui.widgets import theme
from gui.widgets.basic import Panel, ProgressBar, ScrollColumn, button, label, show_text
from gui.widgets.layouts import SPACE, add, fill, hbox, vbox

_MIN_HEIGHT: Final = 112
"""Minimum height of the table of steps, in pixels; a lower page scrolls."""


class PlanPage(QWidget):
    """A form, the steps it results in, and the button that runs them.

    Attributes:
        closed: the user went back.
    """

    closed = Signal()

    def __init__(self, client: BatchClient, form: PlanForm, running_tasks: RunningTasks, parent: QWidget) -> None:
        super().__init__(parent)
        self._client, self._running_tasks, self.form = client, running_tasks, form
        self._job, self._folder, self._view = "", Path(), View()
        self._planning = self._plan = self._task = 0
        self.steps = StepsModel(client, self)
        self.table = StepsTable(self.steps)
        self.summary = label(wrap=True)
        self._reason = label(kind="warning", wrap=True)
        self.bar = ProgressBar()
        self.bar.setAccessibleName(tr("Steps done"))
        self.show_steps = button(tr("Preview steps"), self.plan)
        self.execute = button(tr(form.action), self._execute, kind="primary")
        self.stop = button(tr("Stop"), lambda: self._client.cancel(self._task or self._planning))
        self.back = button(tr("Back to results"), self.closed.emit)
        self._place()
        self._connect()
        self._show_state()

    def _place(self) -> None:
        panel, steps, area = Panel(tr(self.form.title)), Panel(tr("Steps")), ScrollColumn()
        add(panel.body, label(tr(self.form.introduction), "muted", wrap=True), self.form)
        add(steps.body, self.summary, self._reason, self.bar, fill(self.table))
        self.table.setMinimumHeight(_MIN_HEIGHT)
        area.show_column(panel, fill(steps), margins=0)
        buttons = hbox(self.back, SPACE, self.stop, self.show_steps, self.execute)
        vbox(fill(area), buttons, parent=self, spacing=theme.GRID)

    def _connect(self) -> None:
        self.form.changed.connect(self.forget)
        self._client.steps_planned.connect(self._on_planned)
        self._client.task_progress.connect(self._on_progress)
        self._client.task_ended.connect(self._on_ended)
        self._running_tasks.changed.connect(self._show_state)

    def open(self, job: JobSummary, view: View, missing: Mapping[str, str]) -> None:
        """Plan for the photos of a view; while a task runs, keep showing its own."""
        if not self._task and (job.id, view) != (self._job, self._view):
            self._job, self._folder, self._view = job.id, job.folder, view
            self.forget()
        self.form.show_missing(missing)
        self.form.setFocus()

    @property
    def busy_with(self) -> str:
        """The job on which this page's task is running; empty if none is."""
        return self._job if self._running_tasks.is_running(self._task) else ""

    def is_about(self, ticket: int) -> bool:
        """Whether a task was started here, so that its result is shown here."""
        return bool(ticket) and ticket in (self._planning, self._task)

    def plan(self) -> None:
        """Request the steps without running any."""
        request = self.form.request(self._folder)
        if request is not None and not self._task:
            self._planning, self._plan = self._client.plan(self._job, self._view, request), 0
            self.steps.show_plan(0, 0)
            self.summary.setText(tr("Planning the steps… Nothing is changed yet."))
            self._show_state()

    def forget(self) -> None:
        """Discard the plan, because the options or the view changed."""
        if self._task:
            return
        if self._planning:
            self._client.cancel(self._planning)
        self._planning = self._plan = 0
        self.steps.show_plan(0, 0)
        self.summary.setText(tr("Preview the steps first. Nothing is changed until you confirm."))
        self._show_state()

    def _execute(self) -> None:
        if self._plan and not self._task:
            self._task = self._plan
            self._client.execute_plan(self._plan)
            self._running_tasks.add(self._plan, self._job, tr(self.form.running_text))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def _show_state(self) -> None:
        is_busy = bool(self._planning or self._task)
        other = "" if self._task else self._running_tasks.description(self._job)
        show_text(self._reason, tr("Wait until this task is finished: {task}.", task=other) if other else "")
        self.form.setEnabled(not self._task)
        self.bar.setVisible(is_busy)
        if not is_busy:
            self.bar.setRange(0, 0)
        self.stop.setVisible(is_busy)
        self.show_steps.setEnabled(not is_busy and self.form.request(self._folder) is not None)
        self.execute.setEnabled(bool(self._plan) and not is_busy and not other)

    def _on_planned(self, planned: StepsPlanned) -> None:
        if planned.ticket == self._planning:
            self._planning, self._plan = 0, planned.ticket if planned.count else 0
            self.steps.show_plan(planned.ticket, planned.count)
            self.summary.setText(planned.summary)
            self._show_state()
            self.execute.setFocus()

    def _on_progress(self, message: TaskProgress) -> None:
        if message.ticket in (self._planning, self._task):
            self.bar.setRange(0, max(1, message.progress.total))
            self.bar.setValue(message.progress.step)
            progress = message.progress
            self.summary.setText(
                tr("{task}: {done:,} of {total:,}", task=progress.stage, done=progress.step, total=progress.total)
            )

    def _on_ended(self, ended: object) -> None:
        if not isinstance(ended, TaskDone | TaskFailed | TaskCancelled) or not ended.ticket:
            return
        if ended.ticket not in (self._planning, self._task):
            return
        was_executing, self._planning, self._task, self._plan = bool(self._task), 0, 0, 0
        match ended:
            case TaskDone():
                self.summary.setText(ended.message)
            case TaskFailed():
                self.summary.setText(str(ended.error))
            case TaskCancelled():
                self.summary.setText(tr("Stopped partway.") if was_executing else tr("Cancelled."))
        self._show_state()
