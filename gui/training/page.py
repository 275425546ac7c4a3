"""The place *Training*: what is being trained, what was interrupted, what came of it, and the way into the wizard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.api import LibraryListing
from core.base.text import display_path
from core.services.library_values import NameSummary, VersionSummary
from core.training.runs import RunSummary
from gui.models import version_text
from gui.session.session import Session
from gui.training.wizard_controller import WizardController
from gui.widgets import theme
from gui.widgets.basic import Panel, fit_rows, label
from gui.widgets.notices import Notices

_ABOUT: Final = "Teach Fovea what you want told apart, from a folder of your own photos."
_COLUMNS: Final = ("When", "Model", "Version", "Recipe", "Accuracy", "Learnt from")
_PLACE: Final = Qt.ItemDataRole.UserRole
_EPOCH_START: Final = datetime.min.replace(tzinfo=UTC)
_MAX_ROWS: Final = 12


class TrainingPage(QWidget):
    """Shows trainings.

    Attributes:
        model_wanted: the person wants to see this model.
    """

    model_wanted = Signal(str)

    def __init__(
        self, session: Session, wizard_controller: WizardController, notices: Notices, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._session, self._wizard_controller, self._notices = session, wizard_controller, notices
        self.new = QPushButton("New model…")
        self.new.setProperty("kind", "primary")
        self.running = Panel("Under way")
        self.line, self.show_button = label(wrap=True), QPushButton("Show it")
        self.unfinished = Panel("Unfinished")
        self.runs: list[RunRow] = []
        self._listed: tuple[RunSummary, ...] | None = None
        self.past = Panel("Trained so far")
        self.list = self._make_list()
        self._nothing = label(
            "Nothing was trained here yet. A folder with some photos of each thing is enough.", wrap=True
        )
        self._line_text = ""
        self._past: list[tuple[str, int]] = []
        self._lay_out()
        self._connect()
        self.show_line(wizard_controller.line)
        self._show_runs(())
        self._show_past(())

    def _lay_out(self) -> None:
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        body = QWidget()
        area.setWidget(body)
        body.setObjectName("inspector")
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(2 * theme.GRID)
        head = QHBoxLayout()
        words_ = QVBoxLayout()
        words_.addWidget(label("Training", "title"))
        words_.addWidget(label(_ABOUT, "muted", wrap=True))
        head.addLayout(words_, 1)
        head.addWidget(self.new, alignment=Qt.AlignmentFlag.AlignTop)
        column.addLayout(head)
        row = QHBoxLayout()
        row.addWidget(self.line, 1)
        row.addWidget(self.show_button)
        self.running.body.addLayout(row)
        self.past.body.addWidget(self._nothing)
        self.past.body.addWidget(self.list)
        for part in (self.running, self.unfinished, self.past):
            part.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
            column.addWidget(part)
        column.addStretch(1)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page = QVBoxLayout(self)
        page.setContentsMargins(16, 16, 16, 16)
        page.addWidget(area)

    def _make_list(self) -> QTreeWidget:
        result = QTreeWidget()
        result.setObjectName("choices")
        result.setAccessibleName("Models trained so far, the latest first")
        result.setHeaderLabels(_COLUMNS)
        result.setRootIsDecorated(False)
        result.setUniformRowHeights(True)
        result.setAllColumnsShowFocus(True)
        result.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        result.header().setStretchLastSection(False)
        result.header().setSectionResizeMode(_COLUMNS.index("Accuracy"), QHeaderView.ResizeMode.Stretch)
        result.setToolTip("Enter shows the model")
        result.itemActivated.connect(lambda item: self.model_wanted.emit(str(item.data(0, _PLACE))))
        return result

    def _connect(self) -> None:
        self.new.clicked.connect(lambda: self._wizard_controller.open())
        self.show_button.clicked.connect(lambda: self._wizard_controller.open())
        self._wizard_controller.resumed.connect(self.show_line)
        self._session.library.listed.connect(self._on_listed)
        self._session.library.run_discarded.connect(self._on_run_discarded)
        self._session.watch.changed.connect(self.refresh)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Ask what there is, if anybody looks."""
        if self.isVisible():
            self._session.library.refresh()

    def show_line(self, text: str) -> None:
        """Show how far the wizard's training is; an empty text means that none is under way."""
        ended = bool(self._line_text) and not text
        self._line_text = text
        self.line.setText(text)
        self.running.setVisible(bool(text))
        if ended:
            self.refresh()

    # ---- what comes

    def _on_listed(self, listed: LibraryListing) -> None:
        self._show_runs(listed.runs)
        self._show_past(listed.names)

    def _on_run_discarded(self, name: str) -> None:
        self._notices.show_notice(f"The unfinished training of “{name}” was thrown away.")

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
            row.discard_wanted.connect(self._session.library.discard_run)
            self.unfinished.body.addWidget(row)
        self.unfinished.setVisible(bool(runs))

    def _resume(self, run: RunSummary) -> None:
        if run.request is not None:
            self._wizard_controller.resume(run.request)

    def _show_past(self, names: Sequence[NameSummary]) -> None:
        own = [(one, version) for one in names for version in one.versions if version.number]
        own.sort(key=lambda pair: pair[1].installed_at or _EPOCH_START, reverse=True)
        row = max(self.list.currentIndex().row(), 0)
        marked = self._past[row] if self._past else None
        self._past = [(one.name, version.number) for one, version in own]
        self.list.clear()
        for one, version in own:
            self.list.addTopLevelItem(_item(one, version))
        if own:
            row = self._past.index(marked) if marked in self._past else min(row, len(own) - 1)
            self.list.setCurrentIndex(self.list.model().index(row, 0))
        self.list.setVisible(bool(own))
        fit_rows(self.list, _MAX_ROWS)
        self._nothing.setVisible(not own)


class RunRow(QWidget):
    """An unfinished run, and what can be done with it.

    Attributes:
        resume_wanted: the training is to go on.
        discard_wanted: what it learnt is to be deleted; its name.
    """

    resume_wanted = Signal(object)
    discard_wanted = Signal(str)

    def __init__(self, run: RunSummary) -> None:
        super().__init__()
        self.run = run
        self.resume, self.discard = QPushButton("Resume"), QPushButton("Throw away…")
        self.sure, self.keep = QPushButton("Throw it away"), QPushButton("Keep it")
        self._question = label("What it has learnt so far will be gone for good.", "danger", wrap=True)
        for button, what in ((self.resume, "Resume"), (self.discard, "Throw away"), (self.keep, "Keep")):
            button.setAccessibleName(f"{what} the training of {run.name}")
        self.sure.setAccessibleName(f"Throw away the training of {run.name} for good")
        self.resume.setEnabled(run.request is not None and not run.is_running)
        self.discard.setEnabled(not run.is_running)
        self.resume.clicked.connect(lambda: self.resume_wanted.emit(run))
        self.discard.clicked.connect(lambda: self._confirm(is_asked=True))
        self.keep.clicked.connect(lambda: self._confirm(is_asked=False))
        self.sure.clicked.connect(lambda: self.discard_wanted.emit(run.name))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        text = QVBoxLayout()
        text.addWidget(label(run.name, "number"))
        self.about = label(_about(run), "muted", wrap=True)
        text.addWidget(self.about)
        text.addWidget(self._question)
        row.addLayout(text, 1)
        for button in (self.resume, self.discard, self.sure, self.keep):
            row.addWidget(button, alignment=Qt.AlignmentFlag.AlignTop)
        self._confirm(is_asked=False)

    def _confirm(self, *, is_asked: bool) -> None:
        """Ask in place whether what was learnt is to be gone."""
        had_focus = self.discard.hasFocus() or self.keep.hasFocus()
        for widget in (self._question, self.sure, self.keep):
            widget.setVisible(is_asked)
        for widget in (self.resume, self.discard):
            widget.setHidden(is_asked)
        if had_focus:
            (self.keep if is_asked else self.discard).setFocus()


def _about(run: RunSummary) -> str:
    epochs = f", {run.epochs} epochs" if run.epochs else ""
    text = f"{run.recipe or 'unknown recipe'}{epochs}; begun {version_text.format_time(run.started)}"
    text += f", kept last {version_text.format_time(run.saved)}" if run.saved else ", nothing learnt yet"
    if run.is_running:
        return f"{text}. It is being trained just now."
    if run.error:
        return f"{text}. {display_path(run.error)}"
    if run.request is None:
        return f"{text}. An earlier Fovea began it: only the command it was begun with goes on with it."
    return f"{text}. Photos: {display_path(run.request.folder)}"


def _item(one: NameSummary, version: VersionSummary) -> QTreeWidgetItem:
    card = version.model.card if version.model else None
    number = f"{version.number} (active)" if version.is_active else f"{version.number}"
    texts = [
        version_text.format_time(version.installed_at),
        one.title,
        number,
        version_text.recipe(card) if card else version_text.NO_VALUE,
        version_text.accuracy(card) if card else "cannot be used",
        version_text.training_images_text(version),
    ]
    item = QTreeWidgetItem(texts)
    item.setData(0, _PLACE, one.name)
    spoken = ", ".join(f"{name} {text}" for name, text in zip(_COLUMNS, texts, strict=True))
    item.setData(0, Qt.ItemDataRole.AccessibleTextRole, spoken)
    return item
