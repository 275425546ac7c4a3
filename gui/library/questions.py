"""What an ONNX classifier of another program leaves open, asked in the window."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
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

from core.card import Fit
from core.images.folders import printable
from core.library.foreign_values import ChannelOrder, ForeignAnswers, ForeignQuestions, Scaling
from gui.background import in_background
from gui.widgets import Choice, Panel, label

_ORDERS: Final = {ChannelOrder.RGB: "red, green, blue", ChannelOrder.BGR: "blue, green, red"}
_SCALINGS: Final = {
    Scaling.IMAGENET: "ImageNet's mean and deviation (PyTorch)",
    Scaling.UNIT: "0 to 1",
    Scaling.SIGNED: "−1 to 1 (TensorFlow)",
    Scaling.RAW: "0 to 255, as they are",
    Scaling.CAFFE: "0 to 255 less ImageNet's mean (Caffe)",
}
_FITS: Final = {Fit.CENTRE_CROP: "the middle square of it", Fit.STRETCH: "all of it, stretched to a square"}
_MOST_BYTES: Final = 10_000_000
_USUAL: Final = 224


class QuestionsPanel(Panel):
    """A form for what only the file's maker can say.

    Attributes:
        answered: the file, and what the person says of it.
    """

    answered = Signal(object, object)

    def __init__(self) -> None:
        super().__init__("Import")
        self._file, self._questions = Path(), ForeignQuestions(0, (), None, reads_bytes=False, gives="")
        self._about = label(kind="muted", wrap=True)
        self.title, self.side = QLineEdit(), QSpinBox()
        self.side.setRange(16, 2048)
        self.side.setSuffix(" pixels")
        self.side.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.classes = QPlainTextEdit()
        self.classes.setFixedHeight(160)
        self.classes.setTabChangesFocus(True)
        self.order, self.scaling, self.fit = Choice(), Choice(), Choice()
        self.trouble = label(kind="danger", wrap=True)
        self._count = label(kind="muted")
        self.load = QPushButton("From a text file…")
        self.add, self.leave = QPushButton("Import"), QPushButton("Cancel")
        self.add.setProperty("kind", "primary")
        self._lay_out()
        self.classes.textChanged.connect(self._show_count)
        self.title.textChanged.connect(self._show_count)
        self.load.clicked.connect(self._ask_for_names)
        self.add.clicked.connect(self._answer)
        self.leave.clicked.connect(self.hide)
        self.hide()

    def _lay_out(self) -> None:
        for box, texts in ((self.order, _ORDERS), (self.scaling, _SCALINGS), (self.fit, _FITS)):
            for value, text in texts.items():
                box.addItem(text, value)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        names = QHBoxLayout()
        names.addWidget(self._count, 1)
        names.addWidget(self.load)
        rows: dict[str, QWidget] = {
            "Name": self.title,
            "Classes, one a line": self.classes,
            "Side of the square it reads": self.side,
            "Order of the colours": self.order,
            "Values of the pixels": self.scaling,
            "Of a photo it sees": self.fit,
        }
        for text, field in rows.items():
            field.setAccessibleName(text)
            form.addRow(text, field)
            if field is self.classes:
                form.addRow("", names)
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(self.leave)
        buttons.addWidget(self.add)
        self.body.addWidget(self._about)
        self.body.addLayout(form)
        self.body.addWidget(self.trouble)
        self.body.addLayout(buttons)

    def ask(self, file: Path, questions: ForeignQuestions) -> None:
        """Ask about a file."""
        self._file, self._questions = file, questions
        self.heading.setText(f"Import “{printable(file.name)}”")
        self._about.setText(
            f"Another program made this file. It tells {questions.class_count:,} classes apart and gives "
            f"{questions.gives}. What it does not say itself, its maker does, most often on the page it came from."
        )
        self.title.setText(printable(file.stem)[:100])
        self.classes.setPlainText("\n".join(questions.classes))
        self.side.setValue(questions.size or _USUAL)
        self.side.setEnabled(questions.size is None)
        for box in (self.order, self.scaling):
            box.setDisabled(questions.reads_bytes)
        if questions.reads_bytes:
            self.scaling.setCurrentIndex(self.scaling.findData(Scaling.RAW))
        self.trouble.hide()
        self._show_count()
        self.show()
        self.classes.setFocus()

    def refuse(self, why: str) -> None:
        """Say why the answers did not do."""
        if self.isVisible():
            self.trouble.setText(why)
            self.trouble.show()
            self.add.setEnabled(True)

    def take_names(self, text: str) -> None:
        """Use these lines as names."""
        self.classes.setPlainText(text)

    def _names(self) -> tuple[str, ...]:
        lines = (line.strip() for line in self.classes.toPlainText().splitlines())
        return tuple(line for line in lines if line)

    def _show_count(self) -> None:
        names, wanted = self._names(), self._questions.class_count
        twice = len(names) != len(set(names))
        told = " One of them is there twice." if twice else ""
        self._count.setText(f"{len(names):,} of {wanted:,} names.{told}")
        self.add.setEnabled(len(names) == wanted and not twice and bool(self.title.text().strip()))

    def _answer(self) -> None:
        self.trouble.hide()
        self.add.setEnabled(False)
        answers = ForeignAnswers(
            title=self.title.text().strip(),
            classes=self._names(),
            size=self.side.value(),
            order=ChannelOrder(self.order.currentData()),
            scaling=Scaling(self.scaling.currentData()),
            fit=Fit(self.fit.currentData()),
        )
        self.answered.emit(self._file, answers)

    def _ask_for_names(self) -> None:
        dialog = QFileDialog(self, "Names of the classes, one a line", str(self._file.parent), "Text (*.txt);;All (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: in_background(self, lambda: _read(Path(name)), self.take_names))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def _read(file: Path) -> str:
    """A file's text; nothing where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
