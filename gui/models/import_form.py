"""What an ONNX classifier of another program leaves open, asked in the window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from core.base.text import printable
from core.card import Fit
from core.models.class_names import read_names, text_of
from core.models.onnx_import_values import ChannelOrder, ForeignAnswers, ForeignQuestions, Scaling
from gui.tasks.background import in_background
from gui.widgets.basic import Choice, Panel, label

_ORDERS: Final = {ChannelOrder.RGB: "Red, green, blue", ChannelOrder.BGR: "Blue, green, red"}
_SCALINGS: Final = {
    Scaling.IMAGENET: "ImageNet mean and standard deviation (PyTorch)",
    Scaling.UNIT: "0 to 1",
    Scaling.SIGNED: "−1 to 1 (TensorFlow)",
    Scaling.RAW: "0 to 255, unchanged",
    Scaling.CAFFE: "0 to 255 minus the ImageNet mean (Caffe)",
}
_FITS: Final = {Fit.CENTRE_CROP: "Centre square", Fit.STRETCH: "Whole photo, stretched to a square"}
_USUAL: Final = 224


class QuestionsPanel(Panel):
    """A form for what only the file's maker can say.

    Attributes:
        answered: the file, and what the person says of it.
        tried: the same, and a photo to try them on; nothing is imported.
    """

    answered = Signal(object, object)
    tried = Signal(object, object, object)

    def __init__(self) -> None:
        super().__init__("Import")
        self._file, self._questions = Path(), ForeignQuestions(0, (), None, reads_bytes=False, gives="")
        self._about = label(kind="muted", wrap=True)
        self.title, self.side = QLineEdit(), QSpinBox()
        self.output = Choice()
        self.side.setRange(16, 2048)
        self.side.setSuffix(" pixels")
        self.side.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.classes = QPlainTextEdit()
        self.classes.setFixedHeight(160)
        self.classes.setTabChangesFocus(True)
        self.order, self.scaling, self.fit = Choice(), Choice(), Choice()
        self.trouble = label(kind="danger", wrap=True)
        self._count = label(kind="muted")
        self.preview = label(kind="muted", wrap=True)
        self.load, self.attempt = QPushButton("From a file…"), QPushButton("Try on a photo…")
        self.add, self.leave = QPushButton("Import"), QPushButton("Cancel")
        self.add.setProperty("kind", "primary")
        self._lay_out()
        self.output.currentIndexChanged.connect(self._show_output)
        self.classes.textChanged.connect(self._show_count)
        self.title.textChanged.connect(self._show_count)
        self.load.clicked.connect(self._ask_for_names)
        self.attempt.clicked.connect(self._ask_for_photo)
        self.add.clicked.connect(self._answer)
        self.leave.clicked.connect(self.hide)
        self.hide()

    def _lay_out(self) -> None:
        for box, texts in ((self.order, _ORDERS), (self.scaling, _SCALINGS), (self.fit, _FITS)):
            for value, text in texts.items():
                box.addItem(text, value)
        form = self._form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        names = QHBoxLayout()
        names.addWidget(self._count, 1)
        names.addWidget(self.load)
        rows: dict[str, QWidget] = {
            "Name": self.title,
            "Output": self.output,
            "Classes, one per line": self.classes,
            "Input size (px)": self.side,
            "Channel order": self.order,
            "Pixel scaling": self.scaling,
            "Cropping": self.fit,
        }
        for text, field in rows.items():
            field.setAccessibleName(text)
            form.addRow(text, field)
            if field is self.classes:
                form.addRow("", names)
        buttons = QHBoxLayout()
        buttons.addStretch()
        for button in (self.attempt, self.leave, self.add):
            buttons.addWidget(button)
        self.body.addWidget(self._about)
        self.body.addLayout(form)
        self.body.addWidget(self.preview)
        self.body.addWidget(self.trouble)
        self.body.addLayout(buttons)

    def ask(self, file: Path, questions: Sequence[ForeignQuestions]) -> None:
        """Ask about a file, and which of its outputs is meant where several may be the answer."""
        self._file = file
        self.heading.setText(f"Import “{printable(file.name)}”")
        self.title.setText(printable(file.stem)[:100])
        self.classes.clear()
        with QSignalBlocker(self.output):
            self.output.clear()
            for one in questions:
                self.output.addItem(f"{printable(one.output)[:60]} ({one.class_count:,} classes)", one)
        self._form.setRowVisible(self.output, len(questions) > 1)
        self._show_output()
        self.show()
        self.classes.setFocus()

    def _show_output(self) -> None:
        """Show what is known of the output that is chosen."""
        questions = self._questions = self.output.currentData()
        self._about.setText(
            f"Another program made this file. It has {questions.class_count:,} classes and gives {questions.gives}. "
            "You can usually find the missing details on the model's download page; try them on a photo first."
        )
        if questions.classes:
            self.classes.setPlainText("\n".join(questions.classes))
        self.side.setValue(questions.size or _USUAL)
        self.side.setEnabled(questions.size is None)
        for box in (self.order, self.scaling):
            box.setDisabled(questions.reads_bytes)
        if questions.reads_bytes or questions.scales_inside:
            self.scaling.setCurrentIndex(self.scaling.findData(Scaling.RAW))
        self.trouble.hide()
        self.preview.hide()
        self._show_count()

    def refuse(self, why: str) -> None:
        """Say why the answers did not do."""
        if self.isVisible():
            self.trouble.setText(why)
            self.trouble.show()
            self.preview.hide()
            self._show_count()

    def show_preview(self, text: str) -> None:
        """Show what the model says about a photo with these answers."""
        self.preview.setText(text)
        self.preview.show()
        self._show_count()

    def take_names(self, text: str) -> None:
        """Use the names in the text of a file."""
        self.classes.setPlainText("\n".join(read_names(text)))

    def try_on(self, photo: Path) -> None:
        """Ask what the model says about a photo."""
        self._begin()
        self.tried.emit(self._file, self._answers(), photo)

    def _names(self) -> tuple[str, ...]:
        return read_names(self.classes.toPlainText())

    def _show_count(self) -> None:
        names, wanted = self._names(), self._questions.class_count
        twice = [name for name, times in Counter(names).items() if times > 1]
        note = f" {printable(', '.join(twice[:3]))[:60]}: there more than once, so they get numbers." if twice else ""
        self._count.setText(f"{len(names):,} of {wanted:,} names.{note}")
        is_whole = len(names) == wanted and bool(self.title.text().strip())
        for button in (self.add, self.attempt):
            button.setEnabled(is_whole)

    def _begin(self) -> None:
        self.trouble.hide()
        for button in (self.add, self.attempt):
            button.setEnabled(False)

    def _answer(self) -> None:
        self._begin()
        self.answered.emit(self._file, self._answers())

    def _answers(self) -> ForeignAnswers:
        return ForeignAnswers(
            title=self.title.text().strip(),
            classes=self._names(),
            size=self.side.value(),
            order=ChannelOrder(self.order.currentData()),
            scaling=Scaling(self.scaling.currentData()),
            fit=Fit(self.fit.currentData()),
            output=self._questions.output,
        )

    def _ask_for_photo(self) -> None:
        self._choose("Try on a photo", "All files (*)", lambda name: self.try_on(Path(name)))

    def _ask_for_names(self) -> None:
        def take(name: str) -> None:
            in_background(self, lambda: text_of(Path(name)), self.take_names)

        self._choose("Names of the classes", "Text and JSON (*.txt *.json *.csv *.yaml);;All files (*)", take)

    def _choose(self, title: str, kinds: str, then: Callable[[str], None]) -> None:
        dialog = QFileDialog(self, title, str(self._file.parent), kinds)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(then)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
