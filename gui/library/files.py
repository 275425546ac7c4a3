"""Models as files: exported and imported by the library process, chosen in dialogs beside the event loop."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from core.images.folders import printable
from core.library.foreign_values import ForeignAnswers
from core.prediction import Failure, Outcome
from core.services.library_messages import Exported, ExportForm, Imported
from core.services.training_messages import Stage, Stopped
from gui.library_client import LibraryClient
from gui.widgets import Choice, Panel, label
from gui.work_strip import WorkStrip

FORMS: Final = {
    ExportForm.ONNX: ("ONNX, as it is", "For other programs and for Fovea elsewhere. Answers exactly as here."),
    ExportForm.ONNX_FLOAT32: ("ONNX, float32", "For programs that cannot read float16. The largest file."),
    ExportForm.ONNX_FLOAT16: ("ONNX, float16", "Half the size; answers differ by less than a hundredth."),
    ExportForm.ONNX_INT8: ("ONNX, int8", "A quarter of the size. What it loses is measured on labelled photos."),
    ExportForm.LITERT: ("LiteRT, as it is", "For phones. Needs the trainer (TensorFlow)."),
    ExportForm.LITERT_FLOAT16: ("LiteRT, float16", "For phones, half the size. Needs the trainer (TensorFlow)."),
    ExportForm.LITERT_INT8: (
        "LiteRT, int8",
        "For phones, a quarter of the size; measured on labelled photos. Needs the trainer (TensorFlow).",
    ),
}
"""What each form is called, and what it is good for."""


class ExportPanel(Panel):
    """Asks in which form, and where to; shows how far the export is.

    Attributes:
        noticed: what came of it.
    """

    noticed = Signal(str)

    def __init__(self, library: LibraryClient, parent: QWidget) -> None:
        super().__init__("Export", parent)
        self._library = library
        self._reference, self._ticket = "", 0
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

    def begin(self, reference: str) -> None:
        """Ask about this model, `name` or `name@version`."""
        self._reference = reference
        self.heading.setText(f"Export “{reference}”")
        self._show_form()
        self.show()
        self.form.setFocus()

    def write(self, file: Path) -> None:
        """Write the file in the form that is chosen."""
        form = ExportForm(self.form.currentData())
        self.save.setEnabled(False)
        self.strip.begin("Writing the file …")
        self._ticket = self._library.export(self._reference, file, form, self._images if form.needs_images else None)

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
        self.photos.clicked.connect(self._ask_for_photos)
        self.save.clicked.connect(self._ask_where_to)
        self.close_button.clicked.connect(self._leave)
        self.strip.cancel_wanted.connect(lambda: self._library.stop(self._ticket))
        self._library.stage.connect(self._on_stage)
        self._library.exported.connect(self._on_exported)
        self._library.stopped.connect(self._on_stopped)

    def _show_form(self) -> None:
        form = ExportForm(self.form.currentData())
        chosen = f" From “{printable(self._images.name)}”." if self._images and form.needs_images else ""
        self._about.setText(f"{FORMS[form][1]}{chosen}")
        self.photos.setVisible(form.needs_images)
        self.save.setEnabled(not self.strip.isVisible() and (not form.needs_images or self._images is not None))

    def _ask_for_photos(self) -> None:
        dialog = QFileDialog(self, "Labelled photos, best those it was trained on", str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self.take_photos)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def take_photos(self, folder: str) -> None:
        """Measure by these."""
        self._images = Path(folder)
        self._show_form()

    def _ask_where_to(self) -> None:
        suffix = ExportForm(self.form.currentData()).suffix
        name = self._reference.replace("@", "-")
        dialog = QFileDialog(self, "Export the model", str(Path.home() / f"{name}{suffix}"), f"Model (*{suffix})")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix[1:])
        dialog.fileSelected.connect(lambda file: self.write(Path(file)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _leave(self) -> None:
        self._library.stop(self._ticket)
        self.hide()

    def _on_stage(self, stage: Stage) -> None:
        if stage.ticket == self._ticket:
            self.strip.show_progress(stage.progress)

    def _on_stopped(self, stopped: Stopped) -> None:
        if stopped.ticket == self._ticket:
            self._rest()

    def _on_exported(self, exported: Exported) -> None:
        if exported.ticket != self._ticket:
            return
        self._rest()
        if exported.error is not None:
            self.noticed.emit(str(exported.error))
            return
        self.hide()
        size = f"{exported.size_bytes / 1e6:.1f} MB"
        told = f"“{self._reference}” is written to “{printable(exported.file)}” ({size})."
        self.noticed.emit(" ".join([told, *exported.notes]))

    def _rest(self) -> None:
        self._ticket = 0
        self.strip.end()
        self._show_form()


class ModelImports(QObject):
    """Brings models in from files.

    Attributes:
        noticed: what came of it.
        came: a model is in the library, or was already; its name.
        asked: another program's file leaves something open: the file, and what is known of each possible answer.
        previewed: what the model says about a photo with the answers given, in words.
        refused: the answers did not do; why.
    """

    noticed = Signal(str)
    came = Signal(str)
    asked = Signal(object, object)
    previewed = Signal(str)
    refused = Signal(str)

    def __init__(self, library: LibraryClient, parent: QWidget) -> None:
        super().__init__(parent)
        self._library, self._parent = library, parent
        self._ticket = 0
        library.imported.connect(self._on_imported)

    def ask(self) -> None:
        """Let the person choose a file."""
        dialog = QFileDialog(self._parent, "Import a model", str(Path.home()), "ONNX model (*.onnx);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda file: self.take(Path(file)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def take(self, file: Path, answers: ForeignAnswers | None = None) -> None:
        """Import a file, with the person's answers where it leaves something open."""
        self._ticket = self._library.import_file(file, answers)

    def try_on(self, file: Path, answers: ForeignAnswers, photo: Path) -> None:
        """Ask what the model says about a photo; nothing is imported."""
        self._ticket = self._library.import_file(file, answers, photo)

    def _on_imported(self, imported: Imported) -> None:
        if imported.ticket != self._ticket:
            return
        name = printable(imported.file.name)
        if imported.questions:
            self.asked.emit(imported.file, imported.questions)
            return
        if imported.preview is not None:
            self._on_preview(imported.preview)
            return
        if imported.error is not None:
            self.noticed.emit(f"“{name}” was not imported. {imported.error}")
            self.refused.emit(str(imported.error))
            return
        is_there = f"You have “{name}” already: it is “{imported.name}”."
        self.noticed.emit(f"“{name}” is now the model “{imported.name}”." if imported.is_new else is_there)
        self.came.emit(imported.name)

    def _on_preview(self, outcome: Outcome) -> None:
        photo = printable(outcome.path.name)
        if isinstance(outcome, Failure):
            self.refused.emit(f"“{photo}”: {outcome.message} {outcome.hint}")
            return
        scores = ", ".join(f"{printable(score.label)} {score.probability:.0%}" for score in outcome.scores)
        self.previewed.emit(f"“{photo}”: {scores}. If that is wrong, change the pixel scaling or the channel order.")
