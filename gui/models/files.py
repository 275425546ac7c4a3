"""Models as files: exported and imported by the library process, chosen in dialogs that do not block."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QWidget

from core.api import model_files
from core.base.errors import FoveaError, UnreadableModelError
from core.base.i18n import mark, tr
from core.base.text import display_path
from core.exporting.formats import ExportFormat
from core.exporting.values import loss_in_words
from core.models.onnx_import_values import ImportAnswers, ImportQuestions
from core.prediction import Failure, Outcome
from gui.tasks.notice import Notice, NoticeKind
from gui.tasks.task import LatestTask, Tasks
from gui.widgets.basic import Choice, button, label
from gui.widgets.files import ask_for_file, ask_for_folder, ask_where_to_save
from gui.widgets.form_panel import FormPanel
from gui.widgets.formats import confidence, size
from gui.widgets.layouts import SPACE, add, hbox
from gui.widgets.work_strip import WorkStrip

FORMS: Final = {
    ExportFormat.ONNX: (
        mark("ONNX, unchanged"),
        mark("For other programs and other computers. Predictions stay exactly the same."),
    ),
    ExportFormat.ONNX_FLOAT32: (mark("ONNX, float32"), mark("For programs that can't read float16. The largest file.")),
    ExportFormat.ONNX_FLOAT16: (mark("ONNX, float16"), mark("Half the size. Probabilities differ by less than 0.01.")),
    ExportFormat.ONNX_INT8: (
        mark("ONNX, int8"),
        mark("A quarter of the size. The loss of accuracy is measured on labelled photos."),
    ),
    ExportFormat.LITERT: (mark("LiteRT, unchanged"), mark("For phones. Requires the trainer (TensorFlow).")),
    ExportFormat.LITERT_FLOAT32: (
        mark("LiteRT, float32"),
        mark("For phones. The largest file. Requires the trainer (TensorFlow)."),
    ),
    ExportFormat.LITERT_FLOAT16: (
        mark("LiteRT, float16"),
        mark("For phones. Half the size. Requires the trainer (TensorFlow)."),
    ),
    ExportFormat.LITERT_INT8: (
        mark("LiteRT, int8"),
        mark(
            "For phones. A quarter of the size; the loss of accuracy is measured on labelled photos. "
            "Requires the trainer (TensorFlow)."
        ),
    ),
}
"""The title of each format, and what it is good for."""


class ExportPanel(FormPanel):
    """Asks for a format and a file, and shows the progress of the export.

    Attributes:
        exported: a message about the result, and the file; None if it failed.
    """

    exported = Signal(str, object)

    def __init__(self, tasks: Tasks, title_of: Callable[[str], str], parent: QWidget) -> None:
        """`title_of` is the title of a model, `name` or `name@version`."""
        super().__init__(tr("Export"), parent)
        self._tasks, self._title_of = tasks, title_of
        self._reference = ""
        self._images: Path | None = None
        self.form = Choice(tr("File format"), {form: name for form, (name, _) in FORMS.items()})
        self._about = label(kind="muted", wrap=True)
        self.photos = button(tr("Choose labelled photos…"), self._choose_photos)
        self.save = button(tr("Save as…"), self._choose_file, kind="primary")
        self.strip = WorkStrip(tr("Progress of the export"), tr("Cancel the export"))
        self._lay_out()
        self.form.currentIndexChanged.connect(self._show_form)

    def open(self, reference: str, images: Path | None = None, *, is_multi_label: bool = False) -> None:
        """Ask how to export this model, `name` or `name@version`, which was trained on these images."""
        self._offer(is_multi_label=is_multi_label)
        self._reference, self._images = reference, images or self._images
        self.heading.setText(tr("Export “{model}”", model=self._title_of(reference)))
        self._show_form()
        self.show()
        self.form.setFocus()

    def write(self, file: Path) -> None:
        """Write the file in the chosen format."""
        form = ExportFormat(self.form.currentData())
        named = file if file.suffix.lower() == form.suffix else file.with_name(file.name + form.suffix)
        images = self._images if form.needs_images else None
        task = self._tasks.start(model_files.export_model, self._reference, named, form, images)
        self.strip.run(task, tr("Writing the file…"))
        self.strip.cancel.setFocus()  # the pressed button is disabled, and would lose the focus to another page
        task.ended.connect(self._show_form)
        task.failed.connect(lambda error: self.exported.emit(str(error), None))
        task.succeeded.connect(lambda written: self._on_exported(named, written))
        self._show_form()

    def _lay_out(self) -> None:
        row = hbox(self.form, self.photos, SPACE, self.cancel_button, self.save)
        add(self.body, row, self._about, self.strip)

    def _show_form(self) -> None:
        form, is_free = ExportFormat(self.form.currentData()), not self.strip.is_busy
        texts = [tr(FORMS[form][1])]
        if self._images and form.needs_images:
            texts.append(tr("Photos: “{folder}”.", folder=display_path(self._images.name)))
        self._about.setText(" ".join(texts))
        self.photos.setVisible(form.needs_images)
        for one in (self.form, self.photos):
            one.setEnabled(is_free)
        self.cancel_button.setVisible(is_free)
        self.save.setEnabled(is_free and (not form.needs_images or self._images is not None))

    def _offer(self, *, is_multi_label: bool) -> None:
        """Enable the formats that the model can be exported in; the others say why not."""
        entries = self.form.model()
        assert isinstance(entries, QStandardItemModel)
        for row, form in enumerate(FORMS):
            can = form.fits_multi_label or not is_multi_label
            entries.item(row).setEnabled(can)
            name, reason = tr(FORMS[form][0]), tr("only for models with one class per photo")
            self.form.setItemText(row, name if can else tr("{name} ({reason})", name=name, reason=reason))
        if not entries.item(self.form.currentIndex()).isEnabled():
            self.form.setCurrentIndex(0)

    def _choose_photos(self) -> None:
        ask_for_folder(self, tr("Choose labelled photos, ideally its training photos"), self.set_photos)

    def set_photos(self, folder: Path) -> None:
        """Measure the loss of accuracy on the labelled photos in this folder."""
        self._images = folder
        self._show_form()

    def _choose_file(self) -> None:
        suffix = ExportFormat(self.form.currentData()).suffix
        name = self._reference.replace("@", "-")
        kinds = tr("Model (*{suffix})", suffix=suffix)
        ask_where_to_save(self, tr("Export model"), Path.home() / f"{name}{suffix}", self.write, kinds)

    def _on_exported(self, file: Path, written: model_files.ExportedFile) -> None:
        self.hide()
        text = tr(
            "Exported “{model}” to “{file}” ({size}).",
            model=self._title_of(self._reference),
            file=display_path(file),
            size=size(written.size_bytes),
        )
        loss = loss_in_words(written.evaluation) if written.evaluation else ""
        self.exported.emit(f"{text} {loss}".rstrip(), file)


class ModelImports(QObject):
    """Imports models from files.

    Attributes:
        noticed: a message about the result.
        imported: a model that was added to the library, or was in it already: its name and its file.
        questioned: a file of another program lacks details: the file, and what is known of each possible output.
        previewed: the predictions for a photo with the answers given for a file: the file, and a text.
        refused: a file, and why its import or preview failed.
        statistics_wanted: the user wants to see the statistics of a file that was refused.
    """

    noticed = Signal(object)
    imported = Signal(str, object)
    questioned = Signal(object, object)
    previewed = Signal(object, str)
    refused = Signal(object, str)
    statistics_wanted = Signal(object)

    def __init__(self, tasks: Tasks, parent: QWidget) -> None:
        super().__init__(parent)
        self._tasks, self._parent = tasks, parent
        self._previewing = LatestTask(tasks)

    def choose_file(self) -> None:
        """Let the user choose a file."""
        kinds = tr("ONNX model (*.onnx);;All files (*)")
        ask_for_file(self._parent, tr("Import model"), kinds, self.import_file)

    def import_file(self, file: Path) -> None:
        """Import a file; if another program made it, the user is asked for missing details."""
        text = tr("Importing “{file}”…", file=display_path(file.name))
        self.noticed.emit(Notice(text, key=import_key(file)))
        task = self._tasks.start(partial(model_files.inspect_model, every_output=True), file)
        task.succeeded.connect(lambda questions: self._on_inspected(file, questions))
        task.failed.connect(lambda error: self._on_failed(file, error))

    def take_answered(self, file: Path, answers: ImportAnswers | None) -> None:
        """Import a file; one of another program with the details that the user gave."""
        task = self._tasks.start(model_files.import_model, file, answers)
        task.succeeded.connect(lambda imported: self._on_imported(file, imported))
        task.failed.connect(lambda error: self._on_failed(file, error))

    def preview(self, file: Path, answers: ImportAnswers, photo: Path) -> None:
        """Predict a photo with the model; nothing is imported."""
        task = self._previewing.start(model_files.preview_import, file, answers, photo)
        task.succeeded.connect(lambda outcome: self._on_preview(file, outcome))
        task.failed.connect(lambda error: self._on_failed(file, error))

    def _on_inspected(self, file: Path, questions: tuple[ImportQuestions, ...]) -> None:
        if questions:
            self.questioned.emit(file, questions)
        else:
            self.take_answered(file, None)

    def _on_imported(self, file: Path, imported: model_files.ImportedModel) -> None:
        name = display_path(file.name)
        if imported.is_new:
            text = tr("Imported “{file}” as “{model}”.", file=name, model=imported.name)
            self.noticed.emit(Notice(text, NoticeKind.SUCCESS, key=import_key(file)))
        else:
            text = tr("“{file}” is already in your library as “{model}”.", file=name, model=imported.name)
            self.noticed.emit(Notice(text, key=import_key(file)))
        self.imported.emit(imported.name, file)

    def _on_failed(self, file: Path, error: FoveaError) -> None:
        text = tr("Couldn't import “{file}”. {reason}", file=display_path(file.name), reason=error)
        count = tr("Statistics"), lambda: self.statistics_wanted.emit(file)
        actions = () if isinstance(error, UnreadableModelError) else (count,)
        self.noticed.emit(Notice(text, NoticeKind.ERROR, actions, key=import_key(file)))
        self.refused.emit(file, str(error))

    def _on_preview(self, file: Path, outcome: Outcome) -> None:
        photo = display_path(outcome.path.name)
        if isinstance(outcome, Failure):
            self.refused.emit(file, tr("“{photo}”: {reason}", photo=photo, reason=f"{outcome.message} {outcome.hint}"))
            return
        scores = ", ".join(f"{display_path(score.label)} {confidence(score.probability)}" for score in outcome.scores)
        text = tr(
            "“{photo}”: {scores}. If this looks wrong, change the pixel scaling or the channel order.",
            photo=photo,
            scores=scores,
        )
        self.previewed.emit(file, text)


def import_key(file: Path) -> str:
    """The key of the notices about the import of a file."""
    return f"import {file}"
