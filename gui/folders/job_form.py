"""What a new job is to do: a folder, a model, and the few things one may want otherwise."""

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
from core.base.text import display_path
from core.jobs.values import JobRequest
from gui.session.session import Session
from gui.widgets import theme
from gui.widgets.basic import Choice, Panel, label

_WIDTH: Final = 640


class JobForm(QScrollArea):
    """Asks for a job.

    Attributes:
        submitted: the person wants this; a `JobRequest`.
        cancelled: the person wants no job after all.
    """

    submitted = Signal(JobRequest)
    cancelled = Signal()

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Classify a folder")
        self._session = session
        self.folder: Path | None = None
        self._place = label("No folder is chosen yet.", "muted", wrap=True)
        self.choose = QPushButton("Choose a folder…")
        self.choose.clicked.connect(self.ask_for_folder)
        self.recursive = QCheckBox("Look into subfolders too")
        self.recursive.setChecked(True)
        self.model = Choice()
        self.model.setAccessibleName("Model that answers")
        self.features = QCheckBox("Keep features, so that another model over the same backbone answers in seconds")
        self.include, self.exclude = QLineEdit(), QLineEdit()
        self.begin = QPushButton("Classify")
        self._problem = label(kind="danger", wrap=True)
        self._arrange()
        session.models_changed.connect(self._show_models)
        self._show_models()
        self._show_folder()

    def _arrange(self) -> None:
        body = QWidget()
        self.setWidget(body)
        body.setObjectName("inspector")
        outer = QHBoxLayout(body)
        outer.setContentsMargins(4, 4, 4, 4)
        panel = Panel("Classify a folder")
        panel.setMaximumWidth(_WIDTH)
        panel.body.setSpacing(2 * theme.GRID)
        row = QHBoxLayout()
        row.addWidget(self._place, 1)
        row.addWidget(self.choose)
        panel.body.addLayout(row)
        panel.body.addWidget(self.recursive)
        panel.body.addLayout(_labelled_row("Model", self.model))
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
        for line, name, example in (
            (self.include, "Only files like", "all images; or *.jpg, 2026*/*"),
            (self.exclude, "Leave out", "nothing; or thumbs, *_small.*"),
        ):
            line.setPlaceholderText(example)
            line.setAccessibleName(f"{name}: patterns with commas between")
            line.returnPressed.connect(self._submit)
            column.addLayout(_labelled_row(name, line))
        return column

    def _buttons(self) -> QHBoxLayout:
        self.begin.setProperty("kind", "primary")
        self.begin.clicked.connect(self._submit)
        back = QPushButton("Back")
        back.clicked.connect(self.cancelled)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(back)
        row.addWidget(self.begin)
        return row

    def open(self, folder: Path | None) -> None:
        """Begin with this folder, where there is one."""
        self._problem.hide()
        self.folder = folder or self.folder
        in_use = self._session.opened.name if self._session.opened else self._session.settings.value.model
        self.model.setCurrentIndex(max(0, self.model.findData(in_use)))
        self._show_folder()
        (self.begin if self.folder is not None else self.choose).setFocus()

    def ask_for_folder(self) -> None:
        """Ask for a folder, beside the event loop."""
        dialog = QFileDialog(self, "A folder of photos", str(self.folder or Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.filesSelected.connect(lambda names: self.open(Path(names[0])))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def show_error(self, error: FoveaError) -> None:
        """Say why the job could not begin."""
        self._problem.setText(str(error))
        self._problem.show()
        self.show_starting(is_starting=False)

    def show_starting(self, *, is_starting: bool) -> None:
        """Show whether a job is being begun, which takes a moment where the process for it has to start."""
        self.begin.setEnabled(not is_starting)
        self.begin.setText("Beginning …" if is_starting else "Classify")

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
        self._place.setText("No folder is chosen yet." if self.folder is None else display_path(self.folder))
        self._place.setAccessibleName(f"Folder: {self._place.text()}")
        self.begin.setEnabled(self.folder is not None and self.model.count() > 0)

    def _show_models(self) -> None:
        chosen = self.model.currentData()
        self.model.clear()
        for name, facts in self._session.models.items():
            self.model.addItem(facts.card.title, name)
        in_use = self._session.opened.name if self._session.opened else None
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
