"""The form for a new job: folder, model and options."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from core.base.errors import FoveaError
from core.base.i18n import tr
from core.base.text import display_path
from core.detection import DetectionOptions
from core.jobs.values import JobRequest
from gui.folders.folder_count import FolderCount
from gui.folders.further_models import FurtherModels
from gui.session.model_controller import ModelController
from gui.session.settings_store import SettingsStore
from gui.tasks.picture_client import PictureClient
from gui.widgets import theme
from gui.widgets.basic import CheckBox, Choice, Panel, ScrollColumn, button, caption, label, restyle, show_text
from gui.widgets.files import ask_for_folder
from gui.widgets.layouts import SPACE, TOP, Placed, add, fill, hbox, vbox

_WIDTH: Final = 640
_CAPTION_WIDTH: Final = 112


class JobForm(ScrollColumn):
    """Asks for the settings of a new job.

    Attributes:
        submitted: the user started the job; a `JobRequest`.
        cancelled: the user went back.
    """

    submitted = Signal(JobRequest)
    cancelled = Signal()

    def __init__(
        self, models: ModelController, settings: SettingsStore, pictures: PictureClient, parent: QWidget
    ) -> None:
        super().__init__(tr("Classify folder"), parent)
        self._models, self._settings = models, settings
        self.folder: Path | None = None
        self._counted = FolderCount(pictures, self)
        self._is_starting = False
        self._place, self.count = label(wrap=True), label(kind="muted")
        self.choose = button(tr("Choose folder…"), self.ask_for_folder)
        self.recursive = CheckBox(tr("Include subfolders"))
        self.recursive.setChecked(True)
        self.model = Choice(tr("Model"))
        self.others = FurtherModels(_CAPTION_WIDTH)
        self.features = CheckBox(tr("Keep features (other models with the same backbone then finish in seconds)"))
        self.crop = CheckBox(tr("Crop to subject: classify the most prominent thing in each photo"))
        self.count_objects = CheckBox(tr("Count objects, such as “2 cats, 1 person”"))
        self.include, self.exclude = QLineEdit(), QLineEdit()
        self.begin = button(tr("Classify"), self._submit, kind="primary")
        self._problem = label(kind="danger", wrap=True)
        self._arrange()
        self._connect()

    def _connect(self) -> None:
        self._counted.changed.connect(self._show_folder)
        self.recursive.toggled.connect(self._show_folder)
        self.model.currentIndexChanged.connect(self._show_others)
        self._models.changed.connect(self._show_models)
        self._show_models()
        self._show_folder()

    def _arrange(self) -> None:
        panel = Panel(tr("Classify folder"))
        panel.setMaximumWidth(_WIDTH)
        panel.body.setSpacing(12)
        add(
            panel.body,
            hbox(fill(vbox(self._place, self.count, spacing=4)), self.choose),
            self.recursive,
            _labelled_row(tr("Model"), self.model),
            self.others,
            self._patterns(),
            vbox(self.crop, self.count_objects, self.features, spacing=0),
            self._problem,
            hbox(SPACE, button(tr("Back"), self.cancelled.emit), self.begin),
        )
        side = Placed(None, 1)
        self.show_column(hbox(side, Placed(panel, 4, TOP), side), margins=4)

    def _patterns(self) -> QVBoxLayout:
        for line, title, example in (
            (self.include, tr("Include: comma-separated patterns"), tr("*.jpg, 2026*/*")),
            (self.exclude, tr("Exclude: comma-separated patterns"), tr("thumbs, *_small.*")),
        ):
            line.setPlaceholderText(example)
            line.setAccessibleName(title)
            line.returnPressed.connect(self._submit)
        include, exclude = _labelled_row(tr("Include"), self.include), _labelled_row(tr("Exclude"), self.exclude)
        return vbox(include, exclude, spacing=theme.GRID)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)

    def open(self, folder: Path | None) -> None:
        """Reset the form, with this folder selected if one is given."""
        self._problem.hide()
        self.folder = folder or self.folder
        if self.folder is not None:
            self._counted.start(self.folder)
        in_use = self._models.name or self._settings.value.model
        self.model.setCurrentIndex(max(0, self.model.findData(in_use)))
        self._show_starting(is_starting=False)
        (self.begin if self.folder is not None else self.choose).setFocus()

    def ask_for_folder(self) -> None:
        """Let the user choose the folder; without one, there is nothing to fill in."""

        def leave() -> None:
            if self.folder is None:
                self.cancelled.emit()

        ask_for_folder(self, tr("Choose a folder of photos"), self.open, self.folder, leave)

    def show_error(self, error: FoveaError) -> None:
        """Show why the job could not start."""
        show_text(self._problem, str(error))
        self._show_starting(is_starting=False)

    def _show_starting(self, *, is_starting: bool) -> None:
        """Show whether a job is starting; this takes a moment when its process has to start first."""
        self._is_starting = is_starting
        self.begin.setText(tr("Starting…") if is_starting else tr("Classify"))
        self._show_folder()

    def _submit(self) -> None:
        if self.folder is None or not self.begin.isEnabled():
            return
        self._problem.hide()
        self._show_starting(is_starting=True)
        value = self._settings.value
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
                detection=DetectionOptions(self.crop.isChecked(), self.count_objects.isChecked()),
                others=self.others.names,
            )
        )

    def _show_folder(self) -> None:
        recursive, is_chosen = self.recursive.isChecked(), self.folder is not None
        self._place.setText(tr("No folder selected") if self.folder is None else display_path(self.folder))
        self._place.setAccessibleName(tr("Folder: {folder}", folder=self._place.text()))
        restyle(self._place, "kind", "plain" if is_chosen else "muted")
        show_text(self.count, self._counted.text(recursive=recursive) if is_chosen else "")
        is_ready = is_chosen and self.model.count() > 0 and not self._counted.is_empty(recursive=recursive)
        self.begin.setEnabled(is_ready and not self._is_starting)

    def _show_models(self) -> None:
        titles = {name: model.card.title for name, model in self._models.installed.items()}
        self.model.offer(titles, self.model.currentData() or self._models.name)
        self._show_others()
        self._show_folder()

    def _show_others(self) -> None:
        first = str(self.model.currentData() or "")
        self.others.show_models(self._models.installed, first)
        several = first in self._models.installed and self._models.installed[first].card.is_multi_label
        self.crop.setEnabled(not several)
        self.crop.setToolTip(tr("A crop would lose the other classes of a photo.") if several else "")


def _patterns_in(text: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in text.split(",")) if part)


def _labelled_row(name: str, widget: QWidget) -> QHBoxLayout:
    title = caption(name, widget)
    title.setFixedWidth(_CAPTION_WIDTH)
    return hbox(title, fill(widget), spacing=16)
