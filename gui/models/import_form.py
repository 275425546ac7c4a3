"""A form for the details that an ONNX classifier of another program does not contain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QLineEdit, QPlainTextEdit, QSpinBox, QWidget

from core.base.i18n import mark, tr, tr_n
from core.base.text import display_path
from core.card import ResizeMode
from core.models.class_names import read_names, text_of
from core.models.onnx_import_values import ChannelOrder, ImportAnswers, ImportQuestions, Scaling
from gui.tasks.background import in_background
from gui.widgets.basic import Choice, button, label, show_text
from gui.widgets.files import ask_for_file
from gui.widgets.form_panel import FormPanel
from gui.widgets.layouts import SPACE, add, fill, hbox

_ORDERS: Final = {ChannelOrder.RGB: mark("Red, green, blue"), ChannelOrder.BGR: mark("Blue, green, red")}
_SCALINGS: Final = {
    Scaling.IMAGENET: mark("ImageNet mean and standard deviation (PyTorch)"),
    Scaling.UNIT: mark("0 to 1"),
    Scaling.SIGNED: mark("−1 to 1 (TensorFlow)"),
    Scaling.RAW: mark("0 to 255, unchanged"),
    Scaling.CAFFE: mark("0 to 255 minus the ImageNet mean (Caffe)"),
}
_FITS: Final = {
    ResizeMode.CENTRE_CROP: mark("Centre square"),
    ResizeMode.STRETCH: mark("Whole photo, stretched to a square"),
    ResizeMode.PAD: mark("Whole photo, on a grey square"),
}
_DEFAULT: Final = 224


class ImportForm(FormPanel):
    """Asks for what only the author of the file knows.

    Attributes:
        submitted: import the file with these answers.
        preview_wanted: the same, and a photo to try them on without importing anything.
        statistics_wanted: show the statistics of the file.
    """

    submitted = Signal(object, object)
    preview_wanted = Signal(object, object, object)
    statistics_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__(tr("Import"))
        self._file, self._questions = Path(), ImportQuestions(0, (), None, reads_bytes=False, output_kind="")
        self._about = label(kind="muted", wrap=True)
        self.title, self.side = QLineEdit(), QSpinBox()
        self.output = Choice()
        self.side.setRange(16, 2048)
        self.side.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.classes = QPlainTextEdit()
        self.classes.setFixedHeight(160)
        self.classes.setTabChangesFocus(True)
        self.order, self.scaling, self.fit = (Choice(entries=texts) for texts in (_ORDERS, _SCALINGS, _FITS))
        self.error_text = label(kind="danger", wrap=True)
        self._count = label(kind="muted")
        self.preview = label(kind="muted", wrap=True)
        self.load = button(tr("Load from file…"), self._choose_names)
        self.try_button = button(tr("Try on a photo…"), self._choose_photo)
        self.count_button = button(tr("Statistics"), lambda: self.statistics_wanted.emit(self._file))
        self.add = button(tr("Import"), self._submit, kind="primary")
        self._lay_out()
        self.output.currentIndexChanged.connect(self._show_output)
        self.classes.textChanged.connect(self._show_count)
        self.title.textChanged.connect(self._show_count)

    def _lay_out(self) -> None:
        form = self._form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows: dict[str, QWidget] = {
            tr("Name"): self.title,
            tr("Output"): self.output,
            tr("Classes, one per line"): self.classes,
            tr("Input size (px)"): self.side,
            tr("Channel order"): self.order,
            tr("Pixel scaling"): self.scaling,
            tr("Cropping"): self.fit,
        }
        for text, field in rows.items():
            field.setAccessibleName(text)
            form.addRow(text, field)
            if field is self.classes:
                form.addRow("", hbox(fill(self._count), self.load))
        buttons = hbox(self.count_button, SPACE, self.try_button, self.cancel_button, self.add)
        add(self.body, self._about, form, self.preview, self.error_text, buttons)

    def open(self, file: Path, questions: Sequence[ImportQuestions]) -> None:
        """Ask about a file, and which of its outputs to use if several are possible."""
        self._file = file
        self.heading.setText(tr("Import “{file}”", file=display_path(file.name)))
        self.title.setText(display_path(file.stem)[:100])
        self.classes.clear()
        self.output.offer({one: _output_text(one) for one in questions})
        self._form.setRowVisible(self.output, len(questions) > 1)
        self._show_output()
        self.show()
        self.classes.setFocus()

    def _show_output(self) -> None:
        """Show what is known of the chosen output."""
        questions = self._questions = self.output.currentData()
        self._about.setText(
            tr_n(
                "This file comes from another program. It has {count:,} class and outputs {values}. You can usually "
                "find the missing details on the model's download page. Try them on a photo first.",
                "This file comes from another program. It has {count:,} classes and outputs {values}. You can usually "
                "find the missing details on the model's download page. Try them on a photo first.",
                questions.class_count,
                values=tr(questions.output_kind),
            )
        )
        if questions.classes:
            self.classes.setPlainText("\n".join(questions.classes))
        self.side.setValue(questions.size or _DEFAULT)
        self.side.setEnabled(questions.size is None)
        for box in (self.order, self.scaling):
            box.setDisabled(questions.reads_bytes)
        if questions.reads_bytes or questions.scales_inside:
            self.scaling.setCurrentIndex(self.scaling.findData(Scaling.RAW))
        self.error_text.hide()
        self.preview.hide()
        self._show_count()

    def show_imported(self, _name: str, file: Path) -> None:
        """Close the form if its file was imported."""
        if file == self._file:
            self.hide()

    def show_error(self, file: Path, reason: str) -> None:
        """Show why the answers for a file do not work, if it is the one asked about."""
        if file == self._file and self.isVisible():
            show_text(self.error_text, reason)
            self.preview.hide()
            self._show_count()

    def show_preview(self, file: Path, text: str) -> None:
        """Show the predictions for a photo with the answers for a file, if it is the one asked about."""
        if file == self._file:
            show_text(self.preview, text)
            self._show_count()

    def set_names(self, text: str) -> None:
        """Use the class names in the text of a file."""
        self.classes.setPlainText("\n".join(read_names(text)))

    def preview_on(self, photo: Path) -> None:
        """Predict a photo with the answers given so far."""
        self._begin()
        self.preview_wanted.emit(self._file, self._answers(), photo)

    def _names(self) -> tuple[str, ...]:
        return read_names(self.classes.toPlainText())

    def _show_count(self) -> None:
        names, wanted = self._names(), self._questions.class_count
        texts = [tr_n("{entered:,} of {count:,} name.", "{entered:,} of {count:,} names.", wanted, entered=len(names))]
        duplicates = [name for name, times in Counter(names).items() if times > 1]
        if duplicates:
            shown = display_path(", ".join(duplicates[:3]))[:60]
            texts.append(tr("Duplicate names get a number: {names}.", names=shown))
        self._count.setText(" ".join(texts))
        is_complete = len(names) == wanted and bool(self.title.text().strip())
        for one in (self.add, self.try_button):
            one.setEnabled(is_complete)

    def _begin(self) -> None:
        self.error_text.hide()
        for one in (self.add, self.try_button):
            one.setEnabled(False)

    def _submit(self) -> None:
        self._begin()
        self.submitted.emit(self._file, self._answers())

    def _answers(self) -> ImportAnswers:
        return ImportAnswers(
            title=self.title.text().strip(),
            classes=self._names(),
            size=self.side.value(),
            order=ChannelOrder(self.order.currentData()),
            scaling=Scaling(self.scaling.currentData()),
            fit=ResizeMode(self.fit.currentData()),
            output=self._questions.output,
        )

    def _choose_photo(self) -> None:
        ask_for_file(self, tr("Try on a photo"), tr("All files (*)"), self.preview_on, self._file.parent)

    def _choose_names(self) -> None:
        def take(file: Path) -> None:
            in_background(self, lambda: text_of(file), self.set_names)

        kinds = tr("Text and JSON (*.txt *.json *.csv *.yaml);;All files (*)")
        ask_for_file(self, tr("Class names"), kinds, take, self._file.parent)


def _output_text(one: ImportQuestions) -> str:
    name = display_path(one.output)[:60]
    return tr_n("{name} ({count:,} class)", "{name} ({count:,} classes)", one.class_count, name=name)
