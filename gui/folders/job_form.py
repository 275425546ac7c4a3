"""The form for a new job: folder, model and options."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.base.errors import FoveaError
from core.base.i18n import tr
from core.base.text import display_path
from core.jobs.values import JobRequest
from gui.session.session import Session
from gui.widgets import theme
from gui.widgets.basic import Choice, Panel, label

_WIDTH: Final = 640


class JobForm(QScrollArea):
    """Asks for the settings of a new job.

    Attributes:
        submitted: the user started the job; a `JobRequest`.
        cancelled: the user went back.
    """

    submitted = Signal(JobRequest)
    cancelled = Signal()

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Classify folder"))
        self._session = session
        self.folder: Path | None = None
        self._place = label(tr("No folder selected"), "muted", wrap=True)
        self.choose = QPushButton(tr("Choose folder…"))
        self.choose.clicked.connect(self.ask_for_folder)
        self.recursive = QCheckBox(tr("Include subfolders"))
        self.recursive.setChecked(True)
        self.model = Choice()
        self.model.setAccessibleName(tr("Model"))
        self.features = QCheckBox(tr("Keep features (other models with the same backbone then finish in seconds)"))
        self.include, self.exclude = QLineEdit(), QLineEdit()
        self.begin = QPushButton(tr("Classify"))
        self._problem = label(kind="danger", wrap=True)
        self._arrange()
        session.models.changed.connect(self._show_models)
        self._show_models()
        self._show_folder()

    def _arrange(self) -> None:
        body = QWidget()
        self.setWidget(body)
        body.setObjectName("inspector")
        outer = QHBoxLayout(body)
        outer.setContentsMargins(4, 4, 4, 4)
        panel = Panel(tr("Classify folder"))
        panel.setMaximumWidth(_WIDTH)
        panel.body.setSpacing(2 * theme.GRID)
        row = QHBoxLayout()
        row.addWidget(self._place, 1)
        row.addWidget(self.choose)
        panel.body.addLayout(row)
        panel.body.addWidget(self.recursive)
        panel.body.addLayout(_labelled_row(tr("Model"), self.model))
        panel.body.addLayout(self._patterns())
        panel.body.addWidget(self.features)
        panel.body.addWidget(self._problem)
        panel.body.addLayout(self._buttons())
        outer.addStretch(1)
        outer.addWidget(panel, 4, alignment=Qt.AlignmentFlag.AlignTop)
        outer.addStretch(1)

    def _patterns(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(theme.GRID)
        for line, name, title, example in (
            (self.include, tr("Include"), tr("Include: comma-separated patterns"), tr("*.jpg, 2026*/*")),
            (
                self.exclude,
                tr("Exclude"),
                tr("Exclude: comma-separated patterns"),
                tr("thumbs, *_small.*"),
            ),
        ):
            line.setPlaceholderText(example)
            line.setAccessibleName(title)
            line.returnPressed.connect(self._submit)
            column.addLayout(_labelled_row(name, line))
        return column

    def _buttons(self) -> QHBoxLayout:
        self.begin.setProperty("kind", "primary")
        self.begin.clicked.connect(self._submit)
        back = QPushButton(tr("Back"))
        back.clicked.connect(self.cancelled)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(back)
        row.addWidget(self.begin)
        return row

    def open(self, folder: Path | None) -> None:
        """Reset the form, with this folder selected if one is given."""
        self._problem.hide()
        self.folder = folder or self.folder
        in_use = self._session.models.in_use.name if self._session.models.in_use else self._session.settings.value.model
        self.model.setCurrentIndex(max(0, self.model.findData(in_use)))
        self._show_folder()
        (self.begin if self.folder is not None else self.choose).setFocus()

    def ask_for_folder(self) -> None:
        """Show a folder dialog without blocking the event loop."""
        dialog = QFileDialog(self, tr("Choose a folder of photos"), str(self.folder or Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.filesSelected.connect(lambda names: self.open(Path(names[0])))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def show_error(self, error: FoveaError) -> None:
        """Show why the job could not start."""
        self._problem.setText(str(error))
        self._problem.show()
        self.show_starting(is_starting=False)

    def show_starting(self, *, is_starting: bool) -> None:
        """Show whether a job is starting; this takes a moment when its process has to start first."""
        self.begin.setEnabled(not is_starting)
        self.begin.setText(tr("Starting…") if is_starting else tr("Classify"))

    def _submit(self) -> None:
        if self.folder is None or not self.begin.isEnabled():
            return
        self._problem.hide()
        value = self._session.settings.value
        self.submitted.emit(
            JobRequest(
                folder=self.folder,
                recursive=self.recursive.isChecked(),
                include=_patterns_in(self.include.text()),
                exclude=_patterns_in(self.exclude.text()),
                model=str(self.model.currentData() or value.model),
                provider=value.provider,
                precision=value.precision,
                top_k=value.top_k,
                keep_features=self.features.isChecked(),
            )
        )

    def _show_folder(self) -> None:
        self._place.setText(tr("No folder selected") if self.folder is None else display_path(self.folder))
        self._place.setAccessibleName(tr("Folder: {folder}", folder=self._place.text()))
        self.begin.setEnabled(self.folder is not None and self.model.count() > 0)

    def _show_models(self) -> None:
        chosen = self.model.currentData()
        self.model.clear()
        for name, summary in self._session.models.installed.items():
            self.model.addItem(summary.card.title, name)
        in_use = self._session.models.in_use.name if self._session.models.in_use else None
        self.model.setCurrentIndex(max(0, self.model.findData(chosen or in_use)))
        self._show_folder()


def _patterns_in(text: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in text.split(",")) if part)


def _labelled_row(name: str, widget: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(16)
    caption = label(name, "muted")
    caption.setBuddy(widget)
    caption.setFixedWidth(112)
    row.addWidget(caption)
    row.addWidget(widget, 1)
    return row
