"""The place *Training*: the current training, unfinished runs, trained models, and the way into the wizard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QTreeWidget, QTreeWidgetItem, QWidget

from core.api.library_values import LibraryListing
from core.base.i18n import mark, tr, tr_n
from core.base.text import display_path
from core.models.values import InstalledModel, ModelName, Version
from core.training.runs import RunSummary
from gui.models import version_text
from gui.session.session import Session
from gui.training.wizard_controller import WizardController
from gui.widgets import theme
from gui.widgets.basic import Panel, ScrollColumn, button, fit_rows, label, list_item, plain_list
from gui.widgets.context_menu import attach_menu
from gui.widgets.invitation import invitation
from gui.widgets.layouts import SPACE, TOP, Placed, add, fill, hbox, vbox
from gui.widgets.notices import Notices

_COLUMNS: Final = (
    mark("Date"),
    mark("Model"),
    mark("Version"),
    mark("Recipe"),
    mark("Accuracy"),
    mark("Training photos"),
)
_ACCURACY: Final = 4
_EPOCH_START: Final = datetime.min.replace(tzinfo=UTC)
_MAX_ROWS: Final = 12


class TrainingPage(QWidget):
    """Shows trainings.

    Attributes:
        model_wanted: the user wants to see this version of a model; its name and number.
    """

    model_wanted = Signal(str, int)

    def __init__(
        self,
        session: Session,
        wizard_controller: WizardController,
        notices: Notices,
        show_evaluation: Callable[[InstalledModel], object],
        parent: QWidget,
    ) -> None:
        """`show_evaluation` shows that of a version."""
        super().__init__(parent)
        self.setObjectName("page")
        self._session, self._library, self._models = session, session.library, session.models
        self._wizard_controller, self._notices, self._evaluate = wizard_controller, notices, show_evaluation
        self.new, self._nothing = self._make_new(), self._make_invitation()
        self.running, self.unfinished = Panel(tr("In progress")), Panel(tr("Unfinished"))
        self.past, self.list = Panel(tr("Trained models")), self._make_list()
        self.line, self.show_button = label(wrap=True), button(tr("Show"), wizard_controller.open)
        self.runs: list[RunRow] = []
        self._listed: tuple[RunSummary, ...] | None = None
        self.evaluation = button(tr("Show evaluation"), self._show_evaluation)
        self.version = button(tr("Show model"), self._show_version)
        self._past: list[tuple[ModelName, Version]] = []
        self._lay_out()
        self._connect()
        self.show_line(wizard_controller.line)

    def _lay_out(self) -> None:
        about = label(tr("Teach Fovea new classes with a folder of your own photos."), "muted", wrap=True)
        head = hbox(fill(vbox(label(tr("Training"), "title"), about)), Placed(self.new, alignment=TOP))
        add(self.running.body, hbox(fill(self.line), self.show_button))
        self._past_buttons = QWidget()
        hbox(self.evaluation, self.version, SPACE, parent=self._past_buttons)
        add(self.past.body, self.list, self._past_buttons)
        parts = (self.running, self.unfinished, self.past, self._nothing)
        for part in parts[:3]:
            part.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        area = ScrollColumn(tr("Training"), self)
        area.show_column(head, *parts, SPACE).setSpacing(2 * theme.GRID)
        vbox(area, parent=self, margins=16)
        for hidden in (self.new, *parts[1:]):
            hidden.hide()  # until the library was listed

    def _make_new(self) -> QPushButton:
        return button(tr("New model…"), self._wizard_controller.open, kind="primary")

    def _make_invitation(self) -> QFrame:
        lines = (
            tr("All you need is a folder with some photos of each class, in a subfolder for each."),
            tr("Drop it on this window, or choose it. Training only reads your photos."),
        )
        return invitation("graduation-cap", tr("Train your first model"), lines, (self._make_new(),))

    def _make_list(self) -> QTreeWidget:
        result = plain_list(tr("Trained models, newest first"), [tr(column) for column in _COLUMNS], _ACCURACY)
        result.setToolTip(tr("Press Enter to show the model"))
        attach_menu(result, lambda: (self.evaluation, self.version))
        result.itemActivated.connect(self._show_version)
        result.currentItemChanged.connect(self._show_past_buttons)
        return result

    def _connect(self) -> None:
        self._session.watch.changed.connect(self.refresh)
        self._models.opened.connect(self.refresh)
        self._wizard_controller.status_changed.connect(self.show_line)
        self._library.listed.connect(self._on_listed)
        self._library.run_discarded.connect(self._on_run_discarded)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """List the library again, if the page is visible."""
        if self.isVisible():
            self._library.refresh()

    def show_line(self, text: str) -> None:
        """Show the progress of the wizard's training; an empty text means that none is in progress."""
        ended = bool(self.line.text()) and not text
        self.line.setText(text)
        self.running.setVisible(bool(text))
        if ended:
            self.refresh()

    # ---- events

    def _on_listed(self, listed: LibraryListing) -> None:
        self._show_runs(listed.runs)
        self._show_past(listed.names)

    def _on_run_discarded(self, name: str) -> None:
        self._notices.show_success(tr("Discarded the unfinished training of “{name}”.", name=name))

    def _show_runs(self, runs: tuple[RunSummary, ...]) -> None:
        if runs == self._listed:
            return
        self._listed = runs
        for row in self.runs:
            self.unfinished.body.removeWidget(row)
            row.deleteLater()
        self.runs = [RunRow(run) for run in runs]
        for row in self.runs:
            row.resume_wanted.connect(self._resume)
            row.discard_wanted.connect(self._library.discard_run)
            self.unfinished.body.addWidget(row)
        self.unfinished.setVisible(bool(runs))

    def _resume(self, run: RunSummary) -> None:
        if run.request is not None:
            self._wizard_controller.resume(run.request)

    def _show_past(self, names: Sequence[ModelName]) -> None:
        own = [(one, version) for one in names for version in one.versions if version.number]
        own.sort(key=lambda pair: pair[1].installed_at or _EPOCH_START, reverse=True)
        row = max(self.list.currentIndex().row(), 0)
        places = [(one.name, version.number) for one, version in own]
        before = self._selected()
        selected = (before[0].name, before[1].number) if before is not None else None
        self._past = []  # the signals of the list find no row that is gone
        self.list.clear()
        for one, version in own:
            self.list.addTopLevelItem(_item(one, version, used=self._is_used(one, version)))
        self._past = own
        if own:
            row = places.index(selected) if selected in places else min(row, len(own) - 1)
            self.list.setCurrentIndex(self.list.model().index(row, 0))
        fit_rows(self.list, _MAX_ROWS)
        self.past.setVisible(bool(own))
        self._nothing.setVisible(not own)
        self.new.setVisible(bool(own))  # the invitation has one, too
        self._show_past_buttons()

    def _is_used(self, one: ModelName, version: Version) -> bool:
        opened = self._models.in_use
        return opened is not None and (opened.name, opened.version) == (one.name, version.number)

    def _selected(self) -> tuple[ModelName, Version] | None:
        """The selected training; None if there is none."""
        row = self.list.currentIndex().row()
        return self._past[row] if 0 <= row < len(self._past) else None

    def _show_past_buttons(self) -> None:
        selected = self._selected()
        model = selected[1].model if selected is not None else None
        self.version.setEnabled(selected is not None)
        self.evaluation.setEnabled(model is not None and model.has_evaluation)
        has_reason = selected is not None and not self.evaluation.isEnabled()
        self.evaluation.setToolTip(tr("No evaluation was saved with this version.") if has_reason else "")

    def _show_version(self) -> None:
        if (selected := self._selected()) is not None:
            self.model_wanted.emit(selected[0].name, selected[1].number)

    def _show_evaluation(self) -> None:
        if (selected := self._selected()) is not None and selected[1].model is not None:
            self._evaluate(selected[1].model)


class RunRow(QWidget):
    """An unfinished run that can be resumed or discarded.

    Attributes:
        resume_wanted: resume this run; its `RunSummary`.
        discard_wanted: delete its progress; the name of the run.
    """

    resume_wanted = Signal(object)
    discard_wanted = Signal(str)

    def __init__(self, run: RunSummary) -> None:
        super().__init__()
        self.run = run
        resume, keep = (
            tr("Resume the training of {name}", name=run.name),
            tr("Keep the training of {name}", name=run.name),
        )
        discard = tr("Discard the training of {name}", name=run.name)
        sure = tr("Permanently discard the training of {name}", name=run.name)
        self.resume = button(tr("Resume"), lambda: self.resume_wanted.emit(run), name=resume)
        self.discard = button(tr("Discard…"), lambda: self._confirm(is_asked=True), name=discard)
        self.sure = button(tr("Discard"), lambda: self.discard_wanted.emit(run.name), name=sure)
        self.keep = button(tr("Keep"), lambda: self._confirm(is_asked=False), name=keep)
        self._question = label(tr("Its progress will be permanently deleted."), "danger", wrap=True)
        self.resume.setEnabled(run.request is not None and not run.is_running)
        self.discard.setEnabled(not run.is_running)
        self.about = label(_about(run), "muted", wrap=True)
        texts = vbox(label(run.name, "number"), self.about, self._question)
        buttons = (Placed(one, alignment=TOP) for one in (self.resume, self.discard, self.sure, self.keep))
        hbox(fill(texts), *buttons, parent=self)
        self._confirm(is_asked=False)

    def _confirm(self, *, is_asked: bool) -> None:
        """Ask in place whether to delete the progress, or take the question away."""
        had_focus = self.discard.hasFocus() or self.keep.hasFocus()
        for widget in (self._question, self.sure, self.keep):
            widget.setVisible(is_asked)
        for widget in (self.resume, self.discard):
            widget.setHidden(is_asked)
        if had_focus:
            (self.keep if is_asked else self.discard).setFocus()


def _about(run: RunSummary) -> str:
    recipe, started = run.recipe or tr("unknown recipe"), version_text.format_time(run.started)
    if run.epochs:
        recipe = tr_n("{recipe}, {count} epoch", "{recipe}, {count} epochs", run.epochs, recipe=recipe)
    if run.saved:
        times = tr("Started {started}, saved {saved}", started=started, saved=version_text.format_time(run.saved))
    else:
        times = tr("Started {started}, nothing saved yet", started=started)
    return " · ".join((recipe, times, _state(run)))


def _state(run: RunSummary) -> str:
    if run.is_running:
        return tr("Training now")
    if run.error:
        return display_path(run.error)
    if run.request is None:
        return tr("Started by an earlier version of Fovea. To resume it, repeat the command that started it.")
    return tr("Photos: {folder}", folder=display_path(run.request.folder))


def _item(one: ModelName, version: Version, *, used: bool) -> QTreeWidgetItem:
    number, installed, *others = version_text.cells(version, used=used)
    return list_item(_COLUMNS, (installed, one.title, number, *others))
