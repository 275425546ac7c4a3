"""Models as files: exported and imported by the library process, chosen in dialogs beside the event loop."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from core import api
from core.base.errors import FoveaError
from core.base.text import display_path
from core.exporting.formats import ExportFormat
from core.models.onnx_import_values import ImportAnswers, ImportQuestions
from core.prediction import Failure, Outcome
from gui.tasks.task import Task, Tasks
from gui.widgets.basic import Choice, Panel, label
from gui.widgets.work_strip import WorkStrip

FORMS: Final = {
    ExportFormat.ONNX: ("ONNX, as it is", "For other programs and for Fovea elsewhere. Answers exactly as here."),
    ExportFormat.ONNX_FLOAT32: ("ONNX, float32", "For programs that cannot read float16. The largest file."),
    ExportFormat.ONNX_FLOAT16: ("ONNX, float16", "Half the size; answers differ by less than a hundredth."),
    ExportFormat.ONNX_INT8: ("ONNX, int8", "A quarter of the size. What it loses is measured on labelled photos."),
    ExportFormat.LITERT: ("LiteRT, as it is", "For phones. Needs the trainer (TensorFlow)."),
    ExportFormat.LITERT_FLOAT32: ("LiteRT, float32", "For phones, the largest file. Needs the trainer (TensorFlow)."),
    ExportFormat.LITERT_FLOAT16: ("LiteRT, float16", "For phones, half the size. Needs the trainer (TensorFlow)."),
    ExportFormat.LITERT_INT8: (
        "LiteRT, int8",
        "For phones, a quarter of the size; measured on labelled photos. Needs the trainer (TensorFlow).",
    ),
}
"""What each form is called, and what it is good for."""


class ExportPanel(Panel):
    """Asks in which form, and where to; shows how far the export is.

    Attributes:
        exported: what came of it, and the file where it was written, else None.
    """

    exported = Signal(str, object)

    def __init__(self, tasks: Tasks, parent: QWidget) -> None:
        super().__init__("Export", parent)
        self._tasks = tasks
        self._reference = ""
        self._task: Task | None = None
        self._images: Path | None = None
        self.form = Choice()
        self.form.setAccessibleName("Form of the file")
        for form, (name, _) in FORMS.items():
            self.form.addItem(name, form)
        self._about = label(kind="muted", wrap=True)
        self.photos = QPushButton("Choose labelled photos…")
        self.save = QPushButton("Save as…")
        self.save.setProperty("kind", "primary")
        self.close_button = QPushButton("Cancel")
        self.strip = WorkStrip("the export")
        self._lay_out()
        self._connect()
        self.hide()

    def open(self, reference: str, images: Path | None = None) -> None:
        """Ask about this model, `name` or `name@version`, which was trained on these images."""
        self._reference, self._images = reference, images or self._images
        self.heading.setText(f"Export “{reference}”")
        self._show_form()
        self.show()
        self.form.setFocus()

    def write(self, file: Path) -> None:
        """Write the file in the form that is chosen."""
        form = ExportFormat(self.form.currentData())
        named = file if file.suffix.lower() == form.suffix else file.with_name(file.name + form.suffix)
        self.save.setEnabled(False)
        self.strip.begin("Writing the file …")
        images = self._images if form.needs_images else None
        task = self._task = self._tasks.start(api.export_model, self._reference, named, form, images)
        task.progressed.connect(self.strip.show_progress)
        task.ended.connect(self._on_ended)
        task.failed.connect(lambda error: self.exported.emit(str(error), None))
        task.succeeded.connect(lambda written: self._on_exported(named, written))

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        for widget in (self.form, self.photos):
            row.addWidget(widget)
        row.addStretch()
        row.addWidget(self.close_button)
        row.addWidget(self.save)
        self.body.addLayout(row)
        self.body.addWidget(self._about)
        self.body.addWidget(self.strip)

    def _connect(self) -> None:
        self.form.currentIndexChanged.connect(self._show_form)
        self.photos.clicked.connect(self._choose_photos)
        self.save.clicked.connect(self._choose_file)
        self.close_button.clicked.connect(self._close)
        self.strip.cancel_wanted.connect(self.cancel)

    def _show_form(self) -> None:
        form = ExportFormat(self.form.currentData())
        chosen = f" From “{display_path(self._images.name)}”." if self._images and form.needs_images else ""
        self._about.setText(f"{FORMS[form][1]}{chosen}")
        self.photos.setVisible(form.needs_images)
        self.save.setEnabled(not self.strip.isVisible() and (not form.needs_images or self._images is not None))

    def _choose_photos(self) -> None:
        dialog = QFileDialog(self, "Labelled photos, best those it was trained on", str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self.set_photos)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def set_photos(self, folder: str) -> None:
        """Measure by these."""
        self._images = Path(folder)
        self._show_form()

    def _choose_file(self) -> None:
        suffix = ExportFormat(self.form.currentData()).suffix
        name = self._reference.replace("@", "-")
        dialog = QFileDialog(self, "Export the model", str(Path.home() / f"{name}{suffix}"), f"Model (*{suffix})")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix[1:])
        dialog.fileSelected.connect(lambda file: self.write(Path(file)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def cancel(self) -> None:
        """Cancel what is being written; a file that is not whole is never left."""
        if self._task is not None:
            self._task.cancel()

    def _close(self) -> None:
        self.cancel()
        self.hide()

    def _on_exported(self, file: Path, written: api.ExportedFile) -> None:
        self.hide()
        size = f"{written.size_bytes / 1e6:.1f} MB"
        text = f"“{self._reference}” is written to “{display_path(file)}” ({size})."
        self.exported.emit(" ".join([text, *written.notes]), file)

    def _on_ended(self) -> None:
        self._task = None
        self.strip.end()
        self._show_form()


class ModelImports(QObject):
    """Brings models in from files.

    Attributes:
        noticed: what came of it.
        imported: a model is in the library, or was already; its name.
        questioned: another program's file leaves something open: the file, and what is known of each possible answer.
        previewed: what the model says about a photo with the answers given, in words.
        refused: the answers did not do; why.
    """

    noticed = Signal(str)
    imported = Signal(str)
    questioned = Signal(object, object)
    previewed = Signal(str)
    refused = Signal(str)

    def __init__(self, tasks: Tasks, parent: QWidget) -> None:
        super().__init__(parent)
        self._tasks, self._parent = tasks, parent

    def choose_file(self) -> None:
        """Let the person choose a file."""
        dialog = QFileDialog(self._parent, "Import a model", str(Path.home()), "ONNX model (*.onnx);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda file: self.import_file(Path(file)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def import_file(self, file: Path) -> None:
        """Import a file; another program's may leave something open."""
        task = self._tasks.start(api.import_model, file)
        task.succeeded.connect(lambda found: self._on_read(file, found))
        task.failed.connect(lambda error: self._on_failed(file, error))

    def take_answered(self, file: Path, answers: ImportAnswers) -> None:
        """Import another program's file, with the user's answers to what it leaves open."""
        task = self._tasks.start(api.import_foreign, file, answers)
        task.succeeded.connect(lambda imported: self._on_imported(file, imported))
        task.failed.connect(lambda error: self._on_failed(file, error))

    def preview(self, file: Path, answers: ImportAnswers, photo: Path) -> None:
        """Ask what the model says about a photo; nothing is imported."""
        task = self._tasks.start(api.preview_import, file, answers, photo)
        task.succeeded.connect(self._on_preview)
        task.failed.connect(lambda error: self._on_failed(file, error))

    def _on_read(self, file: Path, found: api.ImportedModel | tuple[ImportQuestions, ...]) -> None:
        if isinstance(found, api.ImportedModel):
            self._on_imported(file, found)
        else:
            self.questioned.emit(file, found)

    def _on_imported(self, file: Path, imported: api.ImportedModel) -> None:
        name = display_path(file.name)
        is_there = f"You have “{name}” already: it is “{imported.name}”."
        self.noticed.emit(f"“{name}” is now the model “{imported.name}”." if imported.is_new else is_there)
        self.imported.emit(imported.name)

    def _on_failed(self, file: Path, error: FoveaError) -> None:
        self.noticed.emit(f"“{display_path(file.name)}” was not imported. {error}")
        self.refused.emit(str(error))

    def _on_preview(self, outcome: Outcome) -> None:
        photo = display_path(outcome.path.name)
        if isinstance(outcome, Failure):
            self.refused.emit(f"“{photo}”: {outcome.message} {outcome.hint}")
            return
        scores = ", ".join(f"{display_path(score.label)} {score.probability:.0%}" for score in outcome.scores)
        self.previewed.emit(f"“{photo}”: {scores}. If that is wrong, change the pixel scaling or the channel order.")
